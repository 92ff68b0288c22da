//! Who a node is, and who else claims to be that.

use crate::machine::Machine;
use crate::scenario::TOPIC;
use crate::world::World;
use herenow_core::replica::{ChannelId, NodeConfig, Output, ReplicaId, To};

#[test]
fn a_node_that_was_started_with_its_clock_set_back_is_told_so() {
    for was_stopped in [true, false] {
        let mut world = World::watching(2);
        match was_stopped {
            true => world.stop(0),
            false => world.crash(0),
        }
        world.run(100);
        world.start_back(0);
        let superseded = |world: &mut World| world.machine(0).node.replica().incarnation();
        let back = superseded(&mut world);
        world.watch(0);
        world.come(0, 1, "early");
        world.run(100);
        assert!(superseded(&mut world) > back, "it started once more");
        world.come(0, 1, "somebody");
        world.run(2_000);
        assert_eq!(world.seen(1), ["somebody"]);
    }
}

#[test]
fn who_knows_that_a_replica_is_outdated_says_so_to_those_who_do_not() {
    let mut world = World::watching(3);
    world.stop(0);
    world.run(100);
    // The third host has forgotten the goodbye. The second has not, but cannot reach the first.
    world.jump(2, world.config.permdown_after_ms);
    world.run(100);
    world.network.cut(1, 0);
    world.start_back(0);
    world.watch(0);
    world.come(0, 1, "early");
    world.run(2_500);
    world.come(0, 1, "somebody");
    world.run(4_000);
    for at in 0..3 {
        assert_eq!(world.seen(at), ["somebody"], "host {at}");
    }
}

#[test]
fn who_is_outdated_learns_so_even_if_nobody_but_the_bus_remembers_and_hears_it() {
    let mut world = World::watching(2);
    let later = world.machine(0).node.replica().incarnation();
    world.stop(0);
    world.run(world.config.permdown_after_ms + 1_000);
    world.network.cut(0, 1);
    world.start_back(0);
    world.run(3_000);
    let back = world.machine(0).node.replica().clone();
    assert!(back.incarnation() < later);
    world.with(1, |machine, now| machine.node.outlived(now, &back, later));
    world.network.mend();
    world.run(100);
    assert!(world.machine(0).node.replica().incarnation() > later);
}

#[test]
fn of_two_processes_of_one_name_the_later_one_counts_and_the_other_is_told() {
    let config = crate::world::config();
    let ids = [("a", 1), ("a", 2), ("b", 1)].map(|(name, life)| ReplicaId::new(name, life));
    let mut machines = ids
        .each_ref()
        .map(|id| Machine::start(0, id.clone(), &config));
    for (at, machine) in machines.iter_mut().enumerate() {
        machine.subscribe(0, TOPIC);
        machine.change(0, TOPIC, |shard| {
            let meta = format!(r#"{{"is":"{at}"}}"#);
            shard
                .track(0, TOPIC, ChannelId(1), "a", &meta)
                .expect("it is new");
        });
    }
    for round in 0..30 {
        let now = round * 100;
        for from in 0..3 {
            machines[from].tick(now);
            for message in machines[from].pump(now) {
                for (to, id) in ids.iter().enumerate() {
                    let is_for_all = !matches!(message.to, To::Replica(_));
                    if to != from && (is_for_all || message.to == To::Replica(id.clone())) {
                        machines[to].receive(now, &ids[from], &message.bytes);
                    }
                }
            }
        }
    }
    assert!(machines[0].events.contains(&Output::Superseded(2)));
    let told = |machine: &Machine| {
        machine
            .events
            .iter()
            .any(|e| matches!(e, Output::Superseded(_)))
    };
    assert!(!told(&machines[1]) && !told(&machines[2]));
    let members: Vec<_> = machines[2]
        .node
        .members()
        .map(|member| member.replica)
        .collect();
    assert_eq!(members, [ids[1].clone()]);
    assert_eq!(
        machines[2].listed(TOPIC).len(),
        2,
        "its own and that of the later one"
    );
    assert_eq!(machines[1].listed(TOPIC), machines[2].listed(TOPIC));
}

#[test]
fn a_node_with_another_number_of_shards_is_refused_and_the_error_says_so() {
    let mut world = World::watching(2);
    let other = NodeConfig {
        shards: 3,
        ..world.config.clone()
    };
    let id = ReplicaId::new("other", 1);
    let mut other = Machine::start(world.now, id.clone(), &other);
    other.tick(world.now);
    let digest = other.pump(world.now).remove(0).bytes;
    let now = world.now;
    let machine = world.machine(0);
    let refused = machine
        .node
        .handle(now, &id, &digest, &mut machine.shards)
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the sender has 3 shards, this node 2: give all nodes of the cluster the same number"
    );
    assert_eq!(machine.node.members().count(), 1);
}
