//! Channels of valid and ready, from either side, with AMBA's rules checked: what is offered stays, unchanged, until it is
//! taken.

use std::collections::VecDeque;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::ports::Ports;
use crate::Error;

/// What travels in a cycle: by the names of the fields, in the order of the channel.
pub type Beat = Vec<Vec<u64>>;

/// The names of a channel's ports.
#[derive(Clone, Debug)]
struct Names {
    channel: &'static str,
    valid: String,
    ready: String,
    fields: Vec<String>,
}

impl Names {
    fn of(channel: &'static str, fields: &[&str]) -> Names {
        // AXI4-Stream's ports are called `tvalid`, the other channels' `valid`.
        let stream = if channel.contains("_axis_") { "_t" } else { "" };
        Names {
            channel,
            valid: format!("{channel}{stream}valid"),
            ready: format!("{channel}{stream}ready"),
            fields: fields.iter().map(|field| format!("{channel}{stream}{field}")).collect(),
        }
    }
}

/// The side that sends.
#[derive(Clone, Debug)]
pub struct Source {
    names: Names,
    waiting: VecDeque<Beat>,
    offers: bool,
    /// How often something is offered that waits, in percent of the cycles.
    pub willing: u32,
    /// Beats that were taken.
    pub taken: u64,
}

impl Source {
    /// Nothing waits. `fields` as in the ports' names, without prefix.
    pub fn new(channel: &'static str, fields: &[&str]) -> Source {
        Source {
            names: Names::of(channel, fields),
            waiting: VecDeque::new(),
            offers: false,
            willing: 100,
            taken: 0,
        }
    }

    /// Sends a beat when it is its turn.
    pub fn send(&mut self, beat: Beat) {
        self.waiting.push_back(beat);
    }

    /// Whether all was taken.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sets the inputs of a cycle.
    pub fn before(&mut self, ports: &mut Ports, random: &mut ChaCha8Rng) {
        self.offers |= random.random_range(0..100) < self.willing && !self.waiting.is_empty();
        ports.set(&self.names.valid, self.offers.into());
        for (place, field) in self.names.fields.iter().enumerate() {
            // Payload means nothing while it is not valid.
            let noise = [random.random::<u64>()];
            match self.waiting.front().filter(|_| self.offers) {
                Some(beat) => ports.set_wide(field, &beat[place]),
                None if field.ends_with("data") => ports.set_wide(field, &noise),
                None => ports.set(field, 0),
            }
        }
    }

    /// Looks at the outputs of the cycle; whether a beat was taken.
    pub fn after(&mut self, ports: &Ports) -> bool {
        let taken = self.offers && ports.get(&self.names.ready) == 1;
        if taken {
            self.waiting.pop_front();
            self.offers = false;
            self.taken += 1;
        }
        taken
    }
}

/// The side that receives.
#[derive(Clone, Debug)]
pub struct Sink {
    names: Names,
    ready: bool,
    pending: Option<Beat>,
    /// How often it is ready, in percent of the cycles.
    pub willing: u32,
    /// Beats that were taken.
    pub taken: u64,
}

impl Sink {
    /// Always ready.
    pub fn new(channel: &'static str, fields: &[&str]) -> Sink {
        Sink { names: Names::of(channel, fields), ready: false, pending: None, willing: 100, taken: 0 }
    }

    /// Sets the inputs of a cycle.
    pub fn before(&mut self, ports: &mut Ports, random: &mut ChaCha8Rng) {
        self.ready = random.random_range(0..100) < self.willing;
        ports.set(&self.names.ready, self.ready.into());
    }

    /// Looks at the outputs of the cycle; gives a beat that was taken.
    ///
    /// # Errors
    /// A beat that was offered is gone or changed.
    pub fn after(&mut self, ports: &Ports, cycle: u64) -> Result<Option<Beat>, Error> {
        let valid = ports.get(&self.names.valid) == 1;
        let beat: Option<Beat> =
            valid.then(|| self.names.fields.iter().map(|field| ports.get_wide(field)).collect());
        if let Some(pending) = self.pending.take()
            && beat.as_ref() != Some(&pending)
        {
            let details = format!("{}: {pending:x?} became {beat:x?}", self.names.channel);
            return Err(Error::Protocol {
                cycle,
                rule: "what is valid stays unchanged until it is ready",
                details,
            });
        }
        match beat {
            Some(beat) if self.ready => {
                self.taken += 1;
                Ok(Some(beat))
            }
            other => {
                self.pending = other;
                Ok(None)
            }
        }
    }
}
