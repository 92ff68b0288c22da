//! Networks that break between nodes while their clients stay connected.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::cluster::Engine;
use crate::netns::{HOSTS, Switch, at_a_switch};
use crate::room::{Person, all_agree, lists};

/// Longer than the silence after which a node counts as dead.
const A_WHILE: Duration = Duration::from_secs(8);

#[test]
fn zenoh_a_node_that_was_cut_off_and_the_others_agree_again() {
    at_a_switch(Engine::Zenoh, cut_off_and_reconnect);
}

#[test]
fn nats_a_node_that_was_cut_off_and_the_others_agree_again() {
    at_a_switch(Engine::Nats, cut_off_and_reconnect);
}

async fn cut_off_and_reconnect(switch: Switch) {
    let [a, b, c] = switch.three().await;
    let nodes = [&a, &b, &c];
    let alice = Person::join(&a, "alice").await;
    let early = Person::join(&a, "leaves-a").await;
    let bob = Person::join(&b, "bob").await;
    let late = Person::join(&c, "leaves-c").await;
    let users = ["alice", "bob", "leaves-a", "leaves-c"];
    all_agree(&nodes, &[&alice, &early, &bob, &late], &users).await;

    switch.cut_off("a");
    lists(&a, &["alice", "leaves-a"]).await;
    for node in [&b, &c] {
        lists(node, &["bob", "leaves-c"]).await;
    }
    // Life goes on at both sides.
    drop((early, late));
    let anna = Person::join(&a, "anna").await;
    let carl = Person::join(&c, "carl").await;
    all_agree(&[&a], &[&alice, &anna], &["alice", "anna"]).await;
    all_agree(&[&b, &c], &[&bob, &carl], &["bob", "carl"]).await;

    switch.reconnect("a");
    let persons = [&alice, &anna, &bob, &carl];
    all_agree(&nodes, &persons, &["alice", "anna", "bob", "carl"]).await;
}

#[test]
fn zenoh_after_any_number_of_breaks_all_agree() {
    at_a_switch(Engine::Zenoh, break_and_mend);
}

#[test]
fn nats_after_any_number_of_breaks_all_agree() {
    at_a_switch(Engine::Nats, break_and_mend);
}

/// How often ways are broken and mended, unless HERENOW_BREAKS says otherwise: hundreds by hand.
const BREAKS: u64 = 12;

/// How long it is until the next break, at most: some last longer than what counts as silence.
const LONGEST_PAUSE_MS: u64 = 2_000;

async fn break_and_mend(switch: Switch) {
    let breaks = std::env::var("HERENOW_BREAKS").map_or(BREAKS, |breaks| {
        breaks.parse().expect("HERENOW_BREAKS is a number")
    });
    let seed = RandomState::new().hash_one(0);
    println!("the dice are {seed}");
    let mut dice = Dice(seed | 1);
    let [a, b, c] = switch.three().await;
    let nodes = [&a, &b, &c];
    let ways: Vec<_> = HOSTS
        .iter()
        .flat_map(|from| HOSTS.map(|to| (*from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    let mut broken = BTreeSet::new();
    let mut persons = Vec::new();
    for turn in 0..breaks {
        let way = ways[dice.roll(ways.len() as u64) as usize];
        if broken.remove(&way) {
            switch.heal(way.0, way.1);
        } else {
            broken.insert(way);
            switch.cut(way.0, way.1);
        }
        // Life goes on.
        let node = nodes[dice.roll(3) as usize];
        persons.push(Person::join(node, &format!("user-{turn:03}")).await);
        if dice.roll(2) == 0 {
            drop(persons.swap_remove(dice.roll(persons.len() as u64) as usize));
        }
        sleep(Duration::from_millis(dice.roll(LONGEST_PAUSE_MS))).await;
    }
    for (from, to) in broken {
        switch.heal(from, to);
    }
    persons.sort_by(|one, other| one.user.cmp(&other.user));
    let persons: Vec<&Person> = persons.iter().collect();
    let users: Vec<&str> = persons.iter().map(|person| &*person.user).collect();
    all_agree(&nodes, &persons, &users).await;
}

/// Numbers that a test prints where it begins.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn zenoh_a_link_that_is_broken_in_one_direction_hides_nobody() {
    at_a_switch(Engine::Zenoh, async |switch| {
        let [a, b, c] = switch.three().await;
        let nodes = [&a, &b, &c];
        let alice = Person::join(&a, "alice").await;
        let bob = Person::join(&b, "bob").await;
        all_agree(&nodes, &[&alice, &bob], &["alice", "bob"]).await;
        switch.cut("a", "b");
        let anna = Person::join(&a, "anna").await;
        let ben = Person::join(&b, "ben").await;
        let persons = [&alice, &bob, &anna, &ben];
        // Each hears of the other through c.
        all_agree(&nodes, &persons, &["alice", "anna", "ben", "bob"]).await;
        sleep(A_WHILE).await;
        let view = b.view().await;
        let replica = &view["replicas"][0];
        assert_eq!(
            (&replica["node"], &replica["state"]),
            (&json!("a"), &json!("up"))
        );
        // Nothing since the link was lost.
        let unheard = replica["unheard_ms"].as_u64().map(Duration::from_millis);
        let is_broken = unheard.is_none_or(|unheard| unheard > A_WHILE / 2);
        assert!(is_broken, "the link is broken: {view:#}");
        all_agree(&nodes, &persons, &["alice", "anna", "ben", "bob"]).await;
        drop(anna);
        let persons = [&alice, &bob, &ben];
        all_agree(&nodes, &persons, &["alice", "ben", "bob"]).await;
        switch.heal("a", "b");
        all_agree(&nodes, &persons, &["alice", "ben", "bob"]).await;
    });
}

#[test]
fn nats_a_node_that_cannot_speak_to_the_broker_is_alone_until_it_can() {
    at_a_switch(Engine::Nats, async |switch| {
        let [a, b, c] = switch.three().await;
        let nodes = [&a, &b, &c];
        let alice = Person::join(&a, "alice").await;
        let bob = Person::join(&b, "bob").await;
        all_agree(&nodes, &[&alice, &bob], &["alice", "bob"]).await;
        switch.cut("a", "broker");
        for node in [&b, &c] {
            lists(node, &["bob"]).await;
        }
        lists(&a, &["alice"]).await;
        let anna = Person::join(&a, "anna").await;
        let carl = Person::join(&c, "carl").await;
        lists(&b, &["bob", "carl"]).await;
        switch.heal("a", "broker");
        let persons = [&alice, &anna, &bob, &carl];
        all_agree(&nodes, &persons, &["alice", "anna", "bob", "carl"]).await;
    });
}
