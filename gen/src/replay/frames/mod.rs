//! `replay --frames`: the raw frames of captures into a card's packet decoder.
//!
//! Queue pairs are made as the events tell; a queue pair's peer is who sends to it next. A machine's card sees the frames that
//! are for the machine's address. What becomes of each request is compared with the captured verdict, and all of memory with
//! what the granted payloads must have left at the registered page frames.

mod card;
mod image;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use stagecoach_captures::{Change, Event, Frame, Frames, Packet, Registrations, Request, Vm, VmError, roce};
use stagecoach_model::decoder::Dropped;
use stagecoach_spec::{Config, Fault, Frontend, NetId, Preset, Processing, QueuePair, Update};

use super::plan::{self, Plan, Table};
use super::player::Answered;
use super::report::Report;
use super::verdict::{Comparison, Tally};
use crate::Error;
use crate::cli::{ReplayArguments, VmArgument};
use crate::output::{bar, counted, grouped, print, spinner};
use card::Card;
use image::Image;

/// Most queue pairs that a decoder knows.
const MOST_QUEUE_PAIRS: u64 = 4096;

/// Why frames are dropped, in words.
const REASONS: [(Dropped, &str); 5] = [
    (Dropped::Malformed, "malformed"),
    (Dropped::Other, "of an operation that is not decoded"),
    (Dropped::UnknownQueuePair, "for an unknown queue pair"),
    (Dropped::UnknownPeer, "from an unknown peer"),
    (Dropped::NoMessage, "of no open message"),
];

/// What came of it.
struct Outcome {
    report: Report,
    frames: u64,
    accepted: u64,
    dropped: Vec<(u64, &'static str)>,
    /// Bytes that granted accesses wrote, those written twice counted twice.
    written: u64,
    /// Bytes of memory that differ, and of all that are compared.
    memory: (u64, u64),
}

/// Something that happens to a machine.
enum Happening<'a> {
    Event(&'a Event),
    Frame(Frame, Packet),
}

/// Runs the command; whether all agrees.
///
/// # Errors
/// The input cannot be used, or an engine fails.
pub fn run(arguments: &ReplayArguments) -> Result<bool, Error> {
    let given = arguments.choice.given()?;
    let vms = super::read(&arguments.vms)?;
    let plan = planned(&vms, given)?;
    let busy = spinner(format!("preparing engine {}", arguments.engine.name()));
    let mut card = Card::new(arguments.engine, &plan.config)?;
    busy.finish_and_clear();
    let outcome = play(arguments, &vms, &plan, &mut card)?;
    print(&outcome.text())?;
    Ok(outcome.report.total().disagree == 0 && outcome.memory.0 == 0)
}

/// The tables, and a configuration with a packet decoder.
fn planned(vms: &[Vm], given: Option<Config>) -> Result<Plan, Error> {
    let growable = given.is_none();
    let known: BTreeSet<_> =
        vms.iter().enumerate().flat_map(|(vm, machine)| queue_pairs(vm, machine)).collect();
    let needs = known.len() as u64;
    let why = "a queue pair for each that events or requests name".to_owned();
    let field = "processing.queue_pairs";
    if needs > MOST_QUEUE_PAIRS {
        return Err(Error::TooLarge { field, needs, most: MOST_QUEUE_PAIRS, why });
    }
    let config = given.unwrap_or_else(|| {
        let roce = Preset::Roce.config();
        let count = (needs as u32).next_power_of_two().max(256);
        let processing =
            Processing { frontend: Frontend::Roce, queue_pairs: Some(count), ..roce.processing.clone() };
        Config { name: "roce-frames".into(), tag_bits: 32, processing, ..roce }
    });
    if config.processing.frontend != Frontend::Roce {
        return Err(Error::NoDecoder { name: config.name });
    }
    let has = u64::from(config.processing.queue_pairs());
    if has < needs {
        return Err(Error::TooSmall { name: config.name, field, has, needs, why });
    }
    plan::plan(vms, config, growable)
}

/// The queue pairs of a machine, those of no event too.
fn queue_pairs(vm: usize, machine: &Vm) -> impl Iterator<Item = (usize, u32)> + '_ {
    let told = machine.log.events.iter().filter_map(|event| match event.change {
        Change::QueuePair { qpn, .. } => Some(qpn),
        _ => None,
    });
    told.chain(machine.requests.iter().map(|request| request.qpn)).map(move |qpn| (vm, qpn))
}

