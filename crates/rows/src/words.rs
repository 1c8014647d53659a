//! Settings that are one word on the command line are the same word in files.

/// Makes serde store a type as the text that it is written and read as.
///
/// The type has `Display` and `FromStr`, and `#[serde(try_from = "String", into = "String")]`.
#[macro_export]
macro_rules! as_text {
    ($name:ty) => {
        impl TryFrom<String> for $name {
            type Error = $crate::Error;

            fn try_from(text: String) -> $crate::Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
