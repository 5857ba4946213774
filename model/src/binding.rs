//! Which table an identifier names, also when bits of the CAM were flipped.
//!
//! The CAM compares codes: an entry answers when its code differs from the wanted identifier's in no more bits than can
//! be corrected, and an entry that differs in one bit more makes the answer uncertain, unless another answers.

use crate::Golden;
use crate::cam::entries_for;
use crate::protection::{Reading, Word};
use stagecoach_spec::{NetId, Protection};
use std::collections::BTreeSet;

/// What an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Nothing,
    Table(u16),
    /// An entry may be the one, but fails its check.
    Corrupt,
}

pub(crate) fn find(golden: &mut Golden, net_id: NetId) -> Named {
    let config = &golden.config;
    // An entry is two codes: the identifier's, and above it that of the table's number.
    let identifier_bits = config.protection.coded_bits(config.net_id_bits + 1);
    let split = |flipped: &BTreeSet<u16>| {
        let identifier = flipped.iter().filter(|bit| u32::from(**bit) < identifier_bits).count();
        [identifier, flipped.len() - identifier]
    };

    if let Some((entry, table)) = golden.tables.binding_of(net_id) {
        let word = Word::Binding(entry);
        let flipped = split(&golden.flips.of(word));
        return match golden.flips.judge(word, flipped) {
            Reading::Right => Named::Table(table),
            Reading::Corrupt => Named::Corrupt,
        };
    }

    // Codes of secded differ in four bits at least: after one flip no foreign identifier is near (and after two, which
    // one is depends on the code's layout, so no test asks for that). Codes of parity differ in two, so after one flip
    // many are.
    let near = match config.protection {
        Protection::None | Protection::Secded => false,
        Protection::Parity => entries_for(golden, net_id).into_iter().any(|entry| {
            let flipped = golden.flips.of(Word::Binding(entry));
            if flipped.is_empty() {
                return false;
            }
            let bound = golden.tables.bindings.get(&entry).map(|(bound, _)| *bound);
            let mut stored = parity_code(config.net_id_bits, bound);
            for bit in flipped {
                if u32::from(bit) < identifier_bits && !stored.remove(&bit) {
                    stored.insert(bit);
                }
            }
            let wanted = parity_code(config.net_id_bits, Some(net_id));
            stored.symmetric_difference(&wanted).count() == 1
        }),
    };
    if near {
        golden.flips.note_uncorrectable();
        return Named::Corrupt;
    }
    Named::Nothing
}

/// The bits that are 1 in the code of an entry: identifier, valid above it, even parity above both.
fn parity_code(net_id_bits: u32, bound: Option<NetId>) -> BTreeSet<u16> {
    let mut ones = BTreeSet::new();
    let Some(net_id) = bound else { return ones };
    let limbs = net_id.limbs();
    let identifier = (0..net_id_bits).filter(|bit| limbs[*bit as usize / 64] >> (bit % 64) & 1 == 1);
    ones.extend(identifier.chain([net_id_bits]).map(|bit| bit as u16));
    if ones.len() % 2 == 1 {
        ones.insert(net_id_bits as u16 + 1);
    }
    ones
}
