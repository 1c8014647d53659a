//! Short texts as numbers: words and pieces of words, hashed, and weighted by how rare they are
//! (Weinberger et al. 2009; Spärck Jones 1972).

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use unicode_segmentation::UnicodeSegmentation;

/// Prepared numbers of a text.
pub(crate) const WIDTH: usize = 256;
/// What a text weighs in a loss: as much as so many numbers of variance one.
pub(crate) const WEIGHT: f64 = 16.0;
/// Terms that are counted apart; a power of two.
const TERMS: usize = 1 << 14;
/// A word is rare that is in no more than one of so many texts.
const RARE: usize = 10;
/// A number or an identifier is a word of its own where it is in one of so many texts, and in some.
const OWN: usize = 100;
const SOME: usize = 3;
/// What stands for words with digits that few texts have; no text has it as a word.
const NUMBER: &str = "#";
/// Bytes of a text that are looked at.
const LONGEST: usize = 1 << 14;

/// In how many training texts each term is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Training texts.
    texts: usize,
    /// By the term's hash.
    counts: Vec<u32>,
    /// The hashes of words with digits that are counted by themselves, where all others count as one; in
    /// earlier files, which have none, each counts by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<BTreeSet<u64>>,
}

impl Vocabulary {
    /// Counts the terms of texts, each with the number of rows that have it.
    pub fn fit<'a>(texts: impl Iterator<Item = (&'a str, usize)> + Clone) -> Self {
        let rows = texts.clone().map(|(_, rows)| rows).sum();
        let numbers = Some(numbers(texts.clone(), rows));
        let mut vocabulary = Self { texts: rows, counts: vec![0; TERMS], numbers };
        let mut counts = vec![0; TERMS];
        for (text, rows) in texts {
            let places = vocabulary.terms(text).into_keys().map(place).collect();
            count(&mut counts, places, rows);
        }
        vocabulary.counts = counts;
        vocabulary
    }

    /// A word as it is counted: of numbers and identifiers, which are mostly new, one stands for all that
    /// few texts have, so that a new one is strange only where such words are.
    fn counted(&self, word: &str) -> String {
        let word = word.to_lowercase();
        match &self.numbers {
            Some(known) if has_digit(&word) && !known.contains(&hash(b'w', &[&word])) => {
                NUMBER.into()
            }
            _ => word,
        }
    }

    /// The words of a text that few training texts had, the rarest first; numbers, which mostly are
    /// new, only where there is no such word.
    pub fn rarest(&self, text: &str, most: usize) -> Vec<String> {
        let mut found: Vec<(bool, u32, String)> = Vec::new();
        for word in words(text) {
            let lower = word.to_lowercase();
            let count = self.counts[place(hash(b'w', &[&self.counted(word)]))];
            let known = found.iter().any(|(_, _, other)| other.to_lowercase() == lower);
            if !known && (count as usize) * RARE <= self.texts {
                found.push((has_digit(word), count, word.to_owned()));
            }
        }
        found.sort_by_key(|(number, count, _)| (*number, *count));
        let words = found.iter().any(|(number, _, _)| !number);
        let kept = found.into_iter().filter(|(number, _, _)| !(words && *number));
        kept.take(most).map(|(_, _, word)| word).collect()
    }

    /// The hashes of the words, of each two words in a row, and of each three and four characters of a
    /// word, with how often they come.
    fn terms(&self, text: &str) -> BTreeMap<u64, usize> {
        let mut terms = BTreeMap::new();
        let mut add = |kind: u8, parts: &[&str]| *terms.entry(hash(kind, parts)).or_default() += 1;
        let mut before: Option<String> = None;
        for word in words(text) {
            let word = self.counted(word);
            add(b'w', &[&word]);
            if let Some(before) = &before {
                add(b'p', &[before, &word]);
            }
            let framed = format!("<{word}>");
            let starts: Vec<usize> =
                framed.char_indices().map(|(at, _)| at).chain([framed.len()]).collect();
            for length in [3, 4] {
                for piece in starts.windows(length + 1) {
                    add(b'c', &[&framed[piece[0]..piece[length]]]);
                }
            }
            before = Some(word);
        }
        terms
    }

    /// Whether it could have been counted; files come from anywhere.
    pub fn is_sound(&self) -> bool {
        self.counts.len() == TERMS && self.counts.iter().all(|count| *count as usize <= self.texts)
    }

    /// The text as a vector of length √256, the numbers other than zero with their places.
    ///
    /// `Σ ± (1 + ln tf) (1 + ln ((1 + n) / (1 + df)))` over the terms that are hashed to a place,
    /// with a sign by the hash.
    pub fn vector(&self, text: &str) -> Vec<(usize, f32)> {
        let mut numbers: BTreeMap<usize, f64> = BTreeMap::new();
        for (hash, count) in self.terms(text) {
            let rarity = 1.0
                + ((1.0 + self.texts as f64) / (1.0 + f64::from(self.counts[place(hash)]))).ln();
            let sign = if hash >> 63 == 1 { -1.0 } else { 1.0 };
            *numbers.entry((hash >> 20) as usize % WIDTH).or_default() +=
                sign * (1.0 + (count as f64).ln()) * rarity;
        }
        let length = numbers.values().map(|number| number * number).sum::<f64>().sqrt().max(1e-12);
        let scale = (WIDTH as f64).sqrt() / length;
        numbers.into_iter().map(|(place, number)| (place, (number * scale) as f32)).collect()
    }
}

