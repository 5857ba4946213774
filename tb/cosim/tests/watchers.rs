//! The watchers watched: scoreboard, cycle check and protocol notice each thing that they are there for. A healthy engine's
//! outputs are spoiled on their way to the driver.

mod support;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use stagecoach_cosim::retirement::Spans;
use stagecoach_cosim::session::{self, Failure, Outcome, Setup};
use stagecoach_cosim::stimulus::{Script, Shape, Step};
use stagecoach_cosim::{
    Driver, EngineKind, EngineOptions, Error, IdlePayload, Pace, PortEngine, RetirePace, Stalls, Testbench,
    engine,
};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::PortLayout;
use stagecoach_spec::{Config, Op, Preset};

/// Spoils outputs; given the cycle and access to ports by name.
type Spoil = fn(&mut Ports<'_>);

struct Ports<'a> {
    layout: &'a PortLayout,
    inputs: &'a [u64],
    outputs: &'a mut [u64],
    /// How often something was spoiled.
    hits: &'a mut u64,
    /// Free for the spoiler.
    memory: &'a mut u64,
}

impl Ports<'_> {
    fn input(&self, name: &str) -> u64 {
        self.inputs[self.layout.input(name).expect("an input").offset]
    }

    fn get(&self, name: &str) -> u64 {
        self.outputs[self.layout.output(name).expect("an output").offset]
    }

    fn set(&mut self, name: &str, value: u64) {
        self.outputs[self.layout.output(name).expect("an output").offset] = value;
        *self.hits += 1;
    }

    fn flip(&mut self, name: &str) {
        self.set(name, self.get(name) ^ 1);
    }

    /// True from the hundredth time on that a beat is valid.
    fn late_beat(&mut self) -> bool {
        *self.memory += self.get("rsp_valid");
        self.get("rsp_valid") == 1 && *self.memory > 100
    }
}

struct Spoiled {
    inner: Box<dyn PortEngine>,
    layout: PortLayout,
    spoil: Spoil,
    hits: u64,
    memory: u64,
}

impl PortEngine for Spoiled {
    fn kind(&self) -> EngineKind {
        self.inner.kind()
    }

    fn layout(&self) -> &PortLayout {
        &self.layout
    }

    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        self.inner.cycle(inputs, outputs)?;
        let Spoiled { layout, hits, memory, .. } = self;
        (self.spoil)(&mut Ports { layout, inputs, outputs, hits, memory });
        Ok(())
    }

    fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        self.inner.open_wave(path)
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        self.inner.close_wave()
    }

    fn failures(&self) -> Vec<String> {
        self.inner.failures()
    }
}

fn tiny() -> &'static (Config, Arc<Module>) {
    static TINY: OnceLock<(Config, Arc<Module>)> = OnceLock::new();
    TINY.get_or_init(|| {
        let config = Preset::Tiny.config();
        let module = engine::describe(&config).expect("a preset can be described");
        (config, module)
    })
}

fn script() -> Script {
    Script::random(&tiny().0, 11, Shape { requests: 5_000, most_between: 60, fills: 0 })
}

fn spoiled(spoil: Spoil) -> Result<Box<dyn PortEngine>, Error> {
    let inner = engine::open(EngineKind::Native, &tiny().1, EngineOptions::default())?;
    let layout = inner.layout().clone();
    Ok(Box::new(Spoiled { inner, layout, spoil, hits: 0, memory: 0 }))
}

fn play(stalls: Stalls, spoil: Spoil) -> Result<Outcome, Failure> {
    let setup = Setup { kind: EngineKind::Native, engine_seed: 1, driver_seed: 1, stalls };
    session::play_on(spoiled(spoil)?, &script(), &setup)
}

/// Plays everything at once with a driver alone: the other watchers would see the first cycle that is wrong.
fn drive(spoil: Spoil) -> Result<(), Error> {
    let config = &tiny().0;
    let mut driver = Driver::new(spoiled(spoil)?, config, 1, Stalls::NONE, IdlePayload::Noise)?;
    for step in script().steps {
        match step {
            Step::Request(request) => driver.request(request, config)?,
            _ => step.commands().into_iter().for_each(|command| driver.command(command)),
        }
    }
    let mut events = Vec::new();
    while !driver.is_idle() {
        driver.step(&mut events)?;
    }
    driver.finish()
}

/// The words of the hang that a spoiled output must cause.
fn hang(spoil: Spoil) -> String {
    drive(spoil).expect_err("nobody noticed").to_string()
}

const SLOW: Stalls = Stalls { response: Pace::Percent(30), ..Stalls::NONE };

const LATE_RETIREMENTS: Stalls = Stalls { retirement: RetirePace::After(300), ..Stalls::NONE };

