//! `replay`: captured RDMA traffic against an engine.
//!
//! | module | idea |
//! | --- | --- |
//! | [`plan`] | a table for each machine, and a configuration with room for all |
//! | [`player`] | events become updates, captured requests become requests |
//! | [`engine`] | what answers |
//! | [`verdict`] | the answer against the captured verdict |
//! | [`report`] | what is printed |
//! | [`verdict_file`] | `--verdicts` |
//! | [`frames`] | `--frames`: raw frames into the whole controller |

pub mod engine;
pub mod frames;
pub mod plan;
pub mod player;
pub mod report;
pub mod verdict;
pub mod verdict_file;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use stagecoach_captures::{Change, Item, Moment, Timeline, Vm};
use stagecoach_spec::Preset;

use crate::Error;
use crate::cli::{Choice, EngineChoice, ReplayArguments, VmArgument};
use crate::folder::{Pending, identity};
use crate::output::{bar, print, spinner};
use engine::Engine;
use plan::Plan;
use player::{Player, Tables};
use report::Report;
use verdict_file::VerdictFile;

/// Runs the command.
///
/// # Errors
/// The input cannot be used or an engine fails; then no file was written.
pub fn run(arguments: &ReplayArguments) -> Result<bool, Error> {
    if arguments.frames {
        refuse_twice(&arguments.vms)?;
        return frames::run(arguments);
    }
    let outputs = Outputs { verdicts: arguments.verdicts.as_deref(), wave: arguments.wave.as_deref() };
    let report = replay(&arguments.vms, &arguments.choice, arguments.engine, outputs)?;
    print(&report.text())?;
    Ok(report.total().disagree == 0)
}

/// Files to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs<'a> {
    /// A line of JSON per request.
    pub verdicts: Option<&'a Path>,
    /// The waveform.
    pub wave: Option<&'a Path>,
}

/// Replays machines' captures together, in one mapping unit.
///
/// # Errors
/// As [`run`].
pub fn replay(
    arguments: &[VmArgument],
    choice: &Choice,
    engine: EngineChoice,
    outputs: Outputs,
) -> Result<Report, Error> {
    if outputs.wave.is_some() && engine == EngineChoice::Golden {
        return Err(Error::NoWave);
    }
    refuse_twice(arguments)?;
    refuse_overwriting(arguments, choice, outputs)?;
    let given = choice.given()?;
    // Places that cannot be written are told before the long work.
    let mut verdicts = outputs.verdicts.map(VerdictFile::create).transpose()?;
    let wave = outputs.wave.map(Pending::create).transpose()?;

    let vms = read(arguments)?;
    let growable = given.is_none();
    let plan = plan::plan(&vms, given.unwrap_or_else(|| Preset::Roce.config()), growable)?;
    let busy = spinner(format!("preparing engine {}", engine.name()));
    let mut engine = Engine::new(engine, &plan.config, wave.as_ref().map(Pending::temporary))?;
    busy.finish_and_clear();

    let report = play(arguments, &vms, &plan, &mut engine, verdicts.as_mut())?;
    engine.finish()?;
    if let Some(file) = verdicts {
        file.finish()?;
    }
    if let Some(file) = wave {
        file.publish()?;
    }
    Ok(report)
}

/// Refuses two machines of one address.
fn refuse_twice(arguments: &[VmArgument]) -> Result<(), Error> {
    let mut addresses = BTreeSet::new();
    match arguments.iter().find(|vm| !addresses.insert(vm.address)) {
        Some(twice) => Err(Error::DuplicateAddress { address: twice.address }),
        None => Ok(()),
    }
}

/// Refuses to write over what is read, and to write one file twice.
fn refuse_overwriting(arguments: &[VmArgument], choice: &Choice, outputs: Outputs) -> Result<(), Error> {
    let inputs =
        arguments.iter().flat_map(|vm| [&vm.capture, &vm.events]).map(|path| ("--vm", path.as_path()));
    let mut taken: Vec<(&'static str, &Path)> = inputs.collect();
    taken.extend(choice.config.iter().map(|path| ("--config", path.as_path())));
    for (flag, path) in [("--verdicts", outputs.verdicts), ("--wave", outputs.wave)] {
        let Some(path) = path else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, other)| identity(other) == identity(path)) {
            return Err(Error::Overwrites { flag, path: path.to_owned(), other });
        }
        taken.push((flag, path));
    }
    Ok(())
}

fn read(arguments: &[VmArgument]) -> Result<Vec<Vm>, Error> {
    let mut vms = Vec::new();
    for vm in arguments {
        let busy = spinner(format!("reading {}", vm.capture.display()));
        vms.push(Vm::read(vm.address, &vm.capture, &vm.events)?);
        busy.finish_and_clear();
    }
    for (vm, argument) in vms.iter().zip(arguments) {
        if vm.requests.is_empty() {
            let path = argument.capture.display();
            eprintln!(
                "warning: {path}: no RDMA request to {} among {} RoCEv2 packets",
                vm.address, vm.packets
            );
        }
        if !vm.log.events.iter().any(|event| matches!(event.change, Change::Register(_))) {
            let path = argument.events.display();
            eprintln!("warning: {path}: no registration: nothing of {} will be granted", vm.address);
        }
    }
    if vms.iter().all(|vm| vm.requests.is_empty()) {
        let addresses: Vec<&str> = arguments.iter().map(|vm| vm.text.as_str()).collect();
        return Err(Error::NothingToReplay { addresses: addresses.join(", ") });
    }
    Ok(vms)
}

fn play(
    arguments: &[VmArgument],
    vms: &[Vm],
    plan: &Plan,
    engine: &mut Engine,
    mut verdicts: Option<&mut VerdictFile>,
) -> Result<Report, Error> {
    let mut report = Report::new(engine.name(), &plan.config, arguments);
    let names = arguments.iter().map(|vm| vm.text.as_str());
    let mut players: Vec<Player> =
        names.zip(&plan.tables).map(|(name, table)| Player::new(name, *table, plan)).collect();
    for player in &players {
        player.begin(engine)?;
    }
    let moments = vms.iter().map(|vm| vm.log.events.len() + vm.requests.len()).sum::<usize>();
    let progress = bar("replaying", moments as u64);
    for Moment { vm, item, .. } in Timeline::new(vms) {
        match item {
            Item::Event(event) => players[vm].event(engine, event)?,
            Item::Request(request) => {
                let started = Instant::now();
                let answered = players[vm].request(engine, &plan.config, request)?;
                report.lookup_time += started.elapsed();
                report.lookups += answered.lookups;
                for latency in &answered.latencies {
                    *report.latencies.entry(*latency).or_default() += 1;
                }
                report.judge(vm, request, &answered);
                if let Some(file) = verdicts.as_deref_mut() {
                    file.add(&arguments[vm].text, request, &answered)?;
                }
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    report.updates = engine.updates();
    report.cycles = engine.cycles();
    Ok(report)
}
