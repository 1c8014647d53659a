//! How the numbers of a data set are held: in memory, or elsewhere where they outgrow a budget.

use crate::error::Result;
use crate::held::Held;
use crate::survey::Survey;
use crate::values::Values;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Numbers of rows that are read at once where all are read in turn.
const BLOCK: usize = 1 << 17;

/// The numbers of a data set, row after row.
///
/// A reader of numbers asks [`Dataset::gather`](crate::Dataset::gather), which may fail; those in
/// memory may be borrowed.
#[derive(Clone, Debug)]
pub struct Store {
    numbers: Source,
    /// What a look over all of them found, and of how many columns; looked at once at most.
    survey: OnceLock<(usize, Arc<Survey>)>,
}

#[derive(Clone, Debug)]
enum Source {
    /// All in memory.
    Memory(Values),
    /// On disk, or computed from other rows: gathered when they are wanted.
    Elsewhere(Arc<dyn Held>),
}

impl From<Values> for Store {
    fn from(values: Values) -> Self {
        Self { numbers: Source::Memory(values), survey: OnceLock::new() }
    }
}

impl Store {
    /// Numbers that are held elsewhere than in memory.
    pub fn elsewhere(held: impl Held + 'static) -> Self {
        Self { numbers: Source::Elsewhere(Arc::new(held)), survey: OnceLock::new() }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        match &self.numbers {
            Source::Memory(values) => values.len(),
            Source::Elsewhere(held) => held.len(),
        }
    }

    /// Whether there is no number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What one look over all numbers finds, in rows of `features`; further calls remember it.
    ///
    /// An error where what holds them cannot be read any more.
    pub fn survey(&self, features: usize) -> Result<Arc<Survey>> {
        match self.survey.get() {
            Some((width, known)) if *width == features => Ok(Arc::clone(known)),
            _ => {
                let found = Arc::new(Survey::of(self.blocks(features), features)?);
                // Rows of another width are looked over anew each time: nobody asks for two.
                self.survey.get_or_init(|| (features, Arc::clone(&found)));
                Ok(found)
            }
        }
    }

    /// The word for the type of the numbers: `u8`, `f32` or `f64`.
    pub fn storage(&self) -> &'static str {
        match &self.numbers {
            Source::Memory(values) => values.storage(),
            Source::Elsewhere(held) => held.storage(),
        }
    }

    /// The numbers, where they are in memory.
    pub fn in_memory(&self) -> Option<&Values> {
        match &self.numbers {
            Source::Memory(values) => Some(values),
            Source::Elsewhere(_) => None,
        }
    }

    /// What holds the numbers, where they are not in memory.
    pub fn held(&self) -> Option<&dyn Held> {
        match &self.numbers {
            Source::Memory(_) => None,
            Source::Elsewhere(held) => Some(held.as_ref()),
        }
    }

    /// The numbers, read into memory where they are not.
    ///
    /// An error where what holds them cannot be read any more.
    pub fn load(self) -> Result<Values> {
        match self.numbers {
            Source::Memory(values) => Ok(values),
            Source::Elsewhere(held) => held.gather(&[0], held.len()),
        }
    }

    /// The rows of `features` numbers at the given indices, which must be in range, one after
    /// another.
    ///
    /// An error where what holds them cannot be read any more.
    pub fn gather(&self, rows: &[usize], features: usize) -> Result<Values> {
        match &self.numbers {
            Source::Memory(values) => Ok(values.pieces(rows, features, features)),
            Source::Elsewhere(held) => held.gather(rows, features),
        }
    }

    /// How many rows of `features` numbers make a block of moderate size.
    pub fn block(features: usize) -> usize {
        (BLOCK / features.max(1)).max(1)
    }

    /// All numbers in order, in blocks of whole rows; those in memory are one block.
    pub fn blocks(&self, features: usize) -> impl Iterator<Item = Result<Cow<'_, Values>>> {
        let rows = self.len().checked_div(features).unwrap_or(0);
        let step = if self.in_memory().is_some() { rows } else { Self::block(features) };
        (0..rows).step_by(step.max(1)).map(move |start| match self.in_memory() {
            Some(values) => Ok(Cow::Borrowed(values)),
            None => self
                .gather(&(start..rows.min(start + step)).collect::<Vec<_>>(), features)
                .map(Cow::Owned),
        })
    }
}

/// The same numbers in the same type, wherever they are held.
impl PartialEq<Values> for Store {
    fn eq(&self, other: &Values) -> bool {
        self.clone().load().is_ok_and(|values| values == *other)
    }
}
