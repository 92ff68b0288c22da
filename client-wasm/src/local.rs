//! State that belongs to the thread: a `thread_local!` that does without the standard library where there is
//! only one thread, as in wasm without atomics.

/// Declares a `RefCell` that `NAME.with(..)` lends.
#[cfg(feature = "std")]
macro_rules! local {
    (static $name:ident: $type:ty = $value:expr;) => {
        std::thread_local! {
            static $name: core::cell::RefCell<$type> = const { core::cell::RefCell::new($value) };
        }
    };
}

#[cfg(not(feature = "std"))]
macro_rules! local {
    (static $name:ident: $type:ty = $value:expr;) => {
        static $name: $crate::local::Local<$type> = $crate::local::Local::new($value);
    };
}

pub(crate) use local;

#[cfg(not(feature = "std"))]
pub(crate) use single::Local;

#[cfg(not(feature = "std"))]
mod single {
    use core::cell::RefCell;

    #[cfg(target_feature = "atomics")]
    compile_error!("where wasm has threads, herenow-client needs its feature `std`");

    /// A value of the only thread.
    pub(crate) struct Local<T>(RefCell<T>);

    #[allow(unsafe_code, reason = "a static of the only thread")]
    // SAFETY: without std, this crate is built for wasm without atomics only, where nothing can be shared with
    // another thread, because there is none.
    unsafe impl<T> Sync for Local<T> {}

    impl<T> Local<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(RefCell::new(value))
        }

        pub(crate) fn with<R>(&self, lend: impl FnOnce(&RefCell<T>) -> R) -> R {
            lend(&self.0)
        }
    }
}
