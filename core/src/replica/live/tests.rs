use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    #[test]
    fn it_is_a_map_in_the_order_of_versions(
        steps in prop::collection::vec((any::<bool>(), 1..4_u64, any::<prop::sample::Index>()), 0..400),
    ) {
        let mut live = Live::default();
        let mut model = BTreeMap::new();
        let mut version = 0;
        for (add, by, which) in steps {
            if add || version == 0 {
                version += by;
                live.push(version, version as u32 * 2);
                model.insert(version, version as u32 * 2);
            } else {
                let removed = which.index(version as usize + 1) as u64;
                prop_assert_eq!(live.remove(removed), model.remove(&removed));
            }
            prop_assert_eq!(live.len(), model.len());
            let middle = version / 2;
            let after: Vec<_> = live.after(middle).collect();
            let up_to: Vec<_> = live.up_to(middle).collect();
            let pairs = |(version, address): (&u64, &u32)| (*version, *address);
            prop_assert_eq!(after, model.range(middle + 1..).map(pairs).collect::<Vec<_>>());
            prop_assert_eq!(up_to, model.range(..=middle).map(pairs).collect::<Vec<_>>());
        }
    }
}

#[test]
fn it_gives_memory_back_when_presences_go() {
    let mut live = Live::default();
    for version in 1..=10_000 {
        live.push(version, 0);
    }
    for version in 1..=9_900 {
        live.remove(version);
    }
    assert!(live.capacity() < 500, "{}", live.capacity());
    for version in 9_901..=10_000 {
        live.remove(version);
    }
    assert_eq!(live.capacity(), 0);
}
