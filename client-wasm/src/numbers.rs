//! Numbers that JavaScript repeats, because it cannot import them: what a call is, and what comes back.
//!
//! The tests hold the JavaScript to these, name by name.

/// Declares a type with a number for each name, and for the tests a list of all of them, which so cannot lack one.
macro_rules! numbers {
    (
        $(#[$about:meta])*
        $list:ident { $($(#[$meaning:meta])* $name:ident = $number:literal,)* }
    ) => {
        $(#[$about])*
        pub(crate) struct $list;

        impl $list {
            $($(#[$meaning])* const $name: u8 = $number;)*

            #[cfg(test)]
            pub(crate) const ALL: &[(&str, u8)] = &[$((stringify!($name), $number)),*];
        }
    };
}
pub(crate) use numbers;

#[cfg(test)]
mod tests;
