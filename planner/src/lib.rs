//! # Planner of the CAM
//!
//! The mapping unit decides by a simple rule where a network identifier goes: the lowest free entry that may hold it. In
//! a cuckoo CAM that is not enough, since all of an identifier's places may be taken while others are free. The
//! [`Planner`] knows who stands where and finds the moves that make room, so that hardware needs no search and a
//! lookup its fixed time.
//!
//! It speaks to nobody: it gives lists of [`Update`]s, which the caller plays in order, telling the planner of each that
//! was accepted ([`Planner::follow`]). No update of a plan makes a bound identifier miss.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `contents` | who stands where, and what an accepted update does to it |
//! | `path` | the shortest row of moves that frees a place |
//! | `seeds` | seeds that go well together |
//! | `planner` | the plans |
//! | `error` | why there is none |
//!
//! ```
//! use stagecoach_planner::Planner;
//! use stagecoach_spec::{Cam, Config, NetId};
//!
//! let config = Config { cam: Some(Cam::Cuckoo), ..Config::default() };
//! let mut planner = Planner::new(&config);
//! for host in 0..60 {
//!     let plan = planner.bind(NetId::from_u128(0xfd00_0001 + host), 0).unwrap();
//!     for update in plan {
//!         // Here the unit is told.
//!         planner.follow(&update).unwrap();
//!     }
//! }
//! assert_eq!(planner.len(), 60);
//! ```
//!
//! # Seeds
//!
//! The seeds after reset are known to everybody, and who may choose identifiers can choose them so that they collide.
//! Where that matters, give every way a seed of your own while the CAM is still empty ([`Planner::reseed_all`]). Later a
//! way can be re-seeded when the others have room for its identifiers ([`Planner::reseed`]), up to about two thirds of
//! the places.
//!
//! [`Update`]: stagecoach_spec::Update

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg_attr(not(feature = "std"), macro_use)]
extern crate alloc;

mod contents;
mod error;
mod path;
mod planner;
mod seeds;

pub use error::PlanError;
pub use planner::Planner;
