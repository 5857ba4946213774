//! From `expand` to the response port: the slots are read, spans behind an absent page dropped, beats wait until they are
//! taken.

use std::collections::VecDeque;

use stagecoach_spec::latency::loops::TOKEN_THROUGH_CYCLES;
use stagecoach_spec::{Beat, Stages};

use super::delay::Delay;
use super::fences::Fences;
use super::flight::Flight;
use super::traveller::{Issued, Span};

/// The stages `slot` and `respond`, and what a token passes behind them.
#[derive(Clone, Debug)]
pub(super) struct Back {
    /// To the last but one cycle of `respond`, where the beat is formed.
    way: Delay<Issued>,
    queue: VecDeque<Beat>,
    shown: Option<Beat>,
    /// Places that became free and were not told of: of two in one cycle, one waits.
    owed: u32,
    through: Delay<()>,
}

impl Back {
    pub(super) fn new(stages: &Stages) -> Back {
        let before = stages.before("slot");
        Back {
            // Without the head, which shows the beat.
            way: Delay::new(stages.first_beat() - before - 1),
            queue: VecDeque::new(),
            shown: None,
            owed: 0,
            through: Delay::new(TOKEN_THROUGH_CYCLES),
        }
    }

    /// The beat at the port.
    pub(super) fn shown(&self) -> Option<Beat> {
        self.shown
    }

    /// A token has passed everything.
    pub(super) fn token_through(&mut self, now: u64) -> bool {
        self.through.due(now).is_some()
    }

    /// `expand` issues in this cycle.
    pub(super) fn enter(&mut self, now: u64, issued: Issued) {
        self.way.send(now, issued);
    }

    /// A cycle; says whether `expand` is told of a place that became free.
    pub(super) fn step(
        &mut self,
        now: u64,
        rsp_ready: bool,
        flight: &mut Flight,
        fences: &mut Fences,
    ) -> bool {
        match self.way.due(now) {
            Some(Issued::Token) => self.through.send(now, ()),
            Some(Issued::Span(span)) => self.form(now, &span, flight, fences),
            None => {}
        }
        if let Some(beat) = self.shown.take_if(|_| rsp_ready) {
            fences.taken(now, &beat);
        }
        if self.shown.is_none() {
            self.shown = self.queue.pop_front();
            self.owed += u32::from(self.shown.is_some());
        }
        let repays = self.owed > 0;
        self.owed -= u32::from(repays);
        repays
    }

    fn form(&mut self, now: u64, span: &Span, flight: &mut Flight, fences: &mut Fences) {
        if span.is_unused() {
            flight.unused(now);
        }
        match span.beat {
            Some(beat) => {
                fences.formed(now, &beat);
                self.queue.push_back(beat);
            }
            None => self.owed += 1,
        }
    }
}
