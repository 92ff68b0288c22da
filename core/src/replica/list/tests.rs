use super::*;
use proptest::prelude::*;

struct Item {
    links: Links,
}

fn addresses(list: &List, slab: &Slab<Item>) -> Vec<u32> {
    list.iter(slab, |item| &item.links).collect()
}

proptest! {
    #[test]
    fn a_list_keeps_the_order_of_arrival_through_removals(steps in prop::collection::vec((0_u8..3, any::<prop::sample::Index>()), 0..300)) {
        let mut slab = Slab::new();
        let mut list = List::EMPTY;
        let mut model: Vec<u32> = Vec::new();
        for (step, pick) in steps {
            if step > 0 || model.is_empty() {
                let address = slab.insert(Item { links: Links::LOOSE });
                list.push_back(&mut slab, address, |item| &mut item.links);
                model.push(address);
            } else {
                let address = model.remove(pick.index(model.len()));
                list.remove(&mut slab, address, |item| &mut item.links);
                slab.remove(address);
            }
            prop_assert_eq!(addresses(&list, &slab), model.clone());
            prop_assert_eq!(list.len as usize, model.len());
            prop_assert_eq!(list.tail, model.last().copied().unwrap_or(NONE));
        }
    }
}
