//! Check bits worked out a second time.

use stagecoach_hdl::BigUint;
use stagecoach_spec::Protection;

/// A word of `bits` bits with its check bits, as the page of `protect` describes them.
pub fn coded(protection: Protection, bits: u32, word: &BigUint) -> BigUint {
    let set: Vec<u32> = (0..bits).filter(|bit| word.bit(u64::from(*bit))).collect();
    let check = match protection {
        Protection::None => 0,
        Protection::Parity => set.len() as u32 % 2,
        Protection::Secded => {
            let rows = protection.check_bits(bits);
            let mut columns: Vec<u32> =
                (0..1 << rows).filter(|c: &u32| c.count_ones() % 2 == 1 && c.count_ones() > 1).collect();
            columns.sort_by_key(|column| (column.count_ones(), *column));
            set.into_iter().fold(0, |sum, bit| sum ^ columns[bit as usize])
        }
    };
    word | BigUint::from(check) << bits
}
