//! The rules of the ports, checked in every cycle.
//!
//! - Before `init_done` nothing is accepted and nothing comes out; afterwards `init_done` stays.
//! - `rsp_valid` never drops and its payload holds while `rsp_ready` is low.
//! - Beats come only for accepted requests; each request's beats begin with `first` and end with `last`.
//! - Every accepted command gets exactly one `upd_done`, and no other command is accepted before it.

use stagecoach_spec::{Answer, Beat};

use crate::Error;
use crate::pins::{Pins, RawBeat};

/// What the rules remember between cycles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protocol {
    /// The beat that stood at the port unaccepted.
    held: Option<RawBeat>,
    /// The next beat continues a request.
    inside: bool,
    /// Accepted requests whose last beat was not taken.
    in_flight: u64,
    unanswered: bool,
}

impl Protocol {
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    pub(crate) fn unanswered(&self) -> bool {
        self.unanswered
    }

    pub(crate) fn accept_request(&mut self) {
        self.in_flight += 1;
    }

    /// A cycle between reset and `init_done`; gives `init_done`.
    pub(crate) fn check_initialisation(
        &self,
        cycle: u64,
        pins: &Pins,
        outputs: &[u64],
    ) -> Result<bool, Error> {
        let done = pins.initialised(outputs);
        let states = [
            ("req_ready", pins.request_ready(outputs) && !done),
            ("upd_ready", pins.update_ready(outputs) && !done),
            ("rsp_valid", pins.response_valid(outputs)),
            ("upd_done", pins.update_done(outputs)),
        ];
        for (port, high) in states {
            require(!high, cycle, "nothing moves before init_done", || format!("{port} is high"))?;
        }
        Ok(done)
    }

    /// Any later cycle.
    pub(crate) fn check_initialised(&self, cycle: u64, pins: &Pins, outputs: &[u64]) -> Result<(), Error> {
        require(pins.initialised(outputs), cycle, "init_done stays high", || "it dropped".to_owned())
    }

    /// Looks at the response port; gives the beat that is there.
    pub(crate) fn check_response(
        &mut self,
        cycle: u64,
        pins: &Pins,
        outputs: &[u64],
        ready: bool,
    ) -> Result<Option<Beat>, Error> {
        let valid = pins.response_valid(outputs);
        if let Some(held) = self.held {
            require(valid, cycle, "rsp_valid never drops before rsp_ready", || {
                format!("dropped: {held:x?}")
            })?;
            let now = pins.beat(outputs);
            require(now == held, cycle, "the payload holds while valid and not ready", || {
                format!("{held:x?} became {now:x?}")
            })?;
        }
        if !valid {
            return Ok(None);
        }
        let raw = pins.beat(outputs);
        self.held = (!ready).then_some(raw);
        let Some(beat) = raw.decode() else {
            return broken(cycle, "every fault code has a meaning", format!("{raw:x?}"));
        };
        require(self.in_flight > 0, cycle, "beats answer accepted requests", || format!("{beat:x?}"))?;
        require(
            beat.first != self.inside,
            cycle,
            "a request's beats begin with first, end with last",
            || {
                let place =
                    if self.inside { "amid a request's beats" } else { "at the start of a request's beats" };
                format!("first is {} {place}: {beat:x?}", u8::from(beat.first))
            },
        )?;
        if ready {
            self.inside = !beat.last;
            self.in_flight -= u64::from(beat.last);
        }
        Ok(Some(beat))
    }

    /// Looks at the update port; `commanded`: a command is accepted in this cycle.
    pub(crate) fn check_answer(
        &mut self,
        cycle: u64,
        pins: &Pins,
        outputs: &[u64],
        commanded: bool,
    ) -> Result<Option<Answer>, Error> {
        let mut answered = None;
        if pins.update_done(outputs) {
            require(self.unanswered, cycle, "upd_done answers an accepted command, once", || {
                "there is none".to_owned()
            })?;
            self.unanswered = false;
            match pins.answer(outputs) {
                Ok(answer) => answered = Some(answer),
                Err((code, result)) => {
                    let details = format!("upd_error {code}, upd_result {result:#x}");
                    return broken(cycle, "an error has a known code and no result", details);
                }
            }
        }
        if commanded {
            require(!self.unanswered, cycle, "one update at a time", || {
                "a command is accepted before the last is answered".to_owned()
            })?;
            self.unanswered = true;
        }
        Ok(answered)
    }
}

fn require(
    holds: bool,
    cycle: u64,
    rule: &'static str,
    details: impl FnOnce() -> String,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Protocol { cycle, rule, details: details() }) }
}

fn broken<T>(cycle: u64, rule: &'static str, details: String) -> Result<T, Error> {
    Err(Error::Protocol { cycle, rule, details })
}
