//! What JavaScript can call: plain wasm functions, which take and return numbers.
//!
//! An object of this side is a number on the other, its place in a table: nothing that JavaScript says can make
//! a wrong address of it. That is all that is needed where no strings or objects cross, so there is no glue
//! that would have to be generated, and `js/wasm.js` makes the classes.

/// Exports methods of a type as `PREFIX_METHOD`: the first, its constructor, returns the number that the
/// others, and `PREFIX_free`, take first.
macro_rules! exports {
    (
        $prefix:literal, $type:ident:
        fn new($($new_arg:ident: $new_type:ty),*);
        $(fn $name:ident($($arg:ident: $arg_type:ty),*) $(-> $result:ty)?;)+
    ) => {
        #[cfg(not(feature = "std"))]
        mod exported {
            use super::$type;
            use crate::exports::Table;

            $crate::local::local! {
                static OBJECTS: Table<$type> = Table::new();
            }

            #[unsafe(export_name = concat!($prefix, "new"))]
            extern "C" fn new($($new_arg: $new_type),*) -> usize {
                OBJECTS.with_borrow_mut(|objects| objects.add($type::new($($new_arg),*)))
            }

            #[unsafe(export_name = concat!($prefix, "free"))]
            extern "C" fn free(object: usize) {
                OBJECTS.with_borrow_mut(|objects| objects.remove(object))
            }

            $(
                #[unsafe(export_name = concat!($prefix, stringify!($name)))]
                extern "C" fn $name(object: usize, $($arg: $arg_type),*) $(-> $result)? {
                    OBJECTS.with_borrow_mut(|objects| objects.get(object).$name($($arg),*))
                }
            )+
        }
    };
}

pub(crate) use exports;

#[cfg(any(test, not(feature = "std")))]
pub(crate) use table::Table;

#[cfg(any(test, not(feature = "std")))]
mod table {
    use alloc::vec::Vec;

    /// Objects by number.
    pub(crate) struct Table<T>(Vec<Option<T>>);

    impl<T> Table<T> {
        pub(crate) const fn new() -> Self {
            Self(Vec::new())
        }

        /// Adds an object under a number that no other has.
        pub(crate) fn add(&mut self, object: T) -> usize {
            let gap = self.0.iter().position(Option::is_none);
            let number = gap.unwrap_or_else(|| {
                self.0.push(None);
                self.0.len() - 1
            });
            if let Some(place) = self.0.get_mut(number) {
                *place = Some(object);
            }
            number
        }

        /// The object with this number. Its number is told to nobody but the JavaScript object that stands for
        /// it, so it is there until that has gone.
        pub(crate) fn get(&mut self, number: usize) -> &mut T {
            match self.0.get_mut(number) {
                Some(Some(object)) => object,
                _ => unreachable!(),
            }
        }

        pub(crate) fn remove(&mut self, number: usize) {
            if let Some(place) = self.0.get_mut(number) {
                *place = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn numbers_are_used_again_and_objects_keep_theirs() {
        let mut table = Table::new();
        let numbers = ["a", "b", "c"].map(|object| table.add(object));
        table.remove(numbers[1]);
        assert_eq!(table.add("d"), numbers[1]);
        assert_eq!([0, 1, 2].map(|number| *table.get(number)), ["a", "d", "c"]);
    }

    #[test]
    fn what_is_removed_is_dropped() {
        let object = std::rc::Rc::new(());
        let mut table = Table::new();
        let number = table.add(object.clone());
        table.remove(number);
        assert_eq!(std::rc::Rc::strong_count(&object), 1);
    }
}
