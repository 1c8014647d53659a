//! Settings that are written once: a struct, its defaults, its setters and its table.

/// One setting of a section, as a command line, a manual or another language shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in files and programs.
    pub name: &'static str,
    /// What stands for its value in a usage line, such as `N`; empty for what is on or off.
    pub value: &'static str,
    /// What it is, in one or two sentences.
    pub help: &'static str,
    /// In words what it is where it is not set, if its default is decided later.
    pub decided: &'static str,
}

impl Setting {
    /// The help as one paragraph.
    pub fn paragraph(&self) -> String {
        self.help.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What may be given for a setting of type `T`: its value, or for one that may be open what is in it.
pub trait Given<T> {
    /// The value of the setting.
    fn given(self) -> T;
}

impl<T> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<T> Given<Option<T>> for T {
    fn given(self) -> Option<T> {
        Some(self)
    }
}

impl Given<String> for &str {
    fn given(self) -> String {
        self.to_owned()
    }
}

/// Declares a section of settings: for each its doc, name, type, default, the word for its value
/// and, if the default is decided later, what it is then.
///
/// It becomes a struct that serde reads and writes, with a setter for each field, the table
/// `TABLE`, and a macro of the given name that hands all fields to another macro. The dollar sign
/// comes first because a macro that makes a macro cannot write its own.
#[macro_export]
macro_rules! settings {
    (
        $d:tt $each:ident
        $(#[doc = $about:literal])+
        pub struct $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr, $value:literal $(, $decided:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $Section {
            $(
                $(#[doc = $doc])+
                pub $field: $type,
            )+
        }

        impl Default for $Section {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $Section {
            /// Every setting of this section, in the order of its declaration.
            pub const TABLE: &'static [$crate::Setting] = &[
                $($crate::Setting {
                    name: stringify!($field),
                    value: $value,
                    help: concat!($($doc, "\n"),+),
                    decided: concat!($($decided)?),
                },)+
            ];

            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $field(mut self, value: impl $crate::Given<$type>) -> Self {
                    self.$field = value.given();
                    self
                }
            )+
        }

        /// Hands every setting of this section to a macro, behind what else it is given.
        #[macro_export]
        macro_rules! $each {
            ($d callback:ident, $d($d given:tt)*) => {
                $d callback! {
                    $d($d given)*
                    $($(#[doc = $doc])+ $field: $type;)+
                }
            };
        }
    };
}
