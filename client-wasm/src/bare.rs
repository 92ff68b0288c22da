//! What the standard library would do for the npm package, in a hundredth of the space: memory, and what
//! happens on a panic.
//!
//! A panic stops the call that ran into it, with a `RuntimeError: unreachable` in JavaScript. It says no more:
//! messages would double the download, and they would be about mistakes in this crate, not in its use.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::UnsafeCell;

use crate::heap::{Heap, Source};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Heap::new(Pages)));

const PAGE_BYTES: usize = 1 << 16;

/// The memory of the module, which only ever grows.
struct Pages;

// SAFETY: pages that `memory_grow` adds are nobody else's.
unsafe impl Source for Pages {
    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let pages = bytes.div_ceil(PAGE_BYTES);
        match wasm32::memory_grow::<0>(pages) {
            usize::MAX => None,
            before => Some((before * PAGE_BYTES, pages * PAGE_BYTES)),
        }
    }
}

struct Allocator(UnsafeCell<Heap<Pages>>);

// SAFETY: there is only one thread (see src/local.rs).
unsafe impl Sync for Allocator {}

impl Allocator {
    #[expect(
        clippy::mut_from_ref,
        reason = "one thread, and the heap calls nobody back"
    )]
    fn heap(&self) -> &mut Heap<Pages> {
        // SAFETY: each method below takes this once, and returns before another is called.
        unsafe { &mut *self.0.get() }
    }
}

// SAFETY: what `Heap` promises is what `GlobalAlloc` asks for; larger alignments are refused.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > Heap::<Pages>::ALIGN {
            return core::ptr::null_mut();
        }
        self.heap().allocate(layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: our caller promises the same.
        unsafe { self.heap().free(block, layout.size()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: our caller promises the same.
        unsafe { self.heap().resize(block, layout.size(), size) }
    }
}
