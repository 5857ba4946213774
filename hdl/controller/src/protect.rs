//! Check bits of stored words: written above the word, looked at when it is read.
//!
//! ```text
//!              ┌────────┐                ┌────────┐        cycle 1            cycle 2 (secded)
//!  word ──────▶│ encode │─{check, word}─▶│ memory │─┬────▶ word ────────────▶ flipped bit ──▶ word
//!              └────────┘                └────────┘ └────▶ parity, syndrome ▶ turned back    corrected, uncorrectable
//! ```
//!
//! | protection | check bits | cycles of the check |
//! | --- | --- | --- |
//! | `none` | none | 0 |
//! | `parity` | even parity over word and check bit | 1 |
//! | `secded` | the Hamming code whose columns have an odd weight (Hsiao's) | 2 |
//!
//! Secded: every bit of the word belongs to a *column*, a number of as many bits as there are check bits: the numbers
//! with an odd number of ones, at least three, those with fewer ones first and then by size; bit 0 has the first. Check
//! bit r is the parity of the word's bits whose column has bit r; its own column is that bit alone. The syndrome of a
//! coded word is the exclusive or of the columns of the bits that are one. It is zero for what `encode` made; a column
//! if one bit flipped; even in weight, but not zero, if two did. This is a Hamming code with an overall parity bit,
//! written so that no check bit needs the parity of the whole word: the sum of the rows is that parity, and it is even.
//!
//! A word of zeros has check bits of zero in every protection, so that cleared memory is valid.

use stagecoach_hdl::{BigUint, ModuleBuilder, Signal};
use stagecoach_spec::Protection;

use crate::bundles::Check;
use crate::widths::Widths;

/// The word (a named value) with its check bits above; combinational. The word itself without protection.
#[track_caller]
pub fn encode<'m>(w: &Widths, word: Signal<'m>) -> Signal<'m> {
    match w.config.protection {
        Protection::None => word,
        Protection::Parity => word.builder().concat(&[word.parity(), word]),
        Protection::Secded => {
            let rows = Protection::Secded.check_bits(word.width());
            let columns = columns(word.width(), rows);
            let parities: Vec<_> = (0..rows).rev().map(|row| parity_of_row(word, &columns, row)).collect();
            let m = word.builder();
            m.concat(&[m.concat(&parities), word])
        }
    }
}

/// A stored word after its check.
pub struct Checked<'m> {
    /// The word without its check bits, right again if one bit was flipped and the protection corrects; means nothing if
    /// it is uncorrectable.
    pub word: Signal<'m>,
    /// One bit was flipped, and is turned back; no bits unless the protection corrects.
    pub corrected: Signal<'m>,
    /// The word fails its check for good; no bits without protection.
    pub uncorrectable: Signal<'m>,
}

impl<'m> Checked<'m> {
    /// What a stage tells of the word in a cycle in which a lookup depends on it. `place` is as late as the word.
    #[track_caller]
    pub fn report(&self, read: Signal<'m>, place: Signal<'m>) -> Check<'m> {
        let read = if self.uncorrectable.width() == 0 { read } else { read.named("lookup_depends") };
        Check {
            corrected: self.corrected.gated_by(read),
            uncorrectable: self.uncorrectable.gated_by(read),
            place,
        }
    }
}

/// The check of a coded word, [`Widths::check_cycles`] cycles later, in registers `<name>_…`.
#[track_caller]
pub fn check<'m>(m: &'m ModuleBuilder, w: &Widths, name: &str, coded: Signal<'m>) -> Checked<'m> {
    registered(m, w, name, coded, coded.low(word_bits(w, coded))).0
}

/// Likewise, and beside it the coded word as it was read, as late as the checked one; no bits without protection.
#[track_caller]
pub fn check_and_keep<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    name: &str,
    coded: Signal<'m>,
) -> (Checked<'m>, Signal<'m>) {
    let (checked, read) = registered(m, w, name, coded, coded);
    let raw = match w.config.protection {
        Protection::None => m.zero(0),
        Protection::Parity => read,
        Protection::Secded => m.delay(&format!("{name}_raw"), read),
    };
    (checked, raw)
}

