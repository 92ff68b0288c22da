use futures_util::FutureExt;

use super::*;

const PATIENCE: Duration = Duration::from_secs(1);

fn interest(shards: u16) -> Arc<Interest> {
    Arc::new(Interest::new(shards, PATIENCE))
}

fn stirred(interest: &Interest) -> Vec<u16> {
    interest.take_stirred().collect()
}

#[test]
fn a_shard_is_stirred_once_however_often_something_happens() {
    let interest = interest(130);
    for shard in [129, 0, 63, 64, 0, 129] {
        interest.stir(shard);
    }
    assert_eq!(stirred(&interest), [0, 63, 64, 129]);
    assert_eq!(stirred(&interest), [0; 0]);
    interest.stir(63);
    assert_eq!(stirred(&interest), [63]);
}

#[test]
fn the_first_and_the_last_looker_stir_and_nobody_else() {
    let interest = interest(1);
    let one = interest.look(0);
    assert_eq!(stirred(&interest), [0]);
    let other = interest.look(0);
    drop(one);
    assert_eq!(stirred(&interest), [0; 0]);
    assert!(interest.is_looked_at(0));
    drop(other);
    assert_eq!(stirred(&interest), [0]);
    assert!(!interest.is_looked_at(0));
}

#[tokio::test]
async fn stirring_wakes_the_driver_also_if_it_was_not_waiting_yet() {
    let interest = interest(1);
    assert!(interest.stirred().now_or_never().is_none());
    interest.stir(0);
    interest.stirred().await;
}

#[tokio::test(start_paused = true)]
async fn a_looker_waits_until_the_shard_is_complete() {
    let interest = interest(2);
    let looker = interest.look(1);
    interest.complete(0);
    let mut waiting = std::pin::pin!(looker.complete());
    assert!(waiting.as_mut().now_or_never().is_none());
    interest.complete(1);
    assert!(waiting.now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_looker_does_not_wait_for_ever() {
    let interest = interest(1);
    interest.look(0).complete().await;
    assert!(!interest.is_complete(0));
}

#[tokio::test(start_paused = true)]
async fn without_a_driver_nothing_is_waited_for() {
    let interest = interest(1);
    let looker = interest.look(0);
    let mut waiting = std::pin::pin!(looker.complete());
    assert!(waiting.as_mut().now_or_never().is_none());
    interest.abandon();
    assert!(waiting.now_or_never().is_some());
    assert!(interest.look(0).complete().now_or_never().is_some());
}

#[test]
fn a_shard_that_somebody_looks_at_is_not_given_up() {
    let interest = interest(1);
    let looker = interest.look(0);
    interest.complete(0);
    assert!(!interest.give_up(0));
    assert!(interest.is_complete(0));
    drop(looker);
    assert!(interest.give_up(0));
    assert!(!interest.is_complete(0));
}

#[test]
fn reading_a_list_counts_as_use_until_it_is_asked() {
    let interest = interest(1);
    assert!(!interest.take_used(0));
    let _ = interest.is_complete(0);
    assert!(interest.take_used(0));
    assert!(!interest.take_used(0));
}

#[test]
fn diffs_are_held_back_until_the_shard_is_complete_or_nobody_completes_it() {
    let interest = interest(2);
    assert!(interest.is_awaited(0));
    assert!(interest.complete(0));
    assert!(!interest.is_awaited(0));
    assert!(interest.is_awaited(1));
    interest.abandon();
    assert!(!interest.is_awaited(1));
}

#[test]
fn whether_all_are_still_to_be_given_a_list_is_known_when_a_shard_is_completed() {
    let interest = interest(1);
    interest.note_read(0);
    assert!(!interest.complete(0), "somebody has one");
    assert!(!interest.complete(0), "it was complete");
    assert!(interest.give_up(0));
    assert!(interest.complete(0));
    interest.note_read(0);
    assert!(interest.give_up(0));
    assert!(interest.complete(0), "what was read was complete");
}
