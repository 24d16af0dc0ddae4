//! How a section of the file becomes a struct.
//!
//! The `section!` macro is the one place where an option's name, type,
//! default and documentation are written; a macro because a function can not
//! see doc comments, and writing them twice is how samples go stale.

use crate::value::Value;

/// What is known of an option without reading any file.
#[derive(Debug, Clone)]
pub struct OptionInfo {
    /// The name in the file.
    pub name: &'static str,
    /// The lines of its documentation, each with the space after `///`.
    pub doc: &'static [&'static str],
    /// The type as messages and the sample call it.
    pub kind: &'static str,
    /// Whether the value stays out of messages.
    pub secret: bool,
    /// The current value as text; of a fresh section, the default.
    pub value: String,
}

/// A value that is not of its option's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType {
    /// The type that was expected.
    pub kind: &'static str,
    /// Whether the value must not be shown.
    pub secret: bool,
}

/// A struct whose fields are the options of one section.
pub trait Section {
    /// The lines of the section's documentation.
    fn about(&self) -> &'static [&'static str];

    /// Its options in the order of their declaration, with current values.
    fn options(&self) -> Vec<OptionInfo>;

    /// Sets an option from the words of its assignments. `None` when the
    /// section has no such option.
    fn set(&mut self, option: &str, words: &[String]) -> Option<Result<(), WrongType>>;
}

/// Reads one field; a function so that the macro stays small.
pub(crate) fn assign<T: Value>(field: &mut T, words: &[String]) -> Result<(), WrongType> {
    let value = T::parse(words).ok_or(WrongType {
        kind: T::KIND,
        secret: T::SECRET,
    })?;
    *field = value;
    Ok(())
}

/// Describes one field.
pub(crate) fn describe<T: Value>(
    name: &'static str,
    doc: &'static [&'static str],
    field: &T,
) -> OptionInfo {
    OptionInfo {
        name,
        doc,
        kind: T::KIND,
        secret: T::SECRET,
        value: field.format(),
    }
}

/// Declares a section: a struct with one public field per option, its
/// `Default`, and [`Section`].
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident {
            $( $(#[doc = $doc:literal])* $field:ident: $type:ty = $default:expr, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::section::Section for $name {
            fn about(&self) -> &'static [&'static str] {
                &[$($about),*]
            }

            fn options(&self) -> Vec<$crate::section::OptionInfo> {
                vec![$(
                    $crate::section::describe(stringify!($field), &[$($doc),*], &self.$field),
                )*]
            }

            fn set(
                &mut self,
                option: &str,
                words: &[String],
            ) -> Option<Result<(), $crate::section::WrongType>> {
                match option {
                    $( stringify!($field) => {
                        Some($crate::section::assign(&mut self.$field, words))
                    } )*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use section;