/// The check of a short coded word in no cycle at all. `name` names its values.
#[track_caller]
pub fn check_at_once<'m>(m: &'m ModuleBuilder, w: &Widths, name: &str, coded: Signal<'m>) -> Checked<'m> {
    let word = coded.low(word_bits(w, coded));
    match w.config.protection {
        Protection::None => Checked { word, corrected: m.zero(0), uncorrectable: m.zero(0) },
        Protection::Parity => {
            let uncorrectable = coded.parity().named(format!("{name}_uncorrectable"));
            Checked { word, corrected: m.zero(0), uncorrectable }
        }
        Protection::Secded => {
            let syndrome = syndrome(m, coded, word.width()).named(format!("{name}_syndrome"));
            let Checked { word, corrected, uncorrectable } = resolve(m, word, syndrome);
            let corrected = corrected.named(format!("{name}_corrected"));
            Checked { word, corrected, uncorrectable: uncorrectable.named(format!("{name}_uncorrectable")) }
        }
    }
}

/// The check, and `kept` after the first of its cycles: what of the coded word is still needed then, its low bits or all.
#[track_caller]
fn registered<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    name: &str,
    coded: Signal<'m>,
    kept: Signal<'m>,
) -> (Checked<'m>, Signal<'m>) {
    let bits = word_bits(w, coded);
    match w.config.protection {
        Protection::None => (Checked { word: coded, corrected: m.zero(0), uncorrectable: m.zero(0) }, kept),
        Protection::Parity => {
            let read = m.delay(&format!("{name}_read"), kept);
            let uncorrectable = m.delay(&format!("{name}_uncorrectable"), coded.parity());
            (Checked { word: read.low(bits), corrected: m.zero(0), uncorrectable }, read)
        }
        Protection::Secded => {
            let read = m.delay(&format!("{name}_read"), kept);
            let syndrome = m.delay(&format!("{name}_syndrome"), syndrome(m, coded, bits));
            let found = resolve(m, read.low(bits), syndrome);
            let checked = Checked {
                word: m.delay(&format!("{name}_word"), found.word),
                corrected: m.delay(&format!("{name}_corrected"), found.corrected),
                uncorrectable: m.delay(&format!("{name}_uncorrectable"), found.uncorrectable),
            };
            (checked, read)
        }
    }
}

/// The exclusive or of the columns of the bits that are one: each check bit, and the parity that it should be.
#[track_caller]
fn syndrome<'m>(m: &'m ModuleBuilder, coded: Signal<'m>, bits: u32) -> Signal<'m> {
    let rows = coded.width() - bits;
    let mut columns = columns(bits, rows);
    columns.extend((0..rows).map(|row| 1 << row));
    m.concat(&(0..rows).rev().map(|row| parity_of_row(coded, &columns, row)).collect::<Vec<_>>())
}

/// The bit whose column the syndrome is, turned back. Three flips or more may look like one: that is beyond the code.
#[track_caller]
fn resolve<'m>(m: &'m ModuleBuilder, word: Signal<'m>, syndrome: Signal<'m>) -> Checked<'m> {
    let columns = columns(word.width(), syndrome.width());
    let flips: Vec<_> = columns.iter().rev().map(|column| syndrome.is(*column)).collect();
    let odd = syndrome.parity();
    Checked { word: word ^ m.concat(&flips), corrected: odd, uncorrectable: syndrome.any() & !odd }
}

/// The parity of the bits whose column has bit `row`.
#[track_caller]
fn parity_of_row<'m>(word: Signal<'m>, columns: &[u32], row: u32) -> Signal<'m> {
    let mut covered = BigUint::ZERO;
    for (bit, column) in (0u64..).zip(columns) {
        covered.set_bit(bit, column >> row & 1 == 1);
    }
    (word & word.builder().constant(word.width(), covered)).parity()
}

