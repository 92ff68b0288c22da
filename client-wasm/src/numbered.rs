//! Things that JavaScript knows by number.
//!
//! Nothing that runs with such a thing calls back, so they are there to be lent; except for ever after a call that
//! ran out of memory in the middle. Then all calls return what they are told to, which is also smaller than a panic.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Each at the place of its number.
pub(crate) type Numbered<T> = Vec<Option<Box<T>>>;

/// The number of nothing.
const NONE: usize = usize::MAX;

/// Returns the number of what was added.
pub(crate) fn add<T>(things: &RefCell<Numbered<T>>, thing: Box<T>) -> usize {
    let Ok(mut things) = things.try_borrow_mut() else {
        return NONE;
    };
    let free = things.iter().position(Option::is_none);
    let number = free.unwrap_or(things.len());
    match things.get_mut(number) {
        Some(place) => *place = Some(thing),
        None => things.push(Some(thing)),
    }
    number
}

/// Forgets what has the number, which may be another's then.
pub(crate) fn free<T>(things: &RefCell<Numbered<T>>, number: usize) {
    if let Ok(mut things) = things.try_borrow_mut()
        && let Some(place) = things.get_mut(number)
    {
        *place = None;
    }
}

/// Runs with what has the number. Returns `otherwise` if nothing has.
pub(crate) fn with<T, R>(
    things: &RefCell<Numbered<T>>,
    number: usize,
    otherwise: R,
    run: impl FnOnce(&mut T) -> R,
) -> R {
    if let Ok(mut things) = things.try_borrow_mut()
        && let Some(Some(thing)) = things.get_mut(number)
    {
        return run(thing);
    }
    otherwise
}
