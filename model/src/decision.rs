//! The decision table of the specification (section 2), row by row. The first row that applies is the answer.

use crate::Golden;
use crate::binding::{self, Named};
use crate::protection::{Reading, Word};
use stagecoach_spec::{Fault, Op, Region, Request, Slices};

/// Whose request it is: what every beat of it says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owner {
    pub(crate) table: u16,
    pub(crate) epoch: bool,
}

/// What the rows before translation say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// A fault, in one beat.
    Refused { owner: Owner, fault: Fault },
    /// Granted without a look at the key, because no byte is meant.
    Unchecked { owner: Owner },
    /// The access lies in this region; what remains is whether its pages are present.
    InRegion { owner: Owner, slices: Slices, region: Region },
}

/// 2^64: the end of virtual addresses.
const ADDRESSES: u128 = 1 << 64;

/// The largest bound: InfiniBand's largest message.
const LARGEST_BOUND: u32 = 1 << 31;

pub(crate) fn decide(golden: &mut Golden, request: &Request) -> Verdict {
    // 1 UNKNOWN_NETWORK: no binding for net_id.
    // 10 TABLE_CORRUPT, as in every row that reads a stored word: the word fails its check.
    let nobody = |fault| Verdict::Refused { owner: Owner::default(), fault };
    let table = match binding::find(golden, request.net_id) {
        Named::Nothing => return nobody(Fault::UnknownNetwork),
        Named::Corrupt => return nobody(Fault::TableCorrupt),
        Named::Table(table) => table,
    };
    if golden.flips.read(Word::Table(table)) == Reading::Corrupt {
        // The epoch is in the word.
        return Verdict::Refused { owner: Owner { table, epoch: false }, fault: Fault::TableCorrupt };
    }
    // A bound table exists: only unbound tables can be taken away.
    let Some(state) = golden.tables.tables.get(&table).copied() else {
        return nobody(Fault::UnknownNetwork);
    };
    let owner = Owner { table, epoch: state.epoch };
    let refused = |fault| Verdict::Refused { owner, fault };

    // 2 FROZEN: its table is frozen.
    if state.frozen {
        return refused(Fault::Frozen);
    }

    // 11 INVALID_REQUEST: op 5..7, length > max_request_bytes, bound < length, or bound > 2^31.
    if !request.op.is_valid()
        || request.length > golden.config.max_request_bytes
        || request.bound < request.length
        || request.bound > LARGEST_BOUND
    {
        return refused(Fault::InvalidRequest);
    }

    // 0 GRANTED: bound = 0 and not an atomic: no key check.
    let atomic = request.op == Op::RemoteAtomic;
    if request.bound == 0 && !atomic {
        return Verdict::Unchecked { owner };
    }

    // 3 INVALID_KEY: index outside the slice, region not valid, or variant differs.
    let slices = state.slices;
    if request.key_index() >= slices.region_count {
        return refused(Fault::InvalidKey);
    }
    if golden.flips.read(Word::Region(slices.region_base + request.key_index())) == Reading::Corrupt {
        return refused(Fault::TableCorrupt);
    }
    let Some(installed) = golden.tables.regions.get(table, request.key_index()) else {
        return refused(Fault::InvalidKey);
    };
    if installed.variant != request.key_variant() {
        return refused(Fault::InvalidKey);
    }
    let region = installed.region;

    // 4 PROTECTION_DOMAIN: pd differs from the region's.
    if request.pd != region.pd {
        return refused(Fault::ProtectionDomain);
    }

    // 5 ACCESS_RIGHTS: a right is missing.
    if !region.rights.contains(request.op.needed_access()) {
        return refused(Fault::AccessRights);
    }

    // 6 ADDRESS_WRAP: va + bound exceeds 2^64.
    let va = u128::from(request.va);
    let bound = u128::from(request.bound);
    if va + bound > ADDRESSES {
        return refused(Fault::AddressWrap);
    }

    // 7 OUT_OF_BOUNDS: not (va >= base and va - base <= length and bound <= length - (va - base)).
    let base = u128::from(region.base);
    let length = u128::from(region.length);
    if !(va >= base && va - base <= length && bound <= length - (va - base)) {
        return refused(Fault::OutOfBounds);
    }

    // 8 MISALIGNED_ATOMIC: atomic whose position mod 8 is not 0, or length is not 8.
    let position = va - base + u128::from(region.first_offset);
    if atomic && (position % 8 != 0 || request.length != 8) {
        return refused(Fault::MisalignedAtomic);
    }

    // 9 PAGE_ABSENT, 10 TABLE_CORRUPT of a slot and 0 GRANTED are said per span.
    Verdict::InRegion { owner, slices, region }
}
