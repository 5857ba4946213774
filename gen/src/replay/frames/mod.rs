//! `replay --frames`: the raw frames of captures into a card's packet decoder.
//!
//! Queue pairs are made as the events tell; a queue pair's peer is who sends to it next. A machine's card sees the frames that
//! are for the machine's address. What becomes of each request is compared with the captured verdict, and all of memory with
//! what the granted payloads must have left at the registered page frames.

mod card;
mod image;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stagecoach_captures::roce::PacketKind;
use stagecoach_captures::{
    Change, Event, Frame, Frames, Item, Moment, Packet, Request, Stamped, Timeline, Vm, VmError, roce,
};
use stagecoach_model::decoder::Dropped;
use stagecoach_spec::queue_pair::MOST_QUEUE_PAIRS;
use stagecoach_spec::{Config, Fault, Frontend, Icrc, NetId, Preset, Processing, QueuePair};

use super::plan::{self, Plan};
use super::player::{Answered, Player, Tables};
use super::report::Report;
use crate::Error;
use crate::cli::{ReplayArguments, VmArgument};
use crate::output::{bar, counted, grouped, print, spinner};
use card::Card;
use image::Image;

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

/// A frame for a machine.
struct Arrival {
    frame: Frame,
    packet: Packet,
}

impl Stamped for Arrival {
    fn time_ns(&self) -> u64 {
        self.frame.time_ns
    }
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
    let most = u64::from(MOST_QUEUE_PAIRS);
    if needs > most {
        return Err(Error::TooLarge { field, needs, most, why });
    }
    let config = given.unwrap_or_else(|| {
        let roce = Preset::Roce.config();
        let count = (needs as u32).next_power_of_two().max(256);
        let processing = Processing {
            frontend: Frontend::Roce,
            queue_pairs: Some(count),
            icrc: Icrc::Checked,
            ..roce.processing.clone()
        };
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

/// A machine, and what is known of its frames.
struct Machine<'a> {
    player: Player,
    image: Image,
    requests: HashMap<u64, &'a Request>,
    /// Queue pairs that came up, and have had no packet since.
    fresh: BTreeSet<u32>,
}

impl Machine<'_> {
    fn event(&mut self, card: &mut Card, event: &Event) -> Result<(), Error> {
        self.image.event(event);
        if let Change::QueuePair { qpn, .. } = event.change {
            self.fresh.insert(qpn);
        }
        self.player.event(card, event)
    }

    /// Makes the queue pair of a packet, if it came up before it, or nobody told of it.
    fn meet(&mut self, card: &mut Card, packet: &Packet, config: &Config) -> Result<(), Error> {
        let net_id = self.player.table().net_id;
        let is_new = self.fresh.remove(&packet.qpn) || !card.knows(net_id, packet.qpn);
        if !is_new || !matches!(packet.kind, PacketKind::Request(_) | PacketKind::Requester) {
            return Ok(());
        }
        let peer = NetId::from_ip(packet.source, config)
            .map_err(|source| Error::NetId { address: packet.source, source })?;
        let pd = self.player.protection_domain(packet.qpn);
        card.queue_pair(net_id, packet.qpn, QueuePair { peer, pd, allows: QueuePair::ALL })
    }
}

fn play(arguments: &ReplayArguments, vms: &[Vm], plan: &Plan, card: &mut Card) -> Result<Outcome, Error> {
    let mut report = Report::new(card.name(), &plan.config, &arguments.vms);
    let mut machines = Vec::new();
    for ((argument, vm), table) in arguments.vms.iter().zip(vms).zip(&plan.tables) {
        let player = Player::new(&argument.text, *table, plan);
        player.begin(card)?;
        machines.push(Machine {
            player,
            image: Image::new(table.slices.window_base),
            requests: vm.requests.iter().map(|request| (request.packet, request)).collect(),
            fresh: BTreeSet::new(),
        });
    }
    let arrivals = arguments.vms.iter().zip(vms).map(|(argument, vm)| arrivals(argument, vm));
    let arrivals = arrivals.collect::<Result<Vec<_>, Error>>()?;
    let streams = vms.iter().zip(&arrivals).map(|(vm, frames)| (vm.log.events.as_slice(), frames.as_slice()));
    let frames = arrivals.iter().map(Vec::len).sum::<usize>() as u64;
    let (mut written, mut memory) = (0, BTreeMap::new());
    let progress = bar("replaying", frames + vms.iter().map(|vm| vm.log.events.len() as u64).sum::<u64>());
    for Moment { vm, item, .. } in Timeline::merge(streams) {
        let machine = &mut machines[vm];
        match item {
            Item::Event(event) => machine.event(card, event)?,
            Item::Request(Arrival { frame, packet }) => {
                machine.meet(card, packet, &plan.config)?;
                let outcomes = card.frame(&frame.data);
                let fault = match &outcomes {
                    Ok(outcomes) => {
                        let faults = outcomes.iter().map(|outcome| outcome.completion.fault);
                        faults.into_iter().find(|fault| *fault != Fault::Granted).unwrap_or(Fault::Granted)
                    }
                    // Dropped, as a packet for nobody is.
                    Err(_) => Fault::UnknownNetwork,
                };
                if fault == Fault::Granted {
                    let granted = machine.image.granted(packet, frame, &mut memory);
                    written += granted.map_err(|problem| Error::Engine {
                        engine: card.name(),
                        problem: format!(
                            "{}, packet {}: granted, but {problem}",
                            machine.player.name(),
                            packet.index
                        ),
                    })?;
                }
                if let Some(request) = machine.requests.get(&packet.index) {
                    let answered = Answered { fault, spans: Vec::new(), latencies: Vec::new(), lookups: 1 };
                    report.judge(vm, request, &answered);
                }
            }
        }
        progress.inc(1);
    }
    card.settle()?;
    progress.finish_and_clear();
    report.updates = card.updates;
    report.cycles = card.cycles();
    let found = card.written();
    let places: BTreeSet<u64> = found.keys().chain(memory.keys()).copied().collect();
    let differ = places.iter().filter(|place| found.get(place) != memory.get(place)).count();
    let dropped = REASONS.map(|(reason, words)| (u64::from(card.dropped(reason)), words)).into();
    let accepted = card.accepted().into();
    Ok(Outcome { report, frames, accepted, dropped, written, memory: (differ as u64, places.len() as u64) })
}

/// The RoCEv2 frames that are for a machine.
fn arrivals(argument: &VmArgument, vm: &Vm) -> Result<Vec<Arrival>, Error> {
    let busy = spinner(format!("reading {}", argument.capture.display()));
    let mut arrivals = Vec::new();
    for frame in Frames::open(&argument.capture).map_err(VmError::from)? {
        let frame = frame.map_err(VmError::from)?;
        if let Some(packet) = roce::parse(&frame).ok().filter(|packet| packet.destination == vm.address) {
            arrivals.push(Arrival { frame, packet });
        }
    }
    busy.finish_and_clear();
    Ok(arrivals)
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