/// A machine and what is known of it.
struct Player<'a> {
    name: &'a str,
    table: Table,
    registrations: Registrations,
    image: Image,
    requests: HashMap<u64, &'a Request>,
    /// Queue pairs that came up, and have had no packet since.
    fresh: BTreeSet<u32>,
}

impl Player<'_> {
    fn event(&mut self, card: &mut Card, event: &Event) -> Result<(), Error> {
        let place = format!("{}, events line {}", self.name, event.line);
        self.image.event(event);
        if let Change::QueuePair { qpn, .. } = event.change {
            self.fresh.insert(qpn);
        }
        let changes = self
            .registrations
            .changes(event)
            .map_err(|error| Error::Engine { engine: "golden", problem: format!("{place}: {error}") })?;
        let Table { number, slices, .. } = self.table;
        for change in changes {
            if let Some(update) = change.update(number, |page| slices.window_base + page) {
                refused(&place, &update, card.update(&update)?)?;
            }
        }
        Ok(())
    }

    /// Makes the queue pair of a packet, if it came up before it, or nobody told of it.
    fn meet(&mut self, card: &mut Card, packet: &Packet, plan: &Plan) -> Result<(), Error> {
        let Table { net_id, .. } = self.table;
        let is_new = self.fresh.remove(&packet.qpn) || !card.knows(net_id, packet.qpn);
        if !is_new || !matches!(packet.kind, roce::PacketKind::Request(_) | roce::PacketKind::Requester) {
            return Ok(());
        }
        let peer = NetId::from_ip(packet.source, &plan.config)
            .map_err(|source| Error::NetId { address: packet.source, source })?;
        let pd = self.registrations.protection_domain(packet.qpn).unwrap_or(plan.no_pd);
        card.queue_pair(net_id, packet.qpn, QueuePair { peer, pd, allows: QueuePair::ALL })
    }
}

fn refused(
    place: &str,
    update: &Update,
    answer: Result<u64, stagecoach_spec::UpdateError>,
) -> Result<(), Error> {
    answer.map(|_| ()).map_err(|source| Error::Refused {
        place: place.to_owned(),
        update: format!("{update:?}"),
        source,
    })
}

