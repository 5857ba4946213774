//! Plays a machine's events into its table and asks for its requests, on any engine.
//!
//! A message longer than a request may be is asked for in pieces: the first piece's `bound` is the whole message, as
//! its RETH says, so that a message that does not fit is refused before anything moves; later pieces are bound to
//! their own length. The first piece that is not granted ends the message.

use stagecoach_captures::{Event, Registrations, Request as Captured};
use stagecoach_spec::{Answer, Config, Fault, Request, Update};

use super::engine::Engine;
use super::plan::{Plan, Table};
use crate::Error;

/// The answer to one captured request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The first fault of any piece, or granted.
    pub fault: Fault,
    /// Physical address and bytes of every granted span, in order.
    pub spans: Vec<(u64, u32)>,
    /// Cycles from request to first beat, per piece; nothing from an engine without a clock.
    pub latencies: Vec<u64>,
    /// Pieces asked for.
    pub lookups: u64,
}

/// What has tables: changes of them are what events become.
pub trait Tables {
    /// Its name in errors.
    fn name(&self) -> &'static str;

    /// Makes an update and waits for its answer.
    ///
    /// # Errors
    /// It failed, or broke a rule of its ports.
    fn update(&mut self, update: &Update) -> Result<Answer, Error>;
}

/// A machine and the state of its table.
pub struct Player {
    name: String,
    table: Table,
    registrations: Registrations,
    no_pd: u32,
    tag: u32,
}

impl Player {
    /// A machine with a table that is not set yet. `name` names it in errors.
    pub fn new(name: &str, table: Table, plan: &Plan) -> Player {
        Player {
            name: name.to_owned(),
            table,
            registrations: Registrations::new(table.slices.slot_count.into()),
            no_pd: plan.no_pd,
            tag: 0,
        }
    }

    /// Sets and binds the table.
    ///
    /// # Errors
    /// The engine refuses; it must be fresh from reset.
    pub fn begin(&self, engine: &mut impl Tables) -> Result<(), Error> {
        let Table { number: table, net_id, slices } = self.table;
        self.update(engine, "start", &Update::SetTable { table, slices })?;
        self.update(engine, "start", &Update::Bind { table, net_id })
    }

    /// Plays an event.
    ///
    /// # Errors
    /// The engine refuses an update.
    pub fn event(&mut self, engine: &mut impl Tables, event: &Event) -> Result<(), Error> {
        let place = format!("events line {}", event.line);
        let changes = self.registrations.changes(event).map_err(|error| {
            // The slice was sized with the same allocator and the same events.
            let problem = format!("{}, {place}: {error}", self.name);
            Error::Engine { engine: engine.name(), problem }
        })?;
        let Table { number, slices, .. } = self.table;
        for change in changes {
            if let Some(update) = change.update(number, |page| slices.window_base + page) {
                self.update(engine, &place, &update)?;
            }
        }
        Ok(())
    }

    fn update(&self, engine: &mut impl Tables, place: &str, update: &Update) -> Result<(), Error> {
        match engine.update(update)? {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::Refused {
                place: format!("{}, {place}", self.name),
                update: format!("{update:?}"),
                source,
            }),
        }
    }

    /// The protection domain of a queue pair; of one that no event told of, one that reaches nothing.
    pub fn protection_domain(&self, qpn: u32) -> u32 {
        self.registrations.protection_domain(qpn).unwrap_or(self.no_pd)
    }

    /// Its table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// What it is called in errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a captured request.
    ///
    /// # Errors
    /// The engine fails, or answers what cannot be an answer to the request.
    pub fn request(
        &mut self,
        engine: &mut Engine,
        config: &Config,
        captured: &Captured,
    ) -> Result<Answered, Error> {
        let header = captured.header;
        let pd = self.protection_domain(captured.qpn);
        let mut answered =
            Answered { fault: Fault::Granted, spans: Vec::new(), latencies: Vec::new(), lookups: 0 };
        let mut done = 0;
        loop {
            let length = (header.length - done).min(config.max_request_bytes);
            let request = Request {
                net_id: self.table.net_id,
                key: header.key,
                pd,
                op: header.op.op(),
                // A message that runs past 2^64 is refused at its first piece.
                va: header.va.wrapping_add(done.into()),
                length,
                bound: if done == 0 { header.length } else { length },
                stream: low_bits(captured.qpn, config.stream_bits),
                tag: low_bits(self.tag, config.tag_bits),
            };
            self.tag = self.tag.wrapping_add(1);
            let found = engine.request(&request)?;
            self.check(engine, captured, &request, &found.beats)?;
            answered.lookups += 1;
            answered.latencies.extend(found.latency);
            let granted = found.beats.iter().filter(|beat| beat.fault == Fault::Granted && beat.span > 0);
            answered.spans.extend(granted.map(|beat| (beat.pa, beat.span)));
            done += length;
            let fault = found.beats.last().map_or(Fault::Granted, |beat| beat.fault);
            if fault != Fault::Granted || done >= header.length {
                answered.fault = fault;
                return Ok(answered);
            }
        }
    }

    /// Whether the beats belong to the request: its tag, stream and table; one first, one last; its bytes if granted.
    fn check(
        &self,
        engine: &Engine,
        captured: &Captured,
        request: &Request,
        beats: &[stagecoach_spec::Beat],
    ) -> Result<(), Error> {
        let last = beats.len().saturating_sub(1);
        let in_order = beats.iter().enumerate().all(|(place, beat)| {
            (beat.first, beat.last) == (place == 0, place == last)
                && (beat.tag, beat.stream) == (request.tag, request.stream)
                && (beat.table == self.table.number || beat.fault == Fault::UnknownNetwork)
        });
        let bytes: u64 = beats.iter().map(|beat| u64::from(beat.span)).sum();
        let granted = beats.last().is_some_and(|beat| beat.fault == Fault::Granted);
        if !beats.is_empty() && in_order && (!granted || bytes == u64::from(request.length)) {
            return Ok(());
        }
        let place = format!("{}, packet {} of the capture", self.name, captured.packet);
        let problem = format!("{place}: asked {request:?}, got {beats:?}; please report it with the capture");
        Err(Error::Engine { engine: engine.name(), problem })
    }
}

/// What fits a field that is only handed through.
fn low_bits(value: u32, bits: u32) -> u32 {
    value & 1u32.checked_shl(bits).map_or(u32::MAX, |limit| limit - 1)
}

#[cfg(test)]
mod tests {
    use super::low_bits;

    #[test]
    fn a_field_takes_its_low_bits() {
        let taken: Vec<u32> = [0, 8, 31, 32].map(|bits| low_bits(0xffff_1234, bits)).into();
        assert_eq!(taken, [0, 0x34, 0x7fff_1234, 0xffff_1234]);
    }
}
