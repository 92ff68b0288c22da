//! The engine of the JavaScript class `Presence`.

use crate::objects::Objects;
use crate::rx;
use alloc::vec::Vec;
use herenow_core::presence::{Change, Error, Presences};
use herenow_core::protocol::json;
use wasm_bindgen::prelude::wasm_bindgen;

/// What `watch` is made of: whether joins, and whether leaves, are to be reported.
const WATCH_JOINS: u32 = 1;
const WATCH_LEAVES: u32 = 2;

/// What a sync returns when it refused the payload, which has then changed nothing.
const NOT_JSON: i32 = -1;
const NO_JOINS: i32 = -2;
const NO_LEAVES: i32 = -3;
const TOO_LARGE: i32 = -4;

/// Members of one topic. See `js/text_members.js` for how its numbers are read.
#[wasm_bindgen]
pub struct PresenceCore {
    seed: u64,
    map: Presences,
    objects: Objects,
    /// The slots of the members, as of the last [`sort`](Self::sort).
    order: Vec<u32>,
    error_offset: usize,
}

#[wasm_bindgen]
impl PresenceCore {
    /// Nobody is present yet. The two halves of the seed should be random.
    #[wasm_bindgen(constructor)]
    pub fn new(seed_high: u32, seed_low: u32) -> Self {
        Self::empty(u64::from(seed_high) << 32 | u64::from(seed_low))
    }

    /// Forgets everybody. JavaScript has to forget its objects then.
    pub fn reset(&mut self) {
        *self = Self::empty(self.seed);
    }

    /// Applies a `presence_state` or else a `presence_diff`: the scratch text or else the payload of the
    /// frame. Returns how many numbers the records have; negative if the payload was refused.
    pub fn sync(&mut self, state: bool, scratch: bool, watch: u32) -> i32 {
        let apply = |payload: &str| self.apply(state, payload, watch);
        let result = match scratch {
            true => rx::with_scratch(apply),
            false => rx::with_payload(apply),
        };
        match result {
            Ok(()) => self.objects.records().len() as i32,
            Err(error) => self.refuse(error),
        }
    }

    /// Gives JavaScript the objects that it lacks. Returns how many numbers the records have.
    pub fn refresh(&mut self) -> i32 {
        self.objects.refresh(&self.map);
        self.objects.records().len() as i32
    }

    /// Brings the members in order. Returns how many there are.
    pub fn sort(&mut self) -> usize {
        self.map.settle();
        self.order = self.map.slots();
        self.order.len()
    }

    /// Where the slots of the members are, in order, when they have been sorted.
    pub fn order_ptr(&self) -> *const u32 {
        self.order.as_ptr()
    }

    /// How many keys are present.
    pub fn size(&self) -> usize {
        self.map.len()
    }

    /// How many metas there are under all keys.
    pub fn connections(&self) -> usize {
        self.map
            .iter()
            .map(|(_, presence)| presence.metas().len())
            .sum()
    }

    /// Where the records are.
    pub fn records_ptr(&self) -> *const u32 {
        self.objects.records().as_ptr()
    }

    /// Where the text with the values and keys begins.
    pub fn text_ptr(&self) -> *const u8 {
        self.objects.text().as_ptr()
    }

    /// Where the payload that was refused last is wrong, in bytes.
    pub fn error_offset(&self) -> usize {
        self.error_offset
    }
}

impl PresenceCore {
    fn empty(seed: u64) -> Self {
        Self {
            seed,
            map: Presences::with_seed(seed),
            objects: Objects::default(),
            order: Vec::new(),
            error_offset: 0,
        }
    }

    fn apply(&mut self, state: bool, payload: &str, watch: u32) -> Result<(), Error> {
        let changes = match state {
            true => self.map.sync_state(payload)?,
            false => self.map.sync_diff(payload)?,
        };
        self.objects
            .begin(if watch == 0 { 0 } else { changes.len() });
        for change in changes {
            let watched = match change {
                Change::Join { .. } => WATCH_JOINS,
                Change::Leave { .. } => WATCH_LEAVES,
            };
            if watch & watched == 0 {
                self.objects.pass_over(change);
            } else {
                self.objects.report(change);
            }
        }
        self.objects.end();
        Ok(())
    }

    fn refuse(&mut self, error: Error) -> i32 {
        match error {
            Error::Json(json::Error { offset, .. }) => {
                self.error_offset = offset;
                NOT_JSON
            }
            Error::Missing("joins") => NO_JOINS,
            Error::Missing(_) => NO_LEAVES,
            _ => TOO_LARGE,
        }
    }
}