fn play(arguments: &ReplayArguments, vms: &[Vm], plan: &Plan, card: &mut Card) -> Result<Outcome, Error> {
    let mut report = Report {
        engine: arguments.engine.name(),
        config: plan.config.clone(),
        machines: arguments.vms.iter().map(|vm| (vm.text.clone(), Tally::default())).collect(),
        updates: 0,
        lookups: 0,
        latencies: BTreeMap::new(),
        cycles: None,
        lookup_time: Duration::ZERO,
        disagreements: Vec::new(),
    };
    let mut players = Vec::new();
    for ((argument, vm), table) in arguments.vms.iter().zip(vms).zip(&plan.tables) {
        let Table { number, net_id, slices } = *table;
        for update in [Update::SetTable { table: number, slices }, Update::Bind { table: number, net_id }] {
            refused(&argument.text, &update, card.update(&update)?)?;
        }
        players.push(Player {
            name: &argument.text,
            table: *table,
            registrations: Registrations::new(slices.slot_count.into()),
            image: Image::new(slices.window_base),
            requests: vm.requests.iter().map(|request| (request.packet, request)).collect(),
            fresh: BTreeSet::new(),
        });
    }
    let happenings = merged(&arguments.vms, vms)?;
    let (mut frames, mut written, mut memory) = (0, 0, BTreeMap::new());
    let progress = bar("replaying", happenings.len() as u64);
    for (vm, happening) in &happenings {
        let player = &mut players[*vm];
        match happening {
            Happening::Event(event) => player.event(card, event)?,
            Happening::Frame(frame, packet) => {
                frames += 1;
                player.meet(card, packet, plan)?;
                let started = Instant::now();
                let outcomes = card.frame(&frame.data);
                report.lookup_time += started.elapsed();
                let fault = match &outcomes {
                    Ok(outcomes) => {
                        report.lookups += outcomes.len() as u64;
                        let faults = outcomes.iter().map(|outcome| outcome.completion.fault);
                        faults.into_iter().find(|fault| *fault != Fault::Granted).unwrap_or(Fault::Granted)
                    }
                    // Dropped, as a packet for nobody is.
                    Err(_) => Fault::UnknownNetwork,
                };
                if outcomes.is_ok() && fault == Fault::Granted {
                    let granted = player.image.granted(packet, frame, &mut memory);
                    written += granted.map_err(|problem| Error::Engine {
                        engine: report.engine,
                        problem: format!("{}, packet {}: granted, but {problem}", player.name, packet.index),
                    })?;
                }
                if let Some(request) = player.requests.get(&packet.index) {
                    let answered = Answered { fault, spans: Vec::new(), latencies: Vec::new(), lookups: 1 };
                    if report.machines[*vm].1.count(request, &answered) == Comparison::Disagrees {
                        report.disagree(player.name, request, &answered);
                    }
                }
            }
        }
        progress.inc(1);
    }
    let started = Instant::now();
    card.settle()?;
    report.lookup_time += started.elapsed();
    progress.finish_and_clear();
    report.updates = card.updates;
    report.cycles = card.cycles();
    let found: BTreeMap<u64, u8> = card.written().into_iter().collect();
    let places: BTreeSet<u64> = found.keys().chain(memory.keys()).copied().collect();
    let differ = places.iter().filter(|place| found.get(place) != memory.get(place)).count();
    let dropped = REASONS.map(|(reason, words)| (u64::from(card.dropped(reason)), words)).into();
    let accepted = card.accepted().into();
    Ok(Outcome { report, frames, accepted, dropped, written, memory: (differ as u64, places.len() as u64) })
}

/// All that happens to the machines, in time order; an event counts for the frames stamped at or after it.
fn merged<'a>(arguments: &[VmArgument], vms: &'a [Vm]) -> Result<Vec<(usize, Happening<'a>)>, Error> {
    let mut all = Vec::new();
    for (number, (argument, vm)) in arguments.iter().zip(vms).enumerate() {
        all.extend(vm.log.events.iter().map(|event| (event.time_ns, 0, number, Happening::Event(event))));
        let busy = spinner(format!("reading {}", argument.capture.display()));
        for frame in Frames::open(&argument.capture).map_err(VmError::from)? {
            let frame = frame.map_err(VmError::from)?;
            let Ok(packet) = roce::parse(&frame) else { continue };
            if packet.destination == vm.address {
                all.push((frame.time_ns, 1, number, Happening::Frame(frame, packet)));
            }
        }
        busy.finish_and_clear();
    }
    // Stable: of one machine and time, as in the files.
    all.sort_by_key(|(time_ns, kind, ..)| (*time_ns, *kind));
    Ok(all.into_iter().map(|(_, _, vm, happening)| (vm, happening)).collect())
}

impl Outcome {
    fn text(&self) -> String {
        let mut text = self.report.verdicts();
        let mut line = |words: String| text += &(words + "\n");
        let frames = counted(self.frames, "frame", "frames");
        line(format!("{frames}: {} became accesses", grouped(self.accepted)));
        for (count, words) in self.dropped.iter().filter(|(count, _)| *count > 0) {
            line(format!("  {} dropped, {words}", grouped(*count)));
        }
        let (differ, all) = self.memory;
        line(format!(
            "{} bytes written at the registered page frames; of {} bytes of memory, {} differ",
            grouped(self.written),
            grouped(all),
            grouped(differ)
        ));
        if let Some(cycles) = self.report.cycles {
            line(format!(
                "{} changes of tables and queue pairs; {} simulated cycles",
                grouped(self.report.updates),
                grouped(cycles)
            ));
        }
        text
    }
}