/// The words of the failure that a spoiled output must cause.
fn words(stalls: Stalls, spoil: Spoil) -> String {
    match play(stalls, spoil) {
        Ok(_) => panic!("nobody noticed"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn a_healthy_engine_passes() {
    let outcome = play(Stalls::NONE, |_| {}).unwrap();
    assert!(outcome.histogram.requests() >= 1_500);
    assert!(outcome.timing.beats > 1_500 && outcome.timing.unforetold == 0, "{:?}", outcome.timing);
    let slow = play(SLOW, |_| {}).unwrap();
    assert!(slow.timing.beats > 1_500 && slow.timing.unforetold == 0, "{:?}", slow.timing);
}

#[test]
fn each_field_of_a_beat_is_compared() {
    let spoilers: [(&str, Spoil); 7] = [
        ("rsp_tag", |p| {
            if p.late_beat() {
                p.flip("rsp_tag")
            }
        }),
        ("rsp_stream", |p| {
            if p.late_beat() {
                p.flip("rsp_stream")
            }
        }),
        ("rsp_fault", |p| {
            if p.late_beat() {
                p.flip("rsp_fault")
            }
        }),
        ("rsp_pa", |p| {
            if p.late_beat() {
                p.flip("rsp_pa")
            }
        }),
        ("rsp_span", |p| {
            if p.late_beat() {
                p.flip("rsp_span")
            }
        }),
        ("rsp_epoch", |p| {
            if p.late_beat() {
                p.flip("rsp_epoch")
            }
        }),
        ("rsp_table", |p| {
            if p.late_beat() {
                p.flip("rsp_table")
            }
        }),
    ];
    for (field, spoil) in spoilers {
        let words = words(Stalls::NONE, spoil);
        assert!(words.contains(&format!(": {field} differs")), "{field}: {words}");
        assert!(words.contains("asked:") && words.contains("expected:"), "{words}");
    }
    let last = words(Stalls::NONE, |p| {
        if p.late_beat() {
            p.flip("rsp_last")
        }
    });
    assert!(last.contains("rsp_last differs"), "{last}");
    let first = words(Stalls::NONE, |p| {
        if p.late_beat() {
            p.flip("rsp_first")
        }
    });
    assert!(first.contains("begin with first"), "{first}");
}

#[test]
fn a_mismatch_shows_the_entries_that_matter() {
    let words = words(Stalls::NONE, |p| {
        if p.late_beat() && p.get("rsp_fault") == 0 && p.get("rsp_span") > 0 {
            p.flip("rsp_pa");
        }
    });
    for part in ["stored:   binding", "stored:   table", "stored:   region", "stored:   slot"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn answers_to_updates_are_compared() {
    let error = words(Stalls::NONE, |p| {
        if p.get("upd_done") == 1 && p.get("upd_error") == 0 && p.get("upd_result") == 0 {
            p.set("upd_error", 9);
        }
    });
    assert!(error.contains("upd_error differs"), "{error}");
    let result = words(Stalls::NONE, |p| {
        if p.get("upd_done") == 1 && p.get("upd_error") == 0 {
            p.flip("upd_result");
        }
    });
    assert!(result.contains("upd_result differs"), "{result}");
    let unknown = words(Stalls::NONE, |p| {
        if p.get("upd_done") == 1 {
            p.set("upd_error", 77)
        }
    });
    assert!(unknown.contains("known code"), "{unknown}");
}

#[test]
fn a_fence_that_does_not_wait_is_found_out() {
    let hasty = words(LATE_RETIREMENTS, |p| {
        // From a fence's acceptance on, its answer is given after 60 cycles, whatever is in flight.
        let fence = [4, 5, 8, 10].contains(&p.input("upd_op"));
        if p.input("upd_valid") == 1 && p.get("upd_ready") == 1 && fence {
            *p.memory = 1;
        } else if p.get("upd_done") == 1 {
            *p.memory = 0;
        } else if *p.memory > 0 {
            *p.memory += 1;
            if *p.memory == 60 {
                p.set("upd_done", 1);
                p.set("upd_error", 0);
                p.set("upd_result", 0);
            }
        }
    });
    assert!(hasty.contains("accepted before it are in flight"), "{hasty}");
}

#[test]
fn spans_beyond_max_in_flight_are_found_out() {
    let config = support::config();
    let module = engine::describe(&config).unwrap();
    let inner = engine::open(EngineKind::Native, &module, EngineOptions::default()).unwrap();
    // The unit has been made for more spans than the watchers are told.
    let fewer = Config { max_in_flight: 8, ..config };
    let mut bench = Testbench::new(inner, &fewer, 1, Stalls::NONE).unwrap();
    support::load(&mut bench, 0);
    // None is retired: one that is may be waited for longer than it counts, and would be noticed by its cycle.
    bench.driver_mut().hold_retirements(Spans::All);
    for page in 0..8 {
        bench.ask(&support::access(0, Op::RemoteRead, page)).unwrap();
        bench.ask(&support::access(0, Op::RemoteRead, page)).unwrap();
    }
    let broken = bench.steps(200).unwrap_err();
    assert!(broken.to_string().contains("max_in_flight is 8"), "{broken}");
}

#[test]
fn a_cycle_more_or_less_at_any_port_is_noticed() {
    let often =
        |name, words: String| assert!(words.contains(&format!("{name} is off time")), "{name}: {words}");
    let request = words(Stalls::NONE, |p| {
        *p.memory += 1;
        if *p.memory > 5_000 && p.input("req_valid") == 0 {
            p.flip("req_ready");
        }
    });
    often("req_ready", request);
    let update = words(Stalls::NONE, |p| {
        *p.memory += 1;
        if *p.memory > 5_000 && p.input("upd_valid") == 0 {
            p.flip("upd_ready");
        }
    });
    often("upd_ready", update);
    let beat = words(SLOW, |p| {
        // A beat that nobody takes yet shows a cycle late.
        let waits = p.get("rsp_valid") == 1 && p.input("rsp_ready") == 0;
        if std::mem::replace(p.memory, u64::from(waits)) == 0 && waits {
            p.set("rsp_valid", 0);
        }
    });
    often("rsp", beat);
    let answer = words(Stalls::NONE, |p| {
        // Two bits: an answer was held back, and is given now.
        if *p.memory == 0 && p.get("upd_done") == 1 && p.get("upd_error") == 0 && p.get("upd_result") == 0 {
            *p.memory = 1;
            p.set("upd_done", 0);
        } else if *p.memory == 1 {
            *p.memory = 2;
            p.set("upd_done", 1);
        }
    });
    often("upd_done", answer);
    let initialisation = words(Stalls::NONE, |p| {
        let high = p.get("init_done");
        if std::mem::replace(p.memory, high) == 0 && high == 1 {
            p.set("init_done", 0);
            p.set("req_ready", 0);
        }
    });
    often("init_done", initialisation);
}

#[test]
fn rules_of_the_ports_are_checked() {
    let dropped = words(SLOW, |p| {
        // The second look at a stalled beat finds nothing.
        let stalled = p.get("rsp_valid") == 1 && p.input("rsp_ready") == 0;
        if std::mem::replace(p.memory, u64::from(stalled)) == 1 {
            p.set("rsp_valid", 0);
        }
    });
    assert!(dropped.contains("rsp_valid never drops"), "{dropped}");
    let changed = words(SLOW, |p| {
        let stalled = p.get("rsp_valid") == 1 && p.input("rsp_ready") == 0;
        if std::mem::replace(p.memory, u64::from(stalled)) == 1 {
            p.flip("rsp_pa");
        }
    });
    assert!(changed.contains("payload holds"), "{changed}");
    let twice = words(Stalls::NONE, |p| {
        let done = p.get("upd_done");
        if std::mem::replace(p.memory, done) == 1 {
            p.set("upd_done", 1);
        }
    });
    assert!(twice.contains("upd_done answers an accepted command"), "{twice}");
    let eager = words(Stalls::NONE, |p| {
        if p.get("init_done") == 0 {
            p.set("req_ready", 1)
        }
    });
    assert!(eager.contains("nothing moves before init_done"), "{eager}");
    let forgetful = words(Stalls::NONE, |p| {
        if p.late_beat() {
            p.set("init_done", 0)
        }
    });
    assert!(forgetful.contains("init_done stays high"), "{forgetful}");
    let meaningless = words(Stalls::NONE, |p| {
        if p.late_beat() {
            p.set("rsp_fault", 200)
        }
    });
    assert!(meaningless.contains("every fault code has a meaning"), "{meaningless}");
    let invented = words(Stalls::NONE, |p| {
        // Some cycles after initialisation, before any request.
        *p.memory += p.get("init_done");
        if *p.memory == 3 {
            p.set("rsp_valid", 1);
            p.set("rsp_fault", 0);
        }
    });
    assert!(invented.contains("beats answer accepted requests"), "{invented}");
}

#[test]
fn a_driver_alone_finds_a_healthy_engine_healthy() {
    drive(|_| {}).unwrap();
}

#[test]
fn hangs_end_and_name_what_waits() {
    let deaf = hang(|p| {
        p.set("upd_ready", 0);
        p.set("upd_done", 0);
    });
    assert!(deaf.contains("commands for upd_ready"), "{deaf}");
    let busy = hang(|p| {
        p.set("req_ready", 0);
        p.set("rsp_valid", 0);
    });
    assert!(busy.contains("requests for req_ready"), "{busy}");
    let mute = hang(|p| p.set("rsp_valid", 0));
    assert!(mute.contains("accepted requests for their last beat"), "{mute}");
    let silent = hang(|p| {
        p.set("upd_done", 0);
        if *p.memory == 1 {
            p.set("upd_ready", 0);
        }
        *p.memory |= p.input("upd_valid") & p.get("upd_ready");
    });
    assert!(silent.contains("an accepted command for upd_done"), "{silent}");
    let never = hang(|p| {
        p.set("init_done", 0);
        p.set("req_ready", 0);
        p.set("upd_ready", 0);
    });
    assert!(never.contains("init_done after reset"), "{never}");
}
