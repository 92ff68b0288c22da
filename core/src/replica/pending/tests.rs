use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Presences that come, go, change and come back with the same meta (as they do when a replica is
/// hidden for a while), with a client for each read.
struct Topic {
    pending: Pending,
    records: Slab<Record>,
    /// For each presence what is listed and where its record is.
    presences: Vec<(Option<Arc<str>>, u32)>,
    /// Everything that was announced, diff by diff.
    diffs: Vec<(Presences, Presences)>,
    clients: Vec<Client>,
}

struct Client {
    holds: BTreeSet<Arc<str>>,
    /// The first diff that it got; those before its list came, too, are applied after it.
    first_diff: usize,
}

impl Topic {
    fn new(presences: usize) -> Self {
        Self {
            pending: Pending::new(),
            records: Slab::new(),
            presences: vec![(None, NONE); presences],
            diffs: Vec::new(),
            clients: vec![Client {
                holds: BTreeSet::new(),
                first_diff: 0,
            }],
        }
    }

    fn list(&mut self, presence: usize, meta: Option<&str>) {
        let (listed, record) = &mut self.presences[presence];
        let after = meta.map(|meta| Arc::from(format!("{presence}:{meta}")));
        if *listed == after {
            return;
        }
        let change = Change {
            key: &Arc::from((presence % 2).to_string()),
            before: listed.as_ref(),
            after: after.clone(),
            owner: presence as u32,
        };
        *record = self.pending.change(&mut self.records, *record, change);
        *listed = after;
    }

    fn listed(&self) -> BTreeSet<Arc<str>> {
        let listed = self.presences.iter();
        listed.filter_map(|(meta, _)| meta.clone()).collect()
    }

    fn read(&mut self, late_diffs: usize) {
        self.pending.mark_read();
        self.clients.push(Client {
            holds: self.listed(),
            first_diff: self.diffs.len().saturating_sub(late_diffs),
        });
    }

    fn announce(&mut self) -> (Presences, Presences) {
        let presences = &mut self.presences;
        let settle = |owner: u32| presences[owner as usize].1 = NONE;
        let diff = self.pending.take(&mut self.records, settle);
        self.diffs.push(diff.clone());
        diff
    }

    fn client(&self, client: &Client) -> BTreeSet<Arc<str>> {
        let mut holds = client.holds.clone();
        for (joins, leaves) in &self.diffs[client.first_diff..] {
            holds.extend(metas(joins));
            for meta in metas(leaves) {
                holds.remove(&meta);
            }
        }
        holds
    }
}

fn metas(presences: &Presences) -> Vec<Arc<str>> {
    presences
        .iter()
        .flat_map(|(_, metas)| metas.to_vec())
        .collect()
}

fn texts(presences: &Presences) -> Vec<String> {
    metas(presences).iter().map(ToString::to_string).collect()
}

#[test]
fn who_came_and_went_unseen_is_not_mentioned() {
    let mut topic = Topic::new(1);
    topic.list(0, Some("a"));
    topic.list(0, None);
    assert!(topic.pending.is_empty());
    assert_eq!(topic.records.len(), 0);
}

#[test]
fn who_came_was_read_and_went_is_announced_as_both() {
    let mut topic = Topic::new(1);
    topic.list(0, Some("a"));
    topic.read(0);
    topic.list(0, None);
    let (joins, leaves) = topic.announce();
    assert_eq!(
        (texts(&joins), texts(&leaves)),
        (vec!["0:a".into()], vec!["0:a".into()])
    );
}

#[test]
fn who_went_and_came_back_unseen_is_not_mentioned() {
    let mut topic = Topic::new(1);
    topic.list(0, Some("a"));
    topic.announce();
    topic.list(0, None);
    topic.list(0, Some("a"));
    assert!(topic.pending.is_empty());
}

#[test]
fn who_was_missed_by_a_read_and_came_back_is_announced_to_be_there() {
    let mut topic = Topic::new(1);
    topic.list(0, Some("a"));
    topic.announce();
    topic.list(0, None);
    topic.read(0);
    topic.list(0, Some("a"));
    let (joins, leaves) = topic.announce();
    assert_eq!(texts(&joins), ["0:a"]);
    assert!(leaves.is_empty());
}

#[test]
fn of_a_chain_of_updates_the_ends_are_told() {
    let mut topic = Topic::new(1);
    topic.list(0, Some("a"));
    topic.announce();
    for meta in ["b", "c", "d"] {
        topic.list(0, Some(meta));
    }
    let (joins, leaves) = topic.announce();
    assert_eq!(
        (texts(&joins), texts(&leaves)),
        (vec!["0:d".into()], vec!["0:a".into()])
    );
}

#[test]
fn changes_are_told_grouped_by_key_in_the_order_in_which_they_began() {
    let mut topic = Topic::new(5);
    for presence in [3, 0, 4, 1, 2] {
        topic.list(presence, Some("a"));
    }
    topic.list(4, None);
    topic.list(3, Some("b"));
    let (joins, _) = topic.announce();
    let keys: Vec<&str> = joins.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["1", "0"]);
    assert_eq!(texts(&joins), ["3:b", "1:a", "0:a", "2:a"]);
}

#[derive(Clone, Debug)]
enum Step {
    List(usize, Option<&'static str>),
    Read(usize),
    Announce,
}

fn step() -> impl Strategy<Value = Step> {
    let meta = prop_oneof![
        Just(None),
        Just(Some("a")),
        Just(Some("b")),
        Just(Some("c"))
    ];
    prop_oneof![
        5 => (0..3_usize, meta).prop_map(|(presence, meta)| Step::List(presence, meta)),
        2 => (0..4_usize).prop_map(Step::Read),
        1 => Just(Step::Announce),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whoever_read_at_any_moment_ends_with_the_list(steps in prop::collection::vec(step(), 0..40)) {
        let mut topic = Topic::new(3);
        for step in steps {
            match step {
                Step::List(presence, meta) => topic.list(presence, meta),
                Step::Read(late_diffs) => topic.read(late_diffs),
                Step::Announce => _ = topic.announce(),
            }
        }
        topic.announce();
        for client in &topic.clients {
            prop_assert_eq!(topic.client(client), topic.listed());
        }
        prop_assert!(topic.pending.is_empty());
        prop_assert_eq!(topic.records.len(), 0);
        prop_assert!(topic.presences.iter().all(|(_, record)| *record == NONE));
    }
}
