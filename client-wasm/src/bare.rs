//! What the standard library would do for the npm package: memory (by the allocator that the standard library
//! has for wasm, too), and what happens on a panic.
//!
//! A panic stops the call that ran into it, with a `RuntimeError: unreachable` in JavaScript. It says no more:
//! messages would double the download, and they would be about mistakes in this crate, not in its use.

use core::arch::wasm32;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
