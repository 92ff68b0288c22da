//! How payloads change the map. Both kinds come down to a list of joins and a list of leaves, which are
//! applied one by one; only where the lists come from differs.

use super::changes::{Changes, Record, Run, View};
use super::map::Presences;
use super::order::own_property_order;
use super::read::{self, Entry, Error, Incoming};
use super::refs::{Meta, Metas};

/// A slot, and what joins or leaves there.
type Step = (u32, View);

impl Presences {
    /// Takes over the payload of a `presence_state`, and says what that changed.
    ///
    /// # Errors
    ///
    /// A payload that is not an object of presences, or too large, changes nothing.
    pub fn sync_state(&mut self, payload: &str) -> Result<Changes<'_>, Error> {
        let incoming = read::state(payload)?;
        self.begin_within_limit(payload)?;
        self.reserve(incoming.entries.len());
        let found = self.resolve(&incoming, |map, entry| Some(map.find_or_add(&entry.key)));

        let mut leaves = self.absent();
        let mut joins = Vec::with_capacity(found.len());
        for (slot, entry) in found {
            let Some(entry) = incoming.entries.get(entry as usize) else {
                continue;
            };
            let Some(current) = self.view(slot) else {
                joins.push((slot, self.adopt(payload, &incoming, entry)));
                continue;
            };
            let (new, old) = (incoming.metas(payload, entry), self.metas(current.metas));
            if old.same_refs(new) {
                continue;
            }
            let (joined, left) = (new.missing_from(old), old.missing_from(new));
            if !joined.is_empty() {
                let whole = self.adopt(payload, &incoming, entry);
                joins.push((slot, self.select(whole, &joined)));
            }
            if !left.is_empty() {
                leaves.push((slot, self.select(current, &left)));
            }
        }
        Ok(self.apply(joins, leaves))
    }

    /// Applies the payload of a `presence_diff`, and says what that changed.
    ///
    /// # Errors
    ///
    /// A payload that is not `{"joins": {..}, "leaves": {..}}` with objects of presences, or too large,
    /// changes nothing.
    pub fn sync_diff(&mut self, payload: &str) -> Result<Changes<'_>, Error> {
        let (joins, leaves) = read::diff(payload)?;
        self.begin_within_limit(payload)?;
        let joined = self.resolve(&joins, |map, entry| Some(map.find_or_add(&entry.key)));
        let left = self.resolve(&leaves, |map, entry| map.find(&entry.key));
        let joined = self.adopt_all(payload, &joins, joined);
        let left = self.adopt_all(payload, &leaves, left);
        Ok(self.apply(joined, left))
    }

    fn begin_within_limit(&mut self, payload: &str) -> Result<(), Error> {
        match self.begin(payload.len()) {
            true => Ok(()),
            false => Err(Error::TooLarge),
        }
    }

    /// The slots of entries and their positions, in the order in which they count. Of a key that comes
    /// twice the last entry is taken, in place of the first.
    fn resolve<'a>(
        &mut self,
        incoming: &Incoming<'a>,
        slot_of: impl Fn(&mut Self, &Entry<'a>) -> Option<u32>,
    ) -> Vec<(u32, u32)> {
        self.epoch = self.epoch.wrapping_add(1).max(1);
        let epoch = self.epoch;
        let mut found: Vec<(u32, u32)> = Vec::with_capacity(incoming.entries.len());
        for (position, entry) in (0..).zip(&incoming.entries) {
            let Some(number) = slot_of(self, entry) else {
                continue;
            };
            let Some(slot) = self.slots.get_mut(number as usize) else {
                continue;
            };
            match found.get_mut(slot.seen.1 as usize) {
                Some(first) if slot.seen.0 == epoch => first.1 = position,
                _ => {
                    slot.seen = (epoch, found.len() as u32);
                    found.push((number, position));
                }
            }
        }
        own_property_order(found, |&(slot, _)| self.slot(slot)?.array_index)
    }

    /// The leaves of those whom the state that was just resolved does not name.
    fn absent(&self) -> Vec<Step> {
        let unseen = self.iter().filter_map(|(member, presence)| {
            let slot = self.slot(member.slot())?;
            (slot.seen.0 != self.epoch).then_some((member.slot(), presence.view))
        });
        unseen.collect()
    }

    /// Copies the text of a presence out of the payload.
    fn adopt(&mut self, payload: &str, incoming: &Incoming<'_>, entry: &Entry<'_>) -> View {
        let start = self.text.len() as u32;
        self.text.push_str(entry.body.of(payload));
        let own = Run {
            first: self.metas.len() as u32,
            count: entry.metas.count,
        };
        let metas = entry.metas.of(&incoming.metas).iter();
        self.metas
            .extend(metas.map(|meta| meta.moved(entry.body.start, start)));
        let id = self.next_id();
        View {
            body: entry.body.moved(entry.body.start, start),
            array: entry.array,
            own,
            metas: own,
            id,
            body_id: id,
            fields: entry.fields,
        }
    }

    fn adopt_all(
        &mut self,
        payload: &str,
        incoming: &Incoming<'_>,
        found: Vec<(u32, u32)>,
    ) -> Vec<Step> {
        let steps = found.into_iter().filter_map(|(slot, entry)| {
            let entry = incoming.entries.get(entry as usize)?;
            Some((slot, self.adopt(payload, incoming, entry)))
        });
        steps.collect()
    }

    fn apply(&mut self, joins: Vec<Step>, leaves: Vec<Step>) -> Changes<'_> {
        self.changes.reserve(joins.len() + leaves.len());
        for (slot, joined) in joins {
            self.join(slot, joined);
        }
        let index = |map: &Self, slot| map.slot(slot)?.array_index;
        for (slot, left) in own_property_order(leaves, |&(slot, _)| index(self, slot)) {
            self.leave(slot, left);
        }
        Changes {
            map: self,
            records: self.changes.iter(),
        }
    }

    fn join(&mut self, slot: u32, joined: View) {
        let current = self.view(slot);
        let mut view = joined;
        if let Some(current) = current {
            let kept = self
                .metas(current.metas)
                .missing_from(self.metas(joined.metas));
            if !kept.is_empty() {
                view.metas = self.collect(current.metas, &kept);
                self.metas.extend_from_within(joined.metas.range());
                view.metas.count += joined.metas.count;
                view.id = self.next_id();
            }
        }
        self.set(slot, view);
        self.changes.push(Record {
            slot,
            current,
            what: joined,
            leave: false,
        });
    }

    fn leave(&mut self, slot: u32, left: View) {
        let Some(before) = self.view(slot) else {
            return;
        };
        let kept = self
            .metas(before.metas)
            .missing_from(self.metas(left.metas));
        let after = self.select(before, &kept);
        self.changes.push(Record {
            slot,
            current: Some(after),
            what: left,
            leave: true,
        });
        if kept.is_empty() {
            self.remove(slot);
        } else {
            self.set(slot, after);
        }
    }

    /// A presence with only those of its metas that stand at these positions.
    fn select(&mut self, view: View, positions: &[usize]) -> View {
        if positions.len() == view.metas.count as usize {
            return view;
        }
        let metas = self.collect(view.metas, positions);
        let (chosen, own) = (metas.of(&self.metas), view.own.of(&self.metas));
        let same = |(a, b): (&Meta, &Meta)| a.text == b.text;
        // After an update's join and leave the body is the presence again, and known as such. (Without
        // metas it may be a body that never had any, and that is not the same as having lost them.)
        if !chosen.is_empty() && chosen.len() == own.len() && chosen.iter().zip(own).all(same) {
            return View {
                metas: view.own,
                id: view.body_id,
                ..view
            };
        }
        let id = self.next_id();
        View { metas, id, ..view }
    }

    /// Copies of some metas of a run, as a run.
    fn collect(&mut self, run: Run, positions: &[usize]) -> Run {
        let first = self.metas.len() as u32;
        for position in positions {
            let meta = run.of(&self.metas).get(*position).copied();
            self.metas.extend(meta);
        }
        Run {
            first,
            count: positions.len() as u32,
        }
    }
}

impl<'a> Incoming<'a> {
    fn metas(&'a self, text: &'a str, entry: &Entry<'_>) -> Metas<'a> {
        Metas {
            text,
            items: entry.metas.of(&self.metas),
        }
    }
}
