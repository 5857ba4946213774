//! Bins that no request can hit, with the reason.

use stagecoach_spec::{Fault, Op, Protection};

use super::bin::{Bin, PageSize, Position};

/// A reason, and the bins that it makes impossible.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Why none of them can be hit.
    pub reason: &'static str,
    holds: fn(&Bin) -> bool,
}

impl Rule {
    /// Whether a bin is impossible for this reason.
    pub fn excludes(&self, bin: &Bin) -> bool {
        (self.holds)(bin)
    }
}

/// The first rule that makes a bin impossible.
pub fn why_impossible(bin: &Bin) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.excludes(bin))
}

/// Every rule. A bin that none excludes must be hit.
pub const RULES: &[Rule] = &[
    Rule {
        reason: "BUS_ERROR and PAYLOAD_LENGTH are given by the processing unit behind the mapping unit",
        holds: |bin| bin.fault.is_of_processing_unit(),
    },
    Rule {
        reason: "nothing is found corrupt where there are no check bits",
        holds: |bin| bin.fault == Fault::TableCorrupt && bin.protection == Protection::None,
    },
    Rule {
        reason: "page size and position are those of one region: there are both or neither",
        holds: |bin| (bin.page_size == PageSize::None) != (bin.position == Position::None),
    },
    Rule {
        reason: "settled before a region is read, or because there is none",
        holds: |bin| {
            let without = matches!(
                bin.fault,
                Fault::UnknownNetwork | Fault::Frozen | Fault::InvalidRequest | Fault::InvalidKey
            );
            without && has_region(bin)
        },
    },
    Rule {
        reason: "says something about a region, so one was read",
        holds: |bin| speaks_of_region(bin.fault) && !has_region(bin),
    },
    Rule {
        reason: "a reserved op is answered INVALID_REQUEST before its key is looked at",
        holds: |bin| {
            let later =
                matches!(bin.fault, Fault::Granted | Fault::InvalidKey) || speaks_of_region(bin.fault);
            !bin.op.is_valid() && (later || has_region(bin))
        },
    },
    Rule {
        reason: "an atomic is held against its region even when its bound is 0",
        holds: |bin| bin.fault == Fault::Granted && is_atomic(bin) && !has_region(bin),
    },
    Rule {
        reason: "an access that wraps or is out of bounds does not lie in the region",
        holds: |bin| is_outside_fault(bin.fault) && bin.position != Position::Outside,
    },
    Rule {
        reason: "an access outside its region is answered ADDRESS_WRAP or OUT_OF_BOUNDS before anything later",
        holds: |bin| is_judged_inside(bin) && bin.position == Position::Outside,
    },
    Rule {
        reason: "a local read needs no right",
        holds: |bin| bin.fault == Fault::AccessRights && bin.op == Op::LocalRead,
    },
    Rule {
        reason: "only an atomic can be misaligned",
        holds: |bin| bin.fault == Fault::MisalignedAtomic && !is_atomic(bin),
    },
    Rule {
        reason: "the borders of 4 KiB pages are borders of pages",
        holds: |bin| bin.page_size == PageSize::Smallest && bin.position == Position::CrossesFrame,
    },
    Rule {
        reason: "an access without bytes reads no slot",
        holds: |bin| {
            let of_slot = matches!(bin.fault, Fault::PageAbsent | Fault::TableCorrupt);
            of_slot && bin.position == Position::WithoutBytes
        },
    },
    Rule {
        reason: "an atomic that is not misaligned has 8 bytes at a multiple of 8, which cross nothing",
        holds: |bin| {
            let aligned = matches!(bin.fault, Fault::Granted | Fault::PageAbsent | Fault::TableCorrupt);
            let impossible = matches!(
                bin.position,
                Position::WithoutBytes | Position::CrossesFrame | Position::CrossesPage
            );
            is_atomic(bin) && aligned && impossible
        },
    },
];

fn has_region(bin: &Bin) -> bool {
    bin.page_size != PageSize::None
}

fn is_atomic(bin: &Bin) -> bool {
    bin.op == Op::RemoteAtomic
}

fn is_outside_fault(fault: Fault) -> bool {
    matches!(fault, Fault::AddressWrap | Fault::OutOfBounds)
}

/// Rows of the decision table that follow OUT_OF_BOUNDS.
fn is_judged_inside(bin: &Bin) -> bool {
    let later = matches!(
        bin.fault,
        Fault::Granted | Fault::MisalignedAtomic | Fault::PageAbsent | Fault::TableCorrupt
    );
    later && has_region(bin)
}

fn speaks_of_region(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::ProtectionDomain
            | Fault::AccessRights
            | Fault::AddressWrap
            | Fault::OutOfBounds
            | Fault::MisalignedAtomic
            | Fault::PageAbsent
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Stall;

    #[test]
    fn every_rule_excludes_something_that_no_other_does() {
        for (number, rule) in RULES.iter().enumerate() {
            let others = || RULES.iter().enumerate().filter(|(other, _)| *other != number);
            let alone =
                Bin::all().any(|bin| rule.excludes(&bin) && !others().any(|(_, other)| other.excludes(&bin)));
            assert!(alone, "superfluous: {}", rule.reason);
        }
    }

    #[test]
    fn what_is_everyday_is_possible() {
        let granted = Bin {
            fault: Fault::Granted,
            op: Op::RemoteWrite,
            page_size: PageSize::Largest,
            position: Position::CrossesFrame,
            stall: Stall::Free,
            protection: Protection::Secded,
        };
        let possible = |bin: Bin| why_impossible(&bin).is_none();
        assert!(possible(granted));
        assert!(possible(Bin { page_size: PageSize::None, position: Position::None, ..granted }));
        assert!(possible(Bin { fault: Fault::TableCorrupt, ..granted }));
        assert!(!possible(Bin { fault: Fault::TableCorrupt, protection: Protection::None, ..granted }));
        assert!(possible(Bin { fault: Fault::OutOfBounds, position: Position::Outside, ..granted }));
        for fault in [Fault::UnknownNetwork, Fault::Frozen, Fault::InvalidRequest, Fault::TableCorrupt] {
            let (page_size, position) = (PageSize::None, Position::None);
            assert!(possible(Bin { fault, op: Op::Reserved6, page_size, position, ..granted }));
        }
    }
}
