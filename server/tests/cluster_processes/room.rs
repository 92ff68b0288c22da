//! People in a room, over several nodes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep};

use crate::client::Client;
use crate::node::Node;
use crate::people::People;
use crate::support::DEADLINE;

pub(crate) const ROOM: &str = "room:lobby";

/// The user who looks at lists for the tests. Whoever compares lists leaves it out.
const PROBE: &str = "probe";

const HEARTBEAT: Duration = Duration::from_secs(10);

/// Somebody who stays in the room and applies what is sent.
pub(crate) struct Person {
    pub(crate) user: String,
    people: Arc<Mutex<People>>,
    task: JoinHandle<()>,
}

impl Person {
    pub(crate) async fn join(node: &Node, user: &str) -> Self {
        let client = Client::join_as(&node.address, user, ROOM).await;
        let people = Arc::new(Mutex::new(People::default()));
        let task = tokio::spawn(follow(client, Arc::clone(&people)));
        Self {
            user: user.to_owned(),
            people,
            task,
        }
    }

    /// Who is in the room, as this person knows.
    pub(crate) fn knows(&self) -> People {
        let people = self.people.lock().unwrap();
        people.without(PROBE)
    }

    /// Whether the connection is still open.
    pub(crate) fn is_connected(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(mut client: Client, people: Arc<Mutex<People>>) {
    let mut heartbeat = interval(HEARTBEAT);
    loop {
        tokio::select! {
            frame = client.next_or_end() => match frame {
                Some(frame) if frame.topic == ROOM => people.lock().unwrap().apply(&frame),
                Some(_) => {}
                None => return,
            },
            _ = heartbeat.tick() => {
                client.send("phoenix", "heartbeat", json!({})).await;
            }
        }
    }
}

/// The list that a node gives to whoever joins now.
pub(crate) async fn list(node: &Node) -> People {
    let mut probe = Client::join_as(&node.address, PROBE, ROOM).await;
    let list = probe.wait_for(ROOM, "presence_state").await;
    People::of(&list).without(PROBE)
}

/// Waits until a node lists these users and nobody else, and returns how long that took.
pub(crate) async fn lists(node: &Node, users: &[&str]) -> Duration {
    let start = Instant::now();
    loop {
        let list = list(node).await;
        if list.users() == users {
            return start.elapsed();
        }
        assert!(
            start.elapsed() < DEADLINE,
            "{} lists {:?} instead of {users:?}; {:#}",
            node.name,
            list.users(),
            node.view().await
        );
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until all nodes list these users, and every person in the room knows exactly that.
pub(crate) async fn all_agree(nodes: &[&Node], persons: &[&Person], users: &[&str]) {
    for node in nodes {
        lists(node, users).await;
    }
    let end = Instant::now() + DEADLINE;
    loop {
        let mut views = Vec::new();
        for node in nodes {
            views.push((node.name, list(node).await));
        }
        views.extend(persons.iter().map(|person| (&*person.user, person.knows())));
        let (_, first) = &views[0];
        if views.iter().all(|(_, view)| view == first) && first.users() == users {
            break;
        }
        assert!(Instant::now() < end, "all know the same: {views:#?}");
        sleep(Duration::from_millis(50)).await;
    }
    for person in persons {
        assert!(person.is_connected(), "{} is connected", person.user);
    }
}
