//! Who is there, as the clients themselves know it, and how what somebody sees differs from that.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use herenow_core::presence::Presences;

/// For every topic, the users who are there and how many connections each has.
#[derive(Debug)]
pub(super) struct Roll {
    topics: RefCell<Vec<HashMap<String, usize>>>,
}

impl Roll {
    pub(super) fn new(topics: usize) -> Self {
        Self {
            topics: RefCell::new(vec![HashMap::new(); topics]),
        }
    }

    /// One more connection of a user is there.
    pub(super) fn come(&self, topic: usize, user: &str) {
        let mut topics = self.topics.borrow_mut();
        *topics[topic].entry(user.to_owned()).or_default() += 1;
    }

    /// One connection fewer.
    pub(super) fn go(&self, topic: usize, user: &str) {
        let mut topics = self.topics.borrow_mut();
        if let Some(connections) = topics[topic].get_mut(user) {
            *connections -= 1;
            if *connections == 0 {
                topics[topic].remove(user);
            }
        }
    }

    /// How many connections are there, in all topics.
    pub(super) fn present(&self) -> usize {
        let topics = self.topics.borrow();
        topics.iter().flat_map(HashMap::values).sum()
    }

    /// How what is seen of a topic differs from what is true.
    pub(super) fn compare(&self, topic: usize, seen: &Presences) -> Option<Difference> {
        let users = &self.topics.borrow()[topic];
        let mut difference = Difference::default();
        let mut found = 0;
        for (member, presence) in seen.iter() {
            let (key, metas) = (member.key(), presence.metas().len());
            let connections = users.get(&*key).copied().unwrap_or(0);
            found += usize::from(connections > 0);
            if metas > connections {
                difference.ghosts.push(key.into_owned());
            } else if metas < connections {
                difference.missing.push(key.into_owned());
            }
        }
        if found < users.len() {
            let unseen = users.keys().filter(|user| seen.get(user).is_none());
            difference.missing.extend(unseen.cloned());
        }
        let differs = !(difference.ghosts.is_empty() && difference.missing.is_empty());
        differs.then_some(difference)
    }
}

/// Who is seen and not there, or there and not seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    ghosts: Vec<String>,
    missing: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = |users: &[String]| users.first().cloned().unwrap_or_default();
        let (ghosts, missing) = (&self.ghosts, &self.missing);
        match (ghosts.len(), missing.len()) {
            (ghosts_count, 0) => write!(f, "{ghosts_count} ghosts ({})", example(ghosts)),
            (0, count) => write!(f, "{count} missing ({})", example(missing)),
            (ghosts_count, count) => write!(
                f,
                "{ghosts_count} ghosts ({}) and {count} missing ({})",
                example(ghosts),
                example(missing)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: &str) -> Presences {
        let mut presences = Presences::new();
        presences.sync_state(state).unwrap().for_each(drop);
        presences
    }

    #[test]
    fn what_is_true_does_not_differ() {
        let roll = Roll::new(2);
        roll.come(1, "ada");
        roll.come(1, "ada");
        let state = r#"{"ada":{"metas":[{"phx_ref":"1"},{"phx_ref":"2"}]}}"#;
        assert_eq!(roll.compare(1, &seen(state)), None);
        assert_eq!(roll.compare(0, &seen("{}")), None);
        assert_eq!(roll.present(), 2);
    }

    #[test]
    fn a_ghost_and_somebody_missing_are_told_apart() {
        let roll = Roll::new(1);
        for user in ["ada", "bob", "bob", "cyd"] {
            roll.come(0, user);
        }
        roll.go(0, "cyd");
        let state = r#"{"bob":{"metas":[{"phx_ref":"1"}]},"cyd":{"metas":[{"phx_ref":"2"}]}}"#;
        let difference = roll.compare(0, &seen(state)).unwrap();
        assert_eq!(difference.ghosts, ["cyd"]);
        assert_eq!(difference.missing, ["bob", "ada"]);
        assert_eq!(difference.to_string(), "1 ghosts (cyd) and 2 missing (bob)");
    }
}
