//! `migrate`: a captured VM moves from one machine to another while its captured clients go on.
//!
//! Both machines are golden models under the orchestrator (`stagecoach-migration`). A twin that never moves is asked the same:
//! every answer and, at the end, every page and key must be its.

mod page;
mod scene;

use std::fmt::Write;

use stagecoach_captures::Vm;

pub use scene::CrashAt;

use crate::Error;
use crate::cli::MigrateArguments;
use crate::demo::bundled;
use crate::folder::Pending;
use crate::output::{grouped, print};
use scene::{Moment, Operation, Scene};

/// Client operations between two steps of a machine.
const OPERATIONS: usize = 60;
/// Turns after which a move is surely over.
const MOST_TURNS: usize = 200;

/// Runs the command. True if every answer, page and key is the twin's and one machine serves.
///
/// # Errors
/// A file cannot be used, the step to crash at does not exist, or a machine stops.
pub fn run(arguments: &MigrateArguments) -> Result<bool, Error> {
    let page = arguments.html.as_deref().map(Pending::create).transpose()?;
    let machine = match &arguments.vm {
        Some(machine) => machine.clone(),
        None => bundled()?.swap_remove(0),
    };
    let vm = Vm::read(machine.address, &machine.capture, &machine.events)?;
    let mut scene = Scene::new(&vm, arguments.crash_at, arguments.seed)?;
    print(&format!(
        "{} moves; its {} captured requests come again and again\n",
        machine.text,
        vm.requests.len()
    ))?;
    scene.turn(OPERATIONS)?;
    scene.begin()?;
    let mut told = 0;
    for turn in 0..MOST_TURNS {
        scene.turn(OPERATIONS)?;
        for (at, moment) in &scene.moments[told..] {
            if let Some(words) = words(moment) {
                print(&format!("{:>7} operations: {words}\n", grouped(*at as u64)))?;
            }
        }
        told = scene.moments.len();
        if scene.is_over() {
            break;
        }
        if turn % 4 == 3 {
            scene.timeouts()?;
        }
    }
    scene.turn(OPERATIONS)?;
    let (good, summary) = summary(&mut scene)?;
    if let Some(crash) = arguments.crash_at
        && !scene.moments.iter().any(|(_, moment)| matches!(moment, Moment::Crash(_)))
    {
        return Err(Error::NoSuchStep { step: crash.step, steps: scene.steps[crash.machine] });
    }
    print(&summary)?;
    if let Some(mut page) = page {
        page.write(page::page(&scene, &summary).as_bytes())?;
        page.publish()?;
    }
    Ok(good)
}

fn words(moment: &Moment) -> Option<String> {
    let machine = |number: usize| ["source", "destination"][number];
    match moment {
        Moment::Phase(number, name) => Some(format!("{} {name}", machine(*number))),
        Moment::Round(pages) => Some(format!("{pages} pages sent")),
        Moment::Crash(number) => {
            Some(format!("{} crashes, and starts again from its journal", machine(*number)))
        }
        Moment::Registered => None,
    }
}

fn summary(scene: &mut Scene) -> Result<(bool, String), Error> {
    let outcome = scene.outcome()?;
    let count =
        |wanted: Operation| scene.operations.iter().filter(|operation| **operation == wanted).count() as u64;
    let changes = scene.moments.iter().filter(|(_, moment)| *moment == Moment::Registered).count();
    let retries = scene.operations.split(|operation| *operation != Operation::Retry).map(<[_]>::len).max();
    let mut text = String::from("\n");
    let mut line = |what: &str, value: String| writeln!(text, "{what:<48}{value}").unwrap_or_default();
    line("steps of source and destination", format!("{}, {}", scene.steps[0], scene.steps[1]));
    line("operations answered at source", grouped(count(Operation::Answered(0))));
    line("operations answered at destination", grouped(count(Operation::Answered(1))));
    line("operations granted", grouped(scene.granted));
    line("operations told to try again", grouped(count(Operation::Retry)));
    line("longest run of these", grouped(retries.unwrap_or(0) as u64));
    line("changes of the table meanwhile", grouped(changes as u64));
    line("answers unlike those of a VM that never moved", grouped(scene.differences.len() as u64));
    line("keys as they were", format!("{} of {}", outcome.regions_equal, outcome.regions));
    line("pages as they were", format!("{} of {}", outcome.pages_equal, outcome.pages));
    let server = outcome.server.map_or("nobody", |number| ["source", "destination"][number]);
    line("served by", server.to_owned());
    for difference in scene.differences.iter().take(5) {
        let _ = writeln!(text, "  {difference}");
    }
    let good = scene.differences.is_empty()
        && outcome.server.is_some()
        && outcome.regions_equal == outcome.regions
        && outcome.pages_equal == outcome.pages;
    Ok((good, text))
}
