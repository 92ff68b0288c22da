//! The one way in which this crate takes a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not a thread has panicked while it held the lock.
///
/// Every critical section of this crate leaves the data whole at each step, and application code (which
/// may panic) never runs inside one. So there is nothing that poisoning would protect, while honouring it
/// would spread one panic to every connection that shares the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