/// How unlike two vectors are: one less the cosine of the angle between them.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    (1.0 - product(a, b) / (product(a, a) * product(b, b)).sqrt().max(1e-12)) as f32
}

/// The hashes of the words with digits that are in enough of texts, which are so many rows.
fn numbers<'a>(
    texts: impl Iterator<Item = (&'a str, usize)> + Clone,
    rows: usize,
) -> BTreeSet<u64> {
    let own = |text: &'a str| -> BTreeSet<u64> {
        let own = words(text).filter(|word| has_digit(word));
        own.map(|word| hash(b'w', &[&word.to_lowercase()])).collect()
    };
    let least = (rows / OWN).max(SOME);
    let mut shared = vec![0; TERMS];
    for (text, rows) in texts.clone() {
        count(&mut shared, own(text).into_iter().map(place).collect(), rows);
    }
    // Most numbers are those of one text: exactly are counted only those that may be in enough.
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for (text, rows) in texts {
        let may = own(text).into_iter().filter(|hash| shared[place(*hash)] as usize >= least);
        may.for_each(|hash| *counts.entry(hash).or_default() += rows);
    }
    counts.into_iter().filter(|(_, rows)| *rows >= least).map(|(hash, _)| hash).collect()
}

/// Counts places, each once, as those of so many rows.
fn count(counts: &mut [u32], places: BTreeSet<usize>, rows: usize) {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    places.into_iter().for_each(|place| counts[place] = counts[place].saturating_add(rows));
}

fn place(hash: u64) -> usize {
    hash as usize & (TERMS - 1)
}

/// Where what is looked at of a text ends.
fn end(text: &str) -> usize {
    (0..=text.len().min(LONGEST)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0)
}

