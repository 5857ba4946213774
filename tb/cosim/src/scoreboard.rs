//! Compares every field of every beat, and every answer to an update, with the golden model.
//!
//! The order of acceptance decides what is expected: the model takes a step with each request and command in the
//! cycle in which the unit accepts it. What the unit answers later is compared with what the model said then.
//! A retirement counts for the commands that are accepted [`RETIRE_CYCLES`] later or more.
//!
//! Two things are compared with "at least": the counters of corrected and uncorrectable words, and dirty words after a
//! bit of the dirty memory was flipped by `inject` (which may be answered CORRUPT too).

use std::collections::VecDeque;
use std::fmt;

use stagecoach_model::Golden;
use stagecoach_spec::{
    Action, Answer, Beat, Command, Config, Counter, PeekEntry, Request, Retirement, STAGED_WORDS, Staged,
    Stored, Update, UpdateError,
};

use crate::driver::{Event, Timed};
use crate::histogram::Histogram;
use stagecoach_spec::latency::RETIRE_CYCLES;

/// The unit and the model disagree.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Cycle in which the unit showed it.
    pub cycle: u64,
    /// What was asked, and when it was accepted.
    pub subject: String,
    /// The fields that differ.
    pub fields: Vec<&'static str>,
    /// The model's words.
    pub expected: String,
    /// The unit's words.
    pub got: String,
    /// What the model has stored that the answer depends on.
    pub entries: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cycle {}: {} differs", self.cycle, self.fields.join(", "))?;
        writeln!(f, "  asked:    {}", self.subject)?;
        writeln!(f, "  expected: {}", self.expected)?;
        write!(f, "  got:      {}", self.got)?;
        self.entries.iter().try_for_each(|entry| write!(f, "\n  stored:   {entry}"))
    }
}

impl std::error::Error for Mismatch {}

struct Asked {
    request: Request,
    accepted_at: u64,
    /// Commands that were accepted before it.
    commands: usize,
    beats: Vec<Beat>,
    /// Beats that were taken.
    taken: usize,
}

struct Told {
    command: Command,
    /// What it means, when it is no staging and can be read.
    update: Option<Update>,
    accepted_at: u64,
    commands: usize,
    answer: Answer,
}

/// Follows the events of one driver.
pub struct Scoreboard {
    config: Config,
    golden: Golden,
    asked: VecDeque<Asked>,
    told: Option<Told>,
    staged: Staged,
    /// Retirements that do not count yet, with their cycles.
    retired: VecDeque<(u64, Retirement)>,
    /// Some bit that says what is dirty was flipped: memory may seem more dirty than it is.
    dirty_flipped: bool,
    log: Vec<Command>,
    histogram: Histogram,
}

impl Scoreboard {
    /// For a unit that was just reset.
    pub fn new(config: &Config) -> Scoreboard {
        Scoreboard {
            config: config.clone(),
            golden: Golden::new(config),
            asked: VecDeque::new(),
            told: None,
            staged: [0; STAGED_WORDS],
            retired: VecDeque::new(),
            dirty_flipped: false,
            log: Vec::new(),
            histogram: Histogram::default(),
        }
    }

    /// What has been seen and compared.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The model, which has taken everything that was accepted so far.
    pub fn model(&self) -> &Golden {
        &self.golden
    }

    /// Beats that the model expects for the request that was accepted last.
    pub fn last_expected(&self) -> &[Beat] {
        self.asked.back().map_or(&[], |asked| &asked.beats)
    }

    /// What the model answered to the command that was accepted last, while the unit has not.
    pub fn expected_answer(&self) -> Option<Answer> {
        self.told.as_ref().map(|told| told.answer)
    }

