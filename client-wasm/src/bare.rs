//! What the standard library would do for the npm package: memory, and what happens on a panic.
//!
//! A panic stops the call that ran into it, with a `RuntimeError: unreachable` in JavaScript. It says no more:
//! messages would double the download, and they would be about mistakes in this crate, not in its use.
//!
//! The allocator is one list of free blocks, neighbours joined. What lives here are a few arrays, so the list is
//! short, and an allocator for thousands of small objects would only be five times the code.

#![allow(unsafe_code, reason = "an allocator for one thread")]

use core::arch::wasm32;

use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

// SAFETY: without std, this crate is built for wasm without atomics only (src/local.rs refuses any other), where
// there is one thread.
#[global_allocator]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };
