//! What holds travellers back, and how fast it lets go: queues with credits, spans in flight, fences.
//!
//! "Cycles from A to B" is the number of the cycle of B less that of A.

/// Travellers between the request port and the end of the queue before `expand`: so many credits, one for each.
pub const EXPAND_PLACES: u32 = 32;

/// Beats between `expand` and the end of the queue in `respond`: so many credits, one for each span that is issued.
pub const RESPOND_PLACES: u32 = 16;

/// Cycles from a traveller's last in a queue to the cycle in which its sender may use the place again.
pub const PLACE_RETURN_CYCLES: u32 = 4;

/// Cycles from a traveller that takes a place to the cycle in which its sender has counted it. The sender sends only while
/// it counts as many places or more: those that it has not counted yet may be taken.
pub const PLACE_TAKE_CYCLES: u32 = 3;

/// Cycles from a retirement at the port to the cycle in which `expand` may issue a span in its place.
pub const FLIGHT_RETURN_CYCLES: u32 = 4;

/// Cycles from a span that takes a flight credit to the cycle in which that is counted. While as many credits or more are
/// counted, spans are issued in a row; of fewer, one at a time, when all that were taken are counted.
pub const FLIGHT_TAKE_CYCLES: u32 = 4;

/// Cycles from the cycle in which `respond` finds that a span is absent, corrupt or dropped (the last but one of the
/// stage) to the cycle in which `expand` may issue another in its place.
pub const FLIGHT_UNUSED_CYCLES: u32 = 4;

/// Cycles from the last but one of stage `respond` to the cycle in which a beat counts as formed.
pub const FORMED_CYCLES: u32 = 1;

/// Cycles from a beat without bytes that is taken to the cycle in which it counts as over.
pub const LEFT_CYCLES: u32 = 1;

/// Cycles from a retirement at the port to the cycle in which the span counts as over: every harvest that is still to
/// come has its dirty bit.
pub const RETIRED_CYCLES: u32 = 12;

/// Cycles from a beat that counts as formed or over to the cycle in which a fence knows.
pub const FENCE_CYCLES: u32 = 16;

/// Cycles from a token's last but one in stage `respond` to the cycle in which its update hears that it is through:
/// it is formed like a beat, then passes the counters, which it may read.
pub const TOKEN_THROUGH_CYCLES: u32 = FORMED_CYCLES + 13;
