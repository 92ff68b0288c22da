//! Members as Rust values: what [`Presences`] keeps as text, parsed once for each change.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use herenow_core::presence::{self, Change, Presences};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Misfit;

/// One key of a presence list, with all its metas.
///
/// It is given out as an `Rc`, which stays the same until the presence changes: comparing with
/// [`Rc::ptr_eq`] is enough to know whether there is something to render.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member<Meta, Fields = NoFields> {
    /// The key: mostly a user's id.
    pub key: String,
    /// One meta for each of its connections, in the order of the server. Those that are no `Meta` are left
    /// out, and told to [`on_problem`](super::SocketBuilder::on_problem).
    pub metas: Vec<Meta>,
    /// How many metas there are, those that do not fit among them.
    pub count: usize,
    /// What the server has put beside the metas.
    #[serde(flatten)]
    pub fields: Fields,
}

/// Members in order.
pub type List<Meta, Fields = NoFields> = Rc<[Rc<Member<Meta, Fields>>]>;

/// For presences that have nothing beside their metas, or nothing that is of interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoFields {}

/// What one message of the server changed.
#[derive(Clone, Debug)]
pub struct Changes<Meta, Fields = NoFields> {
    /// Who came.
    pub joined: Vec<Rc<Member<Meta, Fields>>>,
    /// Who went, as they were.
    pub left: Vec<Rc<Member<Meta, Fields>>>,
    /// Whose metas changed.
    pub updated: Vec<Update<Meta, Fields>>,
}

/// A member that is still there, but not as it was.
#[derive(Clone, Debug)]
pub struct Update<Meta, Fields = NoFields> {
    /// Before.
    pub before: Rc<Member<Meta, Fields>>,
    /// Now.
    pub after: Rc<Member<Meta, Fields>>,
}

impl<Meta, Fields> Changes<Meta, Fields> {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty() && self.updated.is_empty()
    }
}

/// A member and what it is made of.
struct Kept<M> {
    /// See [`presence::Presence::id`].
    id: u32,
    /// `None` if its fields do not fit.
    member: Option<Rc<M>>,
}

/// All members of a channel.
pub(super) struct Members<Meta, Fields> {
    map: Presences,
    /// Of those that are there. Strangers choose the keys, and the hashes of std are no secret in wasm.
    slots: BTreeMap<String, u32>,
    /// By slot.
    kept: Vec<Option<Kept<Member<Meta, Fields>>>>,
    /// In order, once somebody has asked.
    list: OnceCell<List<Meta, Fields>>,
}

/// What became of the members that payloads touched, in the order in which they were first touched.
pub(super) struct Touched<Meta, Fields> {
    touches: Vec<Touch<Member<Meta, Fields>>>,
    by_key: BTreeMap<String, usize>,
}

struct Touch<M> {
    before: Option<Rc<M>>,
    after: Option<Rc<M>>,
}

impl<Meta, Fields> Default for Touched<Meta, Fields> {
    fn default() -> Self {
        Self {
            touches: Vec::new(),
            by_key: BTreeMap::new(),
        }
    }
}

impl<Meta: DeserializeOwned, Fields: DeserializeOwned> Members<Meta, Fields> {
    /// Nobody. Strangers choose the keys, so the seed should be random.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            map: Presences::with_seed(seed),
            slots: BTreeMap::new(),
            kept: Vec::new(),
            list: OnceCell::new(),
        }
    }

    /// Applies a `presence_state` or else a `presence_diff`, and notes in `touched` what that changed.
    /// `misfit` is told of what is not of our types, with its key. After an error nothing has changed.
    pub(super) fn sync(
        &mut self,
        is_state: bool,
        payload: &str,
        touched: &mut Touched<Meta, Fields>,
        misfit: &mut dyn FnMut(&str, Misfit),
    ) -> Result<(), presence::Error> {
        let Self {
            map,
            slots,
            kept,
            list,
        } = self;
        let changes = match is_state {
            true => map.sync_state(payload)?,
            false => map.sync_diff(payload)?,
        };
        for change in changes {
            let (Change::Join { member, .. } | Change::Leave { member, .. }) = change;
            let slot = member.slot() as usize;
            if slot >= kept.len() {
                kept.resize_with(slot + 1, || None);
            }
            let now = member.presence();
            let before = kept[slot].take();
            if before.as_ref().map(|kept| kept.id) == now.map(presence::Presence::id) {
                kept[slot] = before;
                continue;
            }
            let key = member.key().into_owned();
            match now {
                Some(_) => slots.insert(key.clone(), member.slot()),
                None => slots.remove(&key),
            };
            let before = before.and_then(|kept| kept.member);
            let after = now.and_then(|presence| {
                let member = read(&key, presence, misfit);
                let id = presence.id();
                kept[slot] = Some(Kept {
                    id,
                    member: member.clone(),
                });
                member
            });
            touched.note(key, before, after);
            list.take();
        }
        Ok(())
    }

    /// All that fit, in order.
    pub(super) fn list(&self) -> List<Meta, Fields> {
        let list = self.list.get_or_init(|| {
            let slots = self.map.slots();
            slots.into_iter().filter_map(|slot| self.at(slot)).collect()
        });
        list.clone()
    }

    pub(super) fn get(&self, key: &str) -> Option<Rc<Member<Meta, Fields>>> {
        self.at(*self.slots.get(key)?)
    }

    fn at(&self, slot: u32) -> Option<Rc<Member<Meta, Fields>>> {
        self.kept.get(slot as usize)?.as_ref()?.member.clone()
    }
}

impl<Meta, Fields> Touched<Meta, Fields> {
    fn note(
        &mut self,
        key: String,
        before: Option<Rc<Member<Meta, Fields>>>,
        after: Option<Rc<Member<Meta, Fields>>>,
    ) {
        let touches = &mut self.touches;
        let position = *self.by_key.entry(key).or_insert(touches.len());
        match touches.get_mut(position) {
            Some(touch) => touch.after = after,
            None => touches.push(Touch { before, after }),
        }
    }

    /// What came of it all. A member that came and went again is not in it.
    pub(super) fn changes(self) -> Changes<Meta, Fields> {
        let mut changes = Changes {
            joined: Vec::new(),
            left: Vec::new(),
            updated: Vec::new(),
        };
        for Touch { before, after } in self.touches {
            match (before, after) {
                (None, Some(after)) => changes.joined.push(after),
                (Some(before), None) => changes.left.push(before),
                (Some(before), Some(after)) => changes.updated.push(Update { before, after }),
                (None, None) => {}
            }
        }
        changes
    }
}

/// Makes a presence into a member. `None`: the fields beside its metas do not fit.
fn read<Meta: DeserializeOwned, Fields: DeserializeOwned>(
    key: &str,
    presence: presence::Presence<'_>,
    misfit: &mut dyn FnMut(&str, Misfit),
) -> Option<Rc<Member<Meta, Fields>>> {
    let fields = match presence.sole_meta() {
        // There is nothing beside it.
        Some(_) => serde_json::from_str("{}"),
        None => serde_json::from_str(&presence.to_json()),
    };
    let fields = fields.map_err(|error| misfit(key, error.into())).ok()?;
    let metas = presence.metas();
    let count = metas.len();
    let metas = metas.filter_map(|meta| {
        let meta = serde_json::from_str(meta);
        meta.map_err(|error| misfit(key, error.into())).ok()
    });
    Some(Rc::new(Member {
        key: key.to_owned(),
        metas: metas.collect(),
        count,
        fields,
    }))
}
