//! Whatever many do at the same time on several nodes, in real time and on several threads: once it is
//! quiet, all lists are equal, name exactly who is there, and whoever applied the diffs has them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use herenow::cluster::Settings;
use herenow::cluster::bus::LocalNetwork;
use herenow::{ChannelId, Presence};
use serde_json::json;
use tokio::time::sleep;

use crate::node::{Node, ROOM, Start, eventually, meet, names};

const NAMES: [&str; 3] = ["a", "b", "c"];
const USERS_PER_NODE: usize = 8;
const VISITS: usize = 30;

/// So short that shards are forgotten and fetched again all the time.
const IDLE: Duration = Duration::from_millis(5);

/// Numbers that are different in each run: the tasks interleave as they like anyway.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(RandomState::new().hash_one(1) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    async fn pause(&mut self) {
        sleep(Duration::from_millis(self.roll(8))).await;
    }
}

fn start(network: &LocalNetwork) -> [Node; 3] {
    NAMES.map(|name| {
        let settings = Settings {
            down_after: Duration::from_millis(600),
            idle_forget: IDLE,
            ..Settings::default()
        };
        Start::new(network, name).settings(settings).join()
    })
}

/// Comes and goes, and says at last whether it stays.
async fn visit(presence: Presence, user: String) -> Option<String> {
    let mut dice = Dice::new();
    for _ in 0..VISITS {
        let channel = ChannelId::next();
        presence.track_as(ROOM, channel, &user, json!({})).unwrap();
        dice.pause().await;
        if dice.roll(2) == 0 {
            let meta = json!({"mood": dice.roll(100)});
            presence.update_as(ROOM, channel, &user, meta).unwrap();
        }
        dice.pause().await;
        presence.untrack_all(channel);
    }
    if dice.roll(2) == 0 {
        return None;
    }
    let channel = ChannelId::next();
    presence.track_as(ROOM, channel, &user, json!({})).unwrap();
    Some(user)
}

/// Looks into the room again and again, and each time for a moment.
async fn look(node: Arc<Node>) {
    let mut dice = Dice::new();
    for _ in 0..VISITS {
        let mut watcher = node.watch().await;
        dice.pause().await;
        watcher.catch_up();
        drop(watcher);
        dice.pause().await;
        dice.pause().await;
    }
}

/// Cuts links and heals them.
async fn disturb(network: LocalNetwork) {
    let mut dice = Dice::new();
    for _ in 0..VISITS {
        let from = NAMES[dice.roll(3) as usize];
        let to = NAMES[dice.roll(3) as usize];
        network.cut(from, to);
        dice.pause().await;
        network.heal(from, to);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_all_that_happens_at_once_lists_are_equal_and_true() {
    let network = LocalNetwork::new();
    let nodes = start(&network);
    meet(&nodes).await;
    let nodes = nodes.map(Arc::new);
    let mut staying_watchers = Vec::new();
    let (mut visitors, mut others) = (Vec::new(), Vec::new());
    for node in &nodes {
        staying_watchers.push(node.watch().await);
        others.push(tokio::spawn(look(Arc::clone(node))));
        for user in 0..USERS_PER_NODE {
            let user = format!("{}-{user}", node.name);
            visitors.push(tokio::spawn(visit(node.presence.clone(), user)));
        }
    }
    others.push(tokio::spawn(disturb(network.clone())));
    let mut there = BTreeSet::new();
    for visitor in visitors {
        there.extend(visitor.await.unwrap());
    }
    for other in others {
        other.await.unwrap();
    }

    let there: Vec<String> = there.into_iter().collect();
    for node in &nodes {
        let what = format!("{} lists who is there", node.name);
        eventually(&what, async || node.users().await == there).await;
    }
    for (node, watcher) in nodes.iter().zip(&mut staying_watchers) {
        let what = format!("who applied the diffs of {} has its list", node.name);
        eventually(&what, async || *watcher.catch_up() == node.people().await).await;
        assert_eq!(node.people().await, nodes[0].people().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_lacks_nobody_while_shards_are_forgotten_and_fetched() {
    let network = LocalNetwork::new();
    let [a, b, _c] = start(&network);
    eventually("they meet", async || b.up().len() == 2).await;
    a.track("alice");
    eventually("alice is listed", async || b.users().await == ["alice"]).await;
    let tasks = (0..4).map(|_| {
        let presence = b.presence.clone();
        tokio::spawn(async move {
            let mut dice = Dice::new();
            for _ in 0..200 {
                assert_eq!(names(&presence.list(ROOM).await), ["alice"]);
                sleep(IDLE + Duration::from_micros(dice.roll(2_000))).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
