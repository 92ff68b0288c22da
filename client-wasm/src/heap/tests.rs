use std::collections::BTreeMap;

use super::{Heap, Source, class};
use proptest::prelude::*;

/// Memory of this process in place of wasm's: pieces of it, with gaps between them.
struct Arena {
    memory: Vec<u128>,
    taken: usize,
}

impl Arena {
    fn new(bytes: usize) -> Self {
        Self {
            memory: vec![0; bytes / 16],
            taken: 0,
        }
    }
}

// SAFETY: each piece is given out once.
unsafe impl Source for Arena {
    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let count = bytes.div_ceil(4096) * 4096;
        let start = self.memory.as_ptr() as usize + self.taken;
        (self.taken + count <= self.memory.len() * 16).then(|| {
            self.taken += count;
            (start, count)
        })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(usize),
    Free(usize),
    Resize(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![0usize..200, 0usize..20_000];
    prop_oneof![
        size.clone().prop_map(Step::Allocate),
        (0usize..40).prop_map(Step::Free),
        (0usize..40, size).prop_map(|(block, size)| Step::Resize(block, size)),
    ]
}

/// Fills a block with its number, so that any other block that overlaps it spoils that.
fn fill(block: *mut u8, size: usize, with: u8) {
    unsafe { block.write_bytes(with, size) };
}

fn holds(block: *mut u8, size: usize, with: u8) -> bool {
    (0..size).all(|at| unsafe { block.add(at).read() } == with)
}

proptest! {
    #[test]
    fn blocks_keep_what_is_in_them_until_they_are_freed(steps in prop::collection::vec(step(), 1..120)) {
        let mut heap = Heap::new(Arena::new(4 << 20));
        let mut blocks = BTreeMap::new();
        for (number, step) in (0u8..).zip(steps) {
            match step {
                Step::Allocate(size) => {
                    let block = heap.allocate(size);
                    prop_assert!(!block.is_null() && (block as usize).is_multiple_of(Heap::<Arena>::ALIGN));
                    fill(block, size, number);
                    blocks.insert(number, (block, size));
                }
                Step::Free(index) => {
                    let Some(&number) = blocks.keys().nth(index) else { continue };
                    let (block, size) = blocks[&number];
                    prop_assert!(holds(block, size, number));
                    unsafe { heap.free(block, size) };
                    blocks.remove(&number);
                }
                Step::Resize(index, new) => {
                    let Some(&number) = blocks.keys().nth(index) else { continue };
                    let (block, old) = blocks[&number];
                    let block = unsafe { heap.resize(block, old, new) };
                    prop_assert!(!block.is_null() && holds(block, old.min(new), number));
                    fill(block, new, number);
                    blocks.insert(number, (block, new));
                }
            }
        }
        for (number, (block, size)) in blocks {
            prop_assert!(holds(block, size, number));
        }
    }

    #[test]
    fn a_class_has_room_and_wastes_at_most_a_quarter(size in 65usize..1 << 30) {
        let (number, room) = class(size).unwrap();
        prop_assert!(room >= size && room - size < size.div_ceil(4) && room % 16 == 0);
        prop_assert!(class(room) == Some((number, room)) && class(room + 1) != Some((number, room)));
    }
}

#[test]
fn what_is_freed_is_used_again() {
    let mut heap = Heap::new(Arena::new(1 << 20));
    for _ in 0..1000 {
        let blocks = [100, 5000, 40_000].map(|size| (heap.allocate(size), size));
        assert!(blocks.iter().all(|(block, _)| !block.is_null()));
        for (block, size) in blocks {
            unsafe { heap.free(block, size) };
        }
    }
}

#[test]
fn without_memory_there_is_no_block_and_the_old_one_stays() {
    let mut heap = Heap::new(Arena::new(8192));
    let block = heap.allocate(4000);
    fill(block, 4000, 7);
    assert!(heap.allocate(100_000).is_null());
    assert!(heap.allocate(usize::MAX).is_null());
    assert!(unsafe { heap.resize(block, 4000, 100_000) }.is_null());
    assert!(holds(block, 4000, 7));
}
