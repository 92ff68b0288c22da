//! The allocator of the npm package: small, because it travels with every page.
//!
//! Sizes are rounded up to one of a few classes, four for each power of two, so that at most a fifth of a block
//! is wasted. A freed block goes to the list of its class and is only used again for that class: no block is
//! split or joined, allocating and freeing take a few instructions, and memory cannot fragment little by
//! little: it never grows beyond the sum of what each class has needed at one time. A block at the very
//! end grows where it is, as large texts do that are written once.

use core::ptr;

/// Where memory comes from.
///
/// # Safety
///
/// What it returns must be nobody else's.
pub(crate) unsafe trait Source {
    /// At least so many bytes of memory: the address and the number of bytes.
    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)>;
}

/// Up to here the classes are multiples of [`Heap::ALIGN`].
const SMALL: usize = 64;

/// So many classes are there for sizes up to `SMALL`.
const SMALL_CLASSES: usize = 4;

/// And four for each further power of two that 32 bits can count.
const CLASSES: usize = SMALL_CLASSES + (32 - 6) * 4;

/// Memory handed out and taken back.
pub(crate) struct Heap<S> {
    source: S,
    /// What has never been handed out.
    top: usize,
    end: usize,
    /// For each class the last block that was freed; in it stands the one freed before.
    free: [usize; CLASSES],
}

/// The class for so many bytes and how many bytes its blocks have.
fn class(size: usize) -> Option<(usize, usize)> {
    if size <= SMALL {
        let class = size.saturating_sub(1) / 16;
        return Some((class, (class + 1) * 16));
    }
    if size > i32::MAX as usize {
        return None;
    }
    let last = size - 1;
    let power = last.ilog2() as usize;
    let quarter = (last >> (power - 2)) & 3;
    let class = SMALL_CLASSES + (power - 6) * 4 + quarter;
    Some((class, (5 + quarter) << (power - 2)))
}

impl<S: Source> Heap<S> {
    /// Every block's address is a multiple of this.
    pub(crate) const ALIGN: usize = 16;

    pub(crate) const fn new(source: S) -> Self {
        Self {
            source,
            top: 0,
            end: 0,
            free: [0; CLASSES],
        }
    }

    /// A block of at least so many bytes; null if there is no memory left.
    pub(crate) fn allocate(&mut self, size: usize) -> *mut u8 {
        let Some((class, room)) = class(size) else {
            return ptr::null_mut();
        };
        let Some(head) = self.free.get_mut(class) else {
            return ptr::null_mut();
        };
        let block = *head as *mut usize;
        if !block.is_null() {
            // SAFETY: blocks in the lists are free, and begin with the address of the next.
            *head = unsafe { block.read() };
            return block.cast();
        }
        if !self.reserve(room) {
            return ptr::null_mut();
        }
        let block = self.top as *mut u8;
        self.top += room;
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// It was allocated here, with this size, and is not used any more.
    pub(crate) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        if let Some((class, _)) = class(size)
            && let Some(head) = self.free.get_mut(class)
        {
            // SAFETY: the block is aligned for this, has room for it, and is ours again.
            unsafe { block.cast::<usize>().write(*head) };
            *head = block as usize;
        }
    }

    /// Makes a block larger or smaller, in another place if need be. Null: there is no memory left, and the
    /// block is what it was.
    ///
    /// # Safety
    ///
    /// It was allocated here, with the size `old`.
    pub(crate) unsafe fn resize(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let (Some((_, room)), Some((_, wanted))) = (class(old), class(new)) else {
            return ptr::null_mut();
        };
        if room == wanted {
            return block;
        }
        let is_last = block as usize + room == self.top;
        if is_last
            && (wanted < room || self.reserve(wanted - room))
            && block as usize + room == self.top
        {
            self.top = block as usize + wanted;
            return block;
        }
        let moved = self.allocate(new);
        if !moved.is_null() {
            // SAFETY: both blocks have that many bytes, and they are two.
            unsafe {
                ptr::copy_nonoverlapping(block, moved, old.min(new));
                self.free(block, old);
            }
        }
        moved
    }

    /// Sees to it that so many bytes lie between `top` and `end`.
    fn reserve(&mut self, bytes: usize) -> bool {
        if bytes <= self.end - self.top {
            return true;
        }
        let Some((start, count)) = self.source.grow(bytes) else {
            return false;
        };
        if start != self.end {
            // Somebody else took memory in between: what is left before that is given up.
            self.top = start;
        }
        self.end = start + count;
        true
    }
}

#[cfg(test)]
mod tests;
