use super::*;
use proptest::prelude::*;

#[test]
fn a_million_values_that_came_and_went_leave_nothing_behind() {
    let mut slab = Slab::new();
    let addresses: Vec<u32> = (0..100_000).map(|value| slab.insert(value)).collect();
    assert!(slab.capacity() >= 100_000);
    for address in addresses {
        slab.remove(address);
    }
    assert_eq!(slab.len(), 0);
    assert_eq!(slab.capacity(), 0);
}

#[test]
fn one_survivor_holds_on_to_one_page() {
    let mut slab = Slab::new();
    let addresses: Vec<u32> = (0..10_000).map(|value| slab.insert(value)).collect();
    for &address in &addresses {
        if address != addresses[5_000] {
            slab.remove(address);
        }
    }
    assert_eq!(slab[addresses[5_000]], 5_000);
    assert!(slab.capacity() <= PAGE as usize);
}

#[test]
fn few_values_reserve_few_slots() {
    let mut slab = Slab::new();
    slab.insert(1_u64);
    assert!(slab.capacity() <= 8, "capacity {}", slab.capacity());
}

proptest! {
    #[test]
    fn every_address_keeps_its_value_until_removed(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..2_000)) {
        let mut slab = Slab::new();
        let mut live: Vec<(u32, usize)> = Vec::new();
        for (number, (insert, pick)) in steps.into_iter().enumerate() {
            if insert || live.is_empty() {
                live.push((slab.insert(number), number));
            } else {
                let (address, value) = live.swap_remove(pick.index(live.len()));
                prop_assert_eq!(slab.remove(address), value);
            }
            prop_assert_eq!(slab.len(), live.len());
        }
        for (address, value) in live {
            prop_assert_eq!(slab[address], value);
        }
    }
}