    /// The update that was accepted last with the model's answer, while the unit has not answered.
    pub fn last_update(&self) -> Option<(Update, Answer)> {
        self.told.as_ref().and_then(|told| told.update.map(|update| (update, told.answer)))
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The unit said something else than the model.
    pub fn observe(&mut self, timed: &Timed) -> Result<(), Box<Mismatch>> {
        let cycle = timed.cycle;
        match timed.event {
            Event::Accepted(request) => {
                let beats = self.golden.request(&request);
                let commands = self.log.len();
                self.asked.push_back(Asked { request, accepted_at: cycle, commands, beats, taken: 0 });
            }
            Event::Commanded(command) => {
                self.retire_until(cycle);
                let commands = self.log.len();
                let answer = self.golden.command(&command);
                let update = self.read(&command, answer);
                self.log.push(command);
                self.told = Some(Told { command, update, accepted_at: cycle, commands, answer });
            }
            Event::Answered(got) => return self.compare_answer(cycle, got),
            Event::Shown(beat) => return self.compare_beat(cycle, beat),
            Event::Taken(beat) => {
                self.compare_beat(cycle, beat)?;
                self.take(beat);
            }
            Event::Retired(retirement) => self.retired.push_back((cycle, retirement)),
            Event::Stalled => {}
        }
        Ok(())
    }

    /// The model takes the retirements that count for a command of this cycle.
    fn retire_until(&mut self, cycle: u64) {
        while let Some((_, retirement)) =
            self.retired.pop_front_if(|(then, _)| *then + u64::from(RETIRE_CYCLES) <= cycle)
        {
            self.golden.retire(&retirement);
        }
    }

    /// What a command means; keeps what is staged.
    fn read(&mut self, command: &Command, answer: Answer) -> Option<Update> {
        match command.decode(&self.staged, &self.config) {
            Ok(Action::Stage { word, data }) => self.staged[word] = data,
            Ok(Action::Update(update)) => {
                let of_dirty_memory =
                    |stored: Stored| matches!(stored, Stored::Tracking { .. } | Stored::Dirty { .. });
                if let (Update::Inject { stored, .. }, Ok(_)) = (update, answer) {
                    self.dirty_flipped |= of_dirty_memory(stored);
                }
                return Some(update);
            }
            Err(_) => {}
        }
        None
    }

    /// Whether the unit's answer is one that the model's answer allows.
    fn allows(&self, told: &Told, got: Answer) -> bool {
        match (told.update, told.answer, got) {
            (
                Some(Update::ReadCounter { counter: Counter::Corrected | Counter::Uncorrectable, .. }),
                Ok(least),
                Ok(got),
            ) => got >= least,
            (Some(Update::Harvest { .. }), Ok(dirty), got) if self.dirty_flipped => match got {
                Ok(got) => got & dirty == dirty,
                Err(error) => error == UpdateError::Corrupt,
            },
            (_, expected, got) => got == expected,
        }
    }

    /// Nothing that was accepted lacks its answer.
    ///
    /// # Errors
    /// A request lacks beats, or a command its answer.
    pub fn finish(&self) -> Result<(), Box<Mismatch>> {
        let missing = |cycle, subject, fields| {
            Err(Box::new(Mismatch {
                cycle,
                subject,
                fields,
                expected: "an answer".to_owned(),
                got: "none until the end".to_owned(),
                entries: Vec::new(),
            }))
        };
        if let Some(asked) = self.asked.front() {
            return missing(asked.accepted_at, format!("{:x?}", asked.request), vec!["last"]);
        }
        match &self.told {
            Some(told) => missing(told.accepted_at, format!("{:x?}", told.command), vec!["upd_done"]),
            None => Ok(()),
        }
    }

    fn take(&mut self, beat: Beat) {
        let Some(asked) = self.asked.front_mut() else { return };
        asked.taken += 1;
        self.histogram.count_beat(asked.request.op, &beat);
        if asked.taken == asked.beats.len() {
            self.asked.pop_front();
        }
    }

    fn compare_beat(&self, cycle: u64, got: Beat) -> Result<(), Box<Mismatch>> {
        let Some(asked) = self.asked.front() else {
            return Err(Box::new(Mismatch {
                cycle,
                subject: "nothing that is not answered".to_owned(),
                fields: vec!["rsp_valid"],
                expected: "no beat".to_owned(),
                got: format!("{got:x?}"),
                entries: Vec::new(),
            }));
        };
        let expected = asked.beats[asked.taken];
        if got == expected {
            return Ok(());
        }
        Err(Box::new(Mismatch {
            cycle,
            subject: format!(
                "{:x?}, accepted in cycle {}, beat {}",
                asked.request, asked.accepted_at, asked.taken
            ),
            fields: differing_fields(&expected, &got),
            expected: format!("{:x?}", asked.beats),
            got: format!("{got:x?}"),
            entries: self.entries_for(&asked.request, asked.commands),
        }))
    }

    fn compare_answer(&mut self, cycle: u64, got: Answer) -> Result<(), Box<Mismatch>> {
        let Some(told) = self.told.take() else {
            return Err(Box::new(Mismatch {
                cycle,
                subject: "no command".to_owned(),
                fields: vec!["upd_done"],
                expected: "no answer".to_owned(),
                got: format!("{got:x?}"),
                entries: Vec::new(),
            }));
        };
        if self.allows(&told, got) {
            self.histogram.count_answer(&told.command, &got);
            return Ok(());
        }
        let field = if got.is_ok() && told.answer.is_ok() { "upd_result" } else { "upd_error" };
        let mut before = self.golden_after(told.commands);
        Err(Box::new(Mismatch {
            cycle,
            subject: format!("{:x?}, accepted in cycle {}", told.command, told.accepted_at),
            fields: vec![field],
            expected: format!("{:x?}", told.answer),
            got: format!("{got:x?}"),
            entries: table_entries(&mut before, told.command.table, told.command.index >> 8),
        }))
    }

    /// The model as it was after so many commands.
    fn golden_after(&self, commands: usize) -> Golden {
        let mut golden = Golden::new(&self.config);
        for command in &self.log[..commands] {
            // Its answer was compared when it was given.
            let _ = golden.command(command);
        }
        golden
    }

    /// The entries that a request meets on its way.
    fn entries_for(&self, request: &Request, commands: usize) -> Vec<String> {
        let mut golden = self.golden_after(commands);
        let limbs = request.net_id.limbs();
        for entry in 0..self.config.cam_entries() {
            let words = peek(&mut golden, PeekEntry::Binding { entry });
            let [low, middle, high, state] = words[..] else { continue };
            if state & 1 == 1 && [low, middle, high] == limbs {
                let table = (state >> 32) as u16;
                let mut entries = vec![format!("binding {entry}: {} -> table {table}", request.net_id)];
                entries.extend(table_entries(&mut golden, table, request.key_index()));
                return entries;
            }
        }
        vec![format!("no binding for {}", request.net_id)]
    }
}

/// A table and one of its regions with its first slots.
fn table_entries(golden: &mut Golden, table: u16, index: u32) -> Vec<String> {
    let mut entries = vec![format!("table {table}: {:x?}", peek(golden, PeekEntry::Table { table }))];
    let region = peek(golden, PeekEntry::Region { table, index });
    entries.push(format!("region {index:#x}: {region:x?}"));
    if let [_, _, _, _, first_slot] = region[..] {
        for slot in (first_slot as u32..).take(4) {
            entries.push(format!("slot {slot:#x}: {:x?}", peek(golden, PeekEntry::Slot { table, slot })));
        }
    }
    entries
}

/// The words of an entry as far as they can be read.
fn peek(golden: &mut Golden, entry: PeekEntry) -> Vec<u64> {
    (0..entry.words()).map_while(|word| golden.update(&Update::Peek { entry, word }).ok()).collect()
}

fn differing_fields(expected: &Beat, got: &Beat) -> Vec<&'static str> {
    let fields = [
        ("rsp_tag", expected.tag != got.tag),
        ("rsp_stream", expected.stream != got.stream),
        ("rsp_fault", expected.fault != got.fault),
        ("rsp_pa", expected.pa != got.pa),
        ("rsp_span", expected.span != got.span),
        ("rsp_table", expected.table != got.table),
        ("rsp_epoch", expected.epoch != got.epoch),
        ("rsp_first", expected.first != got.first),
        ("rsp_last", expected.last != got.last),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