/// The columns of a word's bits, from bit 0 on.
fn columns(bits: u32, rows: u32) -> Vec<u32> {
    let of_weight = |weight| (0..1u32 << rows).filter(move |column| column.count_ones() == weight);
    (3..=rows).step_by(2).flat_map(of_weight).take(bits as usize).collect()
}

/// Bits of the word in a coded word.
fn word_bits(w: &Widths, coded: Signal<'_>) -> u32 {
    let fits = |bits: &u32| w.coded(*bits) == coded.width();
    (1..=coded.width()).find(fits).expect("a coded word has the width that the contract gives it")
}

/// `other`, or that a stored word is `corrupt`: a bit that is not there without protection.
#[track_caller]
pub(crate) fn or_corrupt<'m>(other: Signal<'m>, corrupt: Signal<'m>) -> Signal<'m> {
    if corrupt.width() == 0 { other } else { other | corrupt }
}

/// A lookup depends on a word that it reads, and so does the token of a peek at it: then the word is reported. `peeks`,
/// which stands still while the token travels, has no bits where nothing is reported.
#[track_caller]
pub(crate) fn reads<'m>(
    m: &'m ModuleBuilder,
    lookup: Signal<'m>,
    token: Signal<'m>,
    peeks: Signal<'m>,
) -> Signal<'m> {
    if peeks.width() == 0 { lookup } else { lookup | token & m.delay("peeks", peeks) }
}

/// `value` unless a stored word is `corrupt`, then zero.
#[track_caller]
pub(crate) fn unless_corrupt<'m>(value: Signal<'m>, corrupt: Signal<'m>) -> Signal<'m> {
    if corrupt.width() == 0 { value } else { value.gated_by(!corrupt) }
}

/// `then` if a stored word is `corrupt`.
#[track_caller]
pub(crate) fn if_corrupt<'m>(corrupt: Signal<'m>, then: Signal<'m>, otherwise: Signal<'m>) -> Signal<'m> {
    if corrupt.width() == 0 { otherwise } else { corrupt.select(then, otherwise) }
}

impl Widths {
    /// Width of the bit that says that a stored word is corrupt: none without protection.
    pub fn corrupt(&self) -> u32 {
        u32::from(self.config.protection != Protection::None)
    }

    /// Field widths of [`Check`] for places of `place_bits` bits.
    pub fn check(&self, place_bits: u32) -> Vec<u32> {
        match self.config.protection {
            Protection::None => vec![0, 0, 0],
            Protection::Parity => vec![0, 1, 0],
            Protection::Secded => vec![1, 1, place_bits],
        }
    }

    /// A place as [`Check`] has it: only a word that can be corrected is worth its place.
    pub(crate) fn check_place<'m>(&self, place: Signal<'m>) -> Signal<'m> {
        place.low(self.check(place.width())[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_tell_every_single_flip_from_every_double_one() {
        for bits in 1..=300 {
            let rows = Protection::Secded.check_bits(bits);
            let columns = columns(bits, rows);
            assert_eq!(columns.len(), bits as usize, "there are enough for {bits} bits");
            let mut all: Vec<u32> = columns.into_iter().chain((0..rows).map(|row| 1 << row)).collect();
            assert!(all.iter().all(|column| column.count_ones() % 2 == 1 && column >> rows == 0));
            all.sort_unstable();
            all.dedup();
            // Distinct and odd: the sum of two is even and not zero, so no column.
            assert_eq!(all.len() as u32, bits + rows, "{bits} bits: no two share a column");
        }
    }

    #[test]
    fn rows_share_the_bits_out() {
        // A full word of 221 bits: no check bit has a parity over more than three levels of 6-input LUTs.
        let rows = Protection::Secded.check_bits(221);
        let columns = columns(221, rows);
        let longest =
            (0..rows).map(|row| columns.iter().filter(|column| *column >> row & 1 == 1).count()).max();
        assert!(longest < Some(6 * 6 * 6), "{longest:?}");
    }
}
