//! The decision table, first as one question that nearly every request answers with yes, then row by row.

use super::Named;
use super::stored::StoredRegion;
use stagecoach_spec::{Fault, Op, Request};

/// The largest bound.
const LARGEST_BOUND: u32 = 1 << 31;

/// Whether the request has bytes and every row before translation grants it.
///
/// The conditions are joined without a jump between them: no processor guesses wrong at the first that fails.
#[inline]
pub(super) fn grants_bytes(
    named: &Named,
    region: &StoredRegion,
    request: &Request,
    max_request_bytes: u32,
) -> bool {
    let Request { pd, op, va, length, bound, .. } = *request;
    let offset = va.wrapping_sub(region.base);
    let position = region.position(va);
    let atomic = op == Op::RemoteAtomic;
    // A table that is not named has no region, so nothing is allowed. An access that ends in a region does not wrap:
    // neither does the region. Nor can it begin before the region, for the end of that would lie beyond 2^64.
    named.open
        & region.is(request.key_variant())
        & region.allows(op)
        & (pd == region.pd)
        & (length != 0)
        & (length <= max_request_bytes)
        & (length <= bound)
        & (bound <= LARGEST_BOUND)
        & (offset <= region.length)
        & (u64::from(bound) <= region.length.wrapping_sub(offset))
        & (!atomic | (position.is_multiple_of(8) & (length == 8)))
}

/// What refuses a request that [`grants_bytes`] does not grant, or [`Fault::Granted`] where no byte is meant: the rows
/// in their order.
#[cold]
pub(super) fn verdict_without_bytes(
    named: &Named,
    region: &StoredRegion,
    request: &Request,
    max_request_bytes: u32,
) -> Fault {
    let Request { op, va, length, bound, .. } = *request;
    if !named.known {
        return Fault::UnknownNetwork;
    }
    if !named.open {
        return Fault::Frozen;
    }
    if !op.is_valid() || length > max_request_bytes || bound < length || bound > LARGEST_BOUND {
        return Fault::InvalidRequest;
    }
    if bound == 0 && op != Op::RemoteAtomic {
        return Fault::Granted;
    }
    if !region.is(request.key_variant()) {
        return Fault::InvalidKey;
    }
    if request.pd != region.pd {
        return Fault::ProtectionDomain;
    }
    if !region.allows(op) {
        return Fault::AccessRights;
    }
    let (end, wrapped) = va.overflowing_add(bound.into());
    if wrapped && end != 0 {
        return Fault::AddressWrap;
    }
    let offset = va.wrapping_sub(region.base);
    if va < region.base || offset > region.length || u64::from(bound) > region.length - offset {
        return Fault::OutOfBounds;
    }
    if op == Op::RemoteAtomic && (!region.position(va).is_multiple_of(8) || length != 8) {
        return Fault::MisalignedAtomic;
    }
    Fault::Granted
}
