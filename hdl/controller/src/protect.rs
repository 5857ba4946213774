//! Check bits of stored words: a stand-in. Parity is right; secded only detects.

use stagecoach_hdl::{ModuleBuilder, Signal};
use stagecoach_spec::Protection;

use crate::widths::Widths;

/// A word that was checked.
#[derive(Clone, Copy)]
pub struct Checked<'m> {
    /// The word without its check bits.
    pub word: Signal<'m>,
    /// One bit was flipped, and is right again.
    pub corrected: Signal<'m>,
    /// It cannot be used.
    pub uncorrectable: Signal<'m>,
}

/// The word with its check bits above.
pub fn encode<'m>(w: &Widths, word: Signal<'m>) -> Signal<'m> {
    let check_bits = w.coded(word.width()) - word.width();
    let m = word.builder();
    match w.config.protection {
        Protection::None => word,
        _ => m.concat(&[word.parity().zero_extend(check_bits), word]),
    }
}

/// Checks a word in [`Widths::check_cycles`] cycles. `name` begins the registers' names.
pub fn check<'m>(m: &'m ModuleBuilder, w: &Widths, name: &str, coded: Signal<'m>) -> Checked<'m> {
    let mut bits = coded.width();
    while w.coded(bits) > coded.width() {
        bits -= 1;
    }
    if w.config.protection == Protection::None {
        return Checked { word: coded, corrected: m.zero(1), uncorrectable: m.zero(1) };
    }
    let (mut word, mut odd) = (coded.low(bits), coded.parity());
    for cycle in 1..=w.check_cycles() {
        word = m.delay(&format!("{name}_word{cycle}"), word);
        odd = m.delay(&format!("{name}_odd{cycle}"), odd);
    }
    Checked { word, corrected: m.zero(1), uncorrectable: odd }
}
