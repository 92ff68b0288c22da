//! What the hot paths do, in pieces that are always the same: timed by the benchmark `paths`, counted by
//! `instructions`.

use std::any::Any;
use std::hint::black_box;

use herenow_core::presence::Presences;
use herenow_core::protocol::{self, Outgoing, Vsn};
use herenow_core::replica::{ChannelId, Node, NodeConfig, Output, ReplicaId, Shard, ShardConfig};

/// A piece of work.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// Makes what it takes, anew for each run.
    pub(crate) prepare: fn() -> Run,
}

/// The work itself. What it leaves behind is given back, so that dropping it is no part of it.
pub(crate) type Run = Box<dyn FnOnce() -> Box<dyn Any>>;

pub(crate) const ALL: &[Work] = &[
    work("scan 1,000 messages", scan),
    work("encode 1,000 messages", encode),
    work("track 1,000 members", track),
    work("diff of 100 changes among 1,000 members", diff),
    work("list 1,000 members", list),
    work("get 1,000 members by key", get_by_key),
    work("merge 1,000 members of another node", merge),
    work("sync a client to 1,000 members and a diff", sync),
];

const MEMBERS: u64 = 1_000;
const MESSAGES: usize = 1_000;
const CHANGES: u64 = 100;
const TOPIC: &str = "room:lobby";
const META: &str = r#"{"online_at":"1764000000","device":"phone","name":"Somebody or other"}"#;

const fn work(name: &'static str, prepare: fn() -> Run) -> Work {
    Work { name, prepare }
}

fn run<T: Any>(run: impl FnOnce() -> T + 'static) -> Run {
    Box::new(move || Box::new(run()))
}

fn scan() -> Run {
    let payload = format!(r#"{{"body":"Hello \"you\"","meta":{META},"list":[1,2.5,null,true]}}"#);
    let text = format!(r#"["12","34","{TOPIC}","new_msg",{payload}]"#);
    run(move || {
        for _ in 0..MESSAGES {
            black_box(protocol::decode(Vsn::V2, black_box(&text)).expect("a message"));
        }
    })
}

fn encode() -> Run {
    run(|| {
        let mut out = String::new();
        for _ in 0..MESSAGES {
            let message = Outgoing {
                join_ref: Some("12"),
                reference: Some("34"),
                topic: TOPIC,
                event: "new_msg",
                payload: META,
            };
            out.clear();
            protocol::encode(Vsn::V2, &mut out, black_box(&message));
        }
        out
    })
}

fn track() -> Run {
    let keys = keys();
    run(move || {
        let mut shard = shard("here");
        fill(&mut shard, &keys);
        shard
    })
}

fn diff() -> Run {
    let mut shard = full_shard();
    for number in 0..CHANGES {
        let left = shard.untrack_all(1_000, ChannelId(number * (MEMBERS / CHANGES)));
        assert_eq!(left, 1);
    }
    run(move || {
        let mut out = String::new();
        while let Some(diff) = shard.poll_diff(2_000) {
            diff.joins.write_json(&mut out);
            diff.leaves.write_json(&mut out);
        }
        (out, shard)
    })
}

fn list() -> Run {
    let mut shard = full_shard();
    run(move || {
        let mut out = String::new();
        shard.list(TOPIC).write_json(&mut out);
        (out, shard)
    })
}

fn get_by_key() -> Run {
    let (shard, keys) = (full_shard(), keys());
    run(move || {
        for key in &keys {
            black_box(shard.get_by_key(TOPIC, key));
        }
        (shard, keys)
    })
}

/// A node is sent all that there is on another, and takes it over.
fn merge() -> Run {
    let (mut here, mut there) = (Site::new("here"), Site::new("there"));
    fill(&mut there.shards[0], &keys());
    there.node.changed(0, 0, &mut there.shards);
    let introduction = there.say(0);
    here.hear(&there.id, &introduction);
    let question = here.say(0);
    there.hear(&here.id, &question);
    let answer = there.say(0);
    run(move || {
        here.hear(&there.id, &answer);
        let mut diffs = Vec::new();
        while let Some(diff) = here.shards[0].poll_diff(0) {
            diffs.push(diff);
        }
        assert_eq!(here.shards[0].counts(TOPIC).metas as u64, MEMBERS);
        (here, diffs)
    })
}

fn sync() -> Run {
    let mut shard = full_shard();
    let mut state = String::new();
    shard.write_state(TOPIC, &mut state);
    for number in 0..CHANGES {
        shard.untrack_all(1_000, ChannelId(number));
    }
    let leaves = shard.poll_diff(2_000).expect("somebody has left").leaves;
    let mut diff = String::from(r#"{"joins":{},"leaves":"#);
    leaves.write_json(&mut diff);
    diff.push('}');
    run(move || {
        let mut presences = Presences::with_seed(1);
        black_box(presences.sync_state(&state).expect("a state"));
        black_box(presences.sync_diff(&diff).expect("a diff"));
        assert_eq!(presences.len() as u64, MEMBERS - CHANGES);
        presences
    })
}

fn keys() -> Vec<String> {
    (0..MEMBERS)
        .map(|number| format!("user:{number}"))
        .collect()
}

fn shard(node: &str) -> Shard {
    Shard::new(ReplicaId::new(node, 1), 0, ShardConfig::default())
}

fn full_shard() -> Shard {
    let mut shard = shard("here");
    fill(&mut shard, &keys());
    shard
}

fn fill(shard: &mut Shard, keys: &[String]) {
    for (number, key) in keys.iter().enumerate() {
        let tracked = shard.track(0, TOPIC, ChannelId(number as u64), key, META);
        tracked.expect("is not tracked");
    }
    while black_box(shard.poll_diff(0)).is_some() {}
}

/// A node with its one shard.
struct Site {
    id: ReplicaId,
    node: Node,
    shards: Vec<Shard>,
}

impl Site {
    fn new(name: &str) -> Self {
        let id = ReplicaId::new(name, 1);
        let config = NodeConfig {
            shards: 1,
            ..NodeConfig::default()
        };
        let mut node = Node::new(0, id.clone(), config).expect("settings that work");
        node.want(0, 0);
        let shards = vec![shard(name)];
        Self { id, node, shards }
    }

    /// What it has to say.
    fn say(&mut self, now: u64) -> Vec<Vec<u8>> {
        self.node.handle_timeout(now, &mut self.shards);
        let outputs = std::iter::from_fn(|| self.node.poll());
        let sent = outputs.filter_map(|output| match output {
            Output::Send { bytes, .. } => Some(bytes),
            _ => None,
        });
        sent.collect()
    }

    fn hear(&mut self, from: &ReplicaId, messages: &[Vec<u8>]) {
        for bytes in messages {
            let heard = self.node.handle(0, from, bytes, &mut self.shards);
            heard.expect("a message");
        }
    }
}
