//! # Co-simulation of the mapping unit
//!
//! The golden model, the native simulator and Verilator answer the same updates and requests; this crate drives them
//! and compares.
//!
//! ```text
//!                       ┌───────────┐  Update, Request     ┌────────┐
//!  replay, benches ────▶│   Unit    │─────────────────────▶│ Golden │
//!                       └─────┬─────┘                      └────▲───┘
//!                             ▼                                 │ steps with each acceptance
//!                       ┌───────────┐  events with cycles  ┌────┴───────┐
//!  property test ──────▶│  Driver   │─────────────────────▶│ Scoreboard │
//!                       └─────┬─────┘                      │ CycleCheck │
//!                             ▼ limbs, one call a cycle    │ Fences     │
//!                  ┌──────────┴──────────┐                 │ Races      │
//!                  │ PortEngine          │                 └────────────┘
//!                  │ Native │ Verilated  │
//!                  └────────┴────────────┘
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`engine`] | [`EngineKind`], [`PortEngine`]: the simulators behind one trait |
//! | [`pins`] | the ports by name and type |
//! | [`pace`] | [`Stalls`]: when each port is willing, and when granted spans are retired |
//! | [`retirement`] | the memory side, which retires each granted span once |
//! | [`driver`] | [`Driver`]: plays the ports cycle by cycle; `protocol` checks their rules |
//! | [`mod@unit`] | [`Unit`]: blocking and streaming calls on any engine |
//! | [`scoreboard`] | [`scoreboard::Scoreboard`]: every field of every beat and answer against the golden model |
//! | [`cycle_check`] | [`cycle_check::CycleCheck`]: every port against the cycle model, in every cycle |
//! | [`fences`] | [`fences::Fences`]: no fence answers before what it waits for; the bound on spans in flight |
//! | [`races`] | [`races::Races`]: how often things met that must be right when they meet |
//! | [`coverage`] | which kinds of requests were met, and which are impossible |
//! | [`testbench`] | [`Testbench`]: a driver and all its watchers |
//! | [`stimulus`] | random configurations, updates and requests that aim at borders |
//! | [`mutation`] | wrong variants of the hardware, to find out what the session would miss |
//! | [`session`] | a script of stimulus, played on an engine in a testbench, and made smaller when it fails |
//! | [`lines`] | which lines of the generated Verilog the random session executes |
//! | [`machine`] | the whole controller between client, memory and host |
//! | [`campaign`] | many such scripts on several threads; failures are kept in files that play again |
//!
//! ```
//! use stagecoach_cosim::{EngineKind, Options, Unit};
//! use stagecoach_spec::{Fault, NetId, Op, Preset, Request};
//!
//! let config = Preset::Tiny.config();
//! let mut unit = Unit::new(EngineKind::Golden, &config, Options::default())?;
//! let request = Request {
//!     net_id: NetId::from_u128(1), key: 0, pd: 0, op: Op::RemoteRead, va: 0, length: 8, bound: 8, stream: 0, tag: 0,
//! };
//! assert_eq!(unit.request(&request)?.beats[0].fault, Fault::UnknownNetwork);
//! unit.finish()?;
//! # Ok::<(), stagecoach_cosim::Error>(())
//! ```

pub mod campaign;
pub mod coverage;
pub mod cycle_check;
pub mod driver;
pub mod engine;
mod error;
pub mod fences;
mod histogram;
pub mod lines;
pub mod machine;
pub mod moves;
pub mod mutation;
pub mod pace;
pub mod pins;
mod protocol;
pub mod races;
pub mod retirement;
pub mod scoreboard;
pub mod session;
pub mod stimulus;
pub mod testbench;
pub mod unit;

pub use driver::{Driver, IdlePayload};
pub use engine::{EngineKind, EngineOptions, PortEngine};
pub use error::Error;
pub use histogram::Histogram;
pub use pace::{Pace, RetirePace, Stalls};
pub use retirement::Spans;
pub use testbench::Testbench;
pub use unit::{Options, Reply, Unit};
