//! Stage `expand`: a queue, and a head that issues a span or a token a cycle.

use std::collections::VecDeque;

use stagecoach_spec::latency::loops::RESPOND_PLACES;

use super::flight::Flight;
use super::places::Places;
use super::traveller::{Issued, Traveller};

/// The queue and the head. A traveller that finds both empty goes to the head at once.
#[derive(Clone, Debug)]
pub(super) struct Expand {
    queue: VecDeque<Traveller>,
    head: Option<Traveller>,
    /// Of the queue in `respond`.
    places: Places,
}

/// What a cycle came to.
pub(super) struct Expanded {
    pub(super) issued: Option<Issued>,
    /// A traveller went from the queue to the head.
    pub(super) loaded: bool,
}

impl Expand {
    pub(super) fn new() -> Expand {
        Expand { queue: VecDeque::new(), head: None, places: Places::new(RESPOND_PLACES) }
    }

    pub(super) fn begin(&mut self, now: u64) {
        self.places.begin(now);
    }

    /// A place of the queue in `respond` is free again.
    pub(super) fn give_back(&mut self, now: u64) {
        self.places.give_back(now);
    }

    pub(super) fn step(&mut self, now: u64, arriving: Option<Traveller>, flight: &mut Flight) -> Expanded {
        let issued = self.issue(now, flight);
        self.queue.extend(arriving);
        let mut loaded = false;
        if self.head.is_none() {
            self.head = self.queue.pop_front();
            loaded = self.head.is_some();
        }
        Expanded { issued, loaded }
    }

    /// A token needs no credit. A span needs one of either kind to be there, though one without bytes takes none of
    /// flight.
    fn issue(&mut self, now: u64, flight: &mut Flight) -> Option<Issued> {
        match &mut self.head {
            None => None,
            Some(Traveller::Token) => {
                self.head = None;
                Some(Issued::Token)
            }
            Some(Traveller::Request(spans)) => {
                if !self.places.any() || !flight.any() {
                    return None;
                }
                let span = spans.pop_front()?;
                if spans.is_empty() {
                    self.head = None;
                }
                self.places.take(now);
                if span.has_bytes {
                    flight.take(now);
                }
                Some(Issued::Span(span))
            }
        }
    }
}
