use super::*;

const MAX: usize = 1_000;

fn sender(name: &str) -> ReplicaId {
    ReplicaId::new(name, 1)
}

fn broadcast(bytes: usize) -> Bytes {
    (0..bytes).map(|at| at as u8).collect()
}

fn messages(bytes: usize, number: u64) -> Vec<Bytes> {
    cut(&broadcast(bytes), number, 100).collect()
}

#[test]
fn what_is_cut_is_put_together_in_whatever_order_and_however_often_parts_come() {
    let messages = messages(MAX, 7);
    assert!(messages.iter().all(|message| message.len() <= 100));
    assert_eq!(messages.len(), MAX.div_ceil(100 - HEADER_BYTES));
    let mut parts = Parts::new(MAX);
    let (last, first) = messages.split_last().unwrap();
    for message in first.iter().rev().chain(first) {
        assert_eq!(parts.take(&sender("a"), message), Ok(None));
    }
    assert_eq!(parts.take(&sender("a"), last), Ok(Some(broadcast(MAX))));
    assert!(parts.waiting.is_empty());
    assert_eq!(parts.lost(), 0);
}

#[test]
fn parts_of_different_senders_and_broadcasts_are_kept_apart() {
    let mut parts = Parts::new(MAX);
    let (one, other) = (messages(100, 1), messages(90, 2));
    let steps = [("a", &one), ("b", &one), ("a", &other)];
    for (from, messages) in steps {
        assert_eq!(parts.take(&sender(from), &messages[0]), Ok(None));
    }
    for (from, messages) in steps {
        let whole = parts.take(&sender(from), &messages[1]).unwrap().unwrap();
        assert!([100, 90].contains(&whole.len()));
        assert_eq!(whole, broadcast(whole.len()));
    }
}

#[test]
fn a_broadcast_larger_than_allowed_is_refused_and_lost() {
    let mut parts = Parts::new(MAX);
    let results: Vec<_> = messages(MAX + 1, 1)
        .iter()
        .map(|message| parts.take(&sender("a"), message))
        .collect();
    assert_eq!(results.last(), Some(&Err("the size")));
    assert_eq!((parts.lost(), parts.waiting.len()), (1, 0));
}

#[test]
fn what_waits_is_bounded_and_the_oldest_is_given_up() {
    let mut parts = Parts::new(MAX);
    for number in 0..1_000 {
        let messages = messages(MAX, number);
        parts.take(&sender("a"), &messages[0]).unwrap();
    }
    assert!(parts.waiting.len() * OVERHEAD <= MAX * MAX_WAITING);
    assert_eq!(parts.lost() + parts.waiting.len() as u64, 1_000);
    let latest = messages(MAX, 999);
    let whole = latest[1..]
        .iter()
        .find_map(|message| parts.take(&sender("a"), message).unwrap());
    assert_eq!(whole, Some(broadcast(MAX)));
}

#[tokio::test(start_paused = true)]
async fn what_has_waited_for_too_long_is_given_up() {
    let mut parts = Parts::new(MAX);
    parts.take(&sender("a"), &messages(MAX, 1)[0]).unwrap();
    tokio::time::advance(PATIENCE / 2).await;
    parts.take(&sender("a"), &messages(MAX, 2)[0]).unwrap();
    tokio::time::advance(PATIENCE / 2).await;
    parts.give_up_overdue();
    assert_eq!((parts.lost(), parts.waiting.len()), (1, 1));
}

#[test]
fn what_makes_no_sense_is_refused_by_the_name_of_the_field() {
    let mut parts = Parts::new(MAX);
    let good = messages(200, 1).remove(0);
    for end in 0..=HEADER_BYTES {
        assert_eq!(
            parts.take(&sender("a"), &good.slice(..end)),
            Err("the part")
        );
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        Bytes::from(bytes)
    };
    assert_eq!(parts.take(&sender("a"), &with(14, 9)), Err("the part"));
    assert_eq!(parts.take(&sender("a"), &with(18, 0)), Err("the part"));
    assert_eq!(parts.take(&sender("a"), &good), Ok(None));
    let other = parts.take(&sender("a"), &with(18, 9));
    assert_eq!(other, Err("the number of parts"));
}
