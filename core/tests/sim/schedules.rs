//! Random schedules against the laws.

use crate::schedule::{Schedule, schedules};
use crate::world::World;
use proptest::prelude::*;

/// How many schedules to run.
fn config() -> ProptestConfig {
    let wanted = std::env::var("HERENOW_SIM_SCHEDULES");
    let cases = wanted.ok().map_or(3_000, |wanted| {
        wanted
            .parse()
            .expect("HERENOW_SIM_SCHEDULES is a number of schedules")
    });
    ProptestConfig {
        cases,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

fn run(schedule: &Schedule) -> World {
    let mut world = World::new(schedule.hosts, schedule.seed);
    for step in &schedule.steps {
        world.take(step);
    }
    world
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn after_quiet_all_list_what_the_owners_hold_and_in_the_end_nothing_is_left(
        schedule in schedules(),
    ) {
        let mut world = run(&schedule);
        world.calm_down(schedule.broken);
        world.check_convergence();
        world.check_memory();
    }
}
