//! Several machines' events and requests in time order.

use std::iter::Peekable;
use std::slice;

use crate::events::Event;
use crate::verdict::Request;
use crate::vm::Vm;

/// What comes in with a stamp.
pub trait Stamped {
    /// Nanoseconds since 1970.
    fn time_ns(&self) -> u64;
}

impl Stamped for Request {
    fn time_ns(&self) -> u64 {
        self.time_ns
    }
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a, R = Request> {
    /// The machine's registrations change.
    Event(&'a Event),
    /// A request comes in, or whatever was captured.
    Request(&'a R),
}

/// Something that happens at a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment<'a, R = Request> {
    /// Index of the machine.
    pub vm: usize,
    /// Nanoseconds since 1970.
    pub time_ns: u64,
    /// What happens.
    pub item: Item<'a, R>,
}

/// Merges machines in time order. At one time all events come before all requests, and of
/// equals the machine with the lower index first. A machine's own order is that of its files:
/// where a capture's stamps run backwards, a request counts as late as the latest before it.
pub struct Timeline<'a, R = Request> {
    streams: Vec<Stream<'a, R>>,
}

struct Stream<'a, R> {
    events: Peekable<slice::Iter<'a, Event>>,
    requests: Peekable<slice::Iter<'a, R>>,
    latest_ns: u64,
}

impl<'a> Timeline<'a> {
    /// Starts at the beginning of all machines.
    pub fn new(vms: &'a [Vm]) -> Timeline<'a> {
        Timeline::merge(vms.iter().map(|vm| (vm.log.events.as_slice(), vm.requests.as_slice())))
    }
}

impl<'a, R> Timeline<'a, R> {
    /// Starts at the beginning of machines' events, and of what came in to each.
    pub fn merge(machines: impl IntoIterator<Item = (&'a [Event], &'a [R])>) -> Timeline<'a, R> {
        let streams = machines.into_iter().map(|(events, requests)| Stream {
            events: events.iter().peekable(),
            requests: requests.iter().peekable(),
            latest_ns: 0,
        });
        Timeline { streams: streams.collect() }
    }
}

impl<'a, R: Stamped> Iterator for Timeline<'a, R> {
    type Item = Moment<'a, R>;

    fn next(&mut self) -> Option<Moment<'a, R>> {
        // (time, request?, machine): the order in which things happen.
        let mut first: Option<(u64, bool, usize)> = None;
        for (vm, stream) in self.streams.iter_mut().enumerate() {
            let event = stream.events.peek().map(|event| (event.time_ns, false, vm));
            let latest = stream.latest_ns;
            let request = stream.requests.peek().map(|request| (request.time_ns().max(latest), true, vm));
            for next in [event, request].into_iter().flatten() {
                first = Some(first.map_or(next, |best| best.min(next)));
            }
        }
        let (time_ns, is_request, vm) = first?;
        let stream = &mut self.streams[vm];
        let item = if is_request {
            stream.latest_ns = time_ns;
            Item::Request(stream.requests.next()?)
        } else {
            Item::Event(stream.events.next()?)
        };
        Some(Moment { vm, time_ns, item })
    }
}