/// The words of what is looked at of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text[..end(text)].unicode_words()
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// FNV-1a, with its bits mixed once more (the last step of SplitMix64), so that all of them depend
/// on the whole text.
fn hash(kind: u8, parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    let hash = std::iter::once(kind).chain(bytes).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 4] = [
        "disk sda1 is full",
        "disk sdb1 is almost full",
        "user anna logged in",
        "user bert logged in from another place",
    ];

    fn dense(vocabulary: &Vocabulary, text: &str) -> Vec<f32> {
        let mut out = vec![0.0; WIDTH];
        vocabulary.vector(text).into_iter().for_each(|(place, number)| out[place] = number);
        out
    }

    #[test]
    fn texts_that_share_words_are_near_each_other() {
        let vocabulary = Vocabulary::fit(TEXTS.into_iter().map(|text| (text, 1)));
        let [a, b, c, d] = TEXTS.map(|text| dense(&vocabulary, text));
        assert!(distance(&a, &b) < distance(&a, &c) && distance(&c, &d) < distance(&b, &c));
        // Pieces of words make up for another ending.
        let [one, other, none] = ["connection closed", "connections closing", "temperature rising"]
            .map(|text| dense(&vocabulary, text));
        assert!(
            distance(&one, &other) < 0.75 && distance(&one, &none) > 0.8,
            "{} {}",
            distance(&one, &other),
            distance(&one, &none)
        );
    }

    #[test]
    fn every_text_has_the_same_length_and_case_does_not_matter() {
        let vocabulary = Vocabulary::fit(TEXTS.into_iter().map(|text| (text, 2)));
        for text in TEXTS.into_iter().chain(["naïve 東京 café", "x"]) {
            let squares: f32 = dense(&vocabulary, text).iter().map(|number| number * number).sum();
            assert!((squares / WIDTH as f32 - 1.0).abs() < 1e-4, "{text}: {squares}");
            assert_eq!(
                vocabulary.vector(text),
                vocabulary.vector(&text.to_uppercase().to_lowercase())
            );
        }
        assert!(vocabulary.vector("... !?").is_empty() && vocabulary.vector("").is_empty());
    }

    #[test]
    fn the_rarest_words_come_first_and_numbers_only_alone() {
        let texts =
            (0..100).map(|at| (if at < 3 { "disk almost full" } else { "disk is fine" }, 1));
        let vocabulary = Vocabulary::fit(texts);
        let words = vocabulary.rarest("Disk sda 17 almost gone, gone", 3);
        assert_eq!(words, ["sda", "gone", "almost"]);
        assert_eq!(vocabulary.rarest("disk is 17", 3), ["17"]);
        assert!(vocabulary.rarest("disk is fine", 3).is_empty());
    }

    #[test]
    fn a_new_number_is_as_usual_as_numbers_are_and_a_new_error_is_not() {
        let lines: Vec<String> = (0..400)
            .map(|at| match at % 4 {
                0 => format!("cache hit ratio 0.{:03}", at * 37 % 997),
                1 => format!("request a{at}f{} done, status 200", at * 7),
                2 => "worker 3 is idle".to_owned(),
                _ => "user logged in".to_owned(),
            })
            .collect();
        let vocabulary = Vocabulary::fit(lines.iter().map(|line| (line.as_str(), 1)));
        let vector = |text: &str| dense(&vocabulary, text);
        let from = |a: &str, b: &str| distance(&vector(a), &vector(b));
        assert_eq!(from("cache hit ratio 0.63", "cache hit ratio 0.123456"), 0.0);
        assert_eq!(from("request a1f7 done, status 200", "request 771 done, status 200"), 0.0);
        // A number that is one of few is a word of its own, as is a status.
        assert!(from("worker 3 is idle", "worker 4 is idle") > 0.1);
        assert!(from("request a1f7 done, status 200", "request a1f7 done, status 500") > 0.05);
        let error = "cache hit ratio unreadable";
        assert!(from("cache hit ratio 0.63", error) > 0.3);
        assert_eq!(vocabulary.rarest("cache corrupted at 0.63", 1), ["corrupted"]);
    }

    #[test]
    fn a_rare_word_weighs_more_than_a_frequent_one() {
        let vocabulary =
            Vocabulary::fit((0..100).map(|at| (if at == 0 { "rare" } else { "often" }, 1)));
        let both = dense(&vocabulary, "rare often");
        assert!(
            distance(&both, &dense(&vocabulary, "rare"))
                < distance(&both, &dense(&vocabulary, "often"))
        );
    }

    #[test]
    fn endless_texts_are_cut_between_characters() {
        let vocabulary = Vocabulary::fit(std::iter::once(("ä", 1)));
        assert!(!vocabulary.vector(&"ä".repeat(LONGEST)).is_empty());
    }
}
