//! Random schedules against the laws.

use crate::schedule::{Schedule, schedules};
use crate::world::World;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::Instant;

/// How many schedules to run, unless HERENOW_SIM_SCHEDULES says otherwise.
const SCHEDULES: u32 = 3_000;

/// When many are run, it is told each time after so many.
const TELL_EVERY: u32 = 10_000;

fn run(schedule: &Schedule) -> World {
    let mut world = World::new(schedule.hosts, schedule.seed);
    for step in &schedule.steps {
        world.take(step);
    }
    world
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        max_shrink_iters: 4_000,
        // What fails is printed, and belongs into a scenario with a name.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn after_quiet_all_list_what_the_owners_hold_and_in_the_end_nothing_is_left() {
    let wanted = std::env::var("HERENOW_SIM_SCHEDULES").map_or(SCHEDULES, |wanted| {
        let wanted = wanted.parse();
        wanted.expect("HERENOW_SIM_SCHEDULES is a number of schedules")
    });
    let threads = available_parallelism().map_or(1, NonZero::get) as u32;
    let (started, done) = (Instant::now(), AtomicU32::new(0));
    let check = |schedule: Schedule| {
        let mut world = run(&schedule);
        world.calm_down(schedule.broken);
        world.check_convergence();
        world.check_memory();
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TELL_EVERY) {
            println!("{done} of {wanted} schedules, {:?}", started.elapsed());
        }
        Ok(())
    };
    scope(|scope| {
        for thread in 0..threads {
            let cases = wanted / threads + u32::from(thread < wanted % threads);
            scope.spawn(move || {
                let result = TestRunner::new(config(cases)).run(&schedules(), check);
                if let Err(error) = result {
                    panic!("{error}");
                }
            });
        }
    });
}
