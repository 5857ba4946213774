//! Random stimulus that aims at borders.
//!
//! | module | what it makes |
//! | --- | --- |
//! | [`configuration`] | configurations of moderate size, odd ones preferred |
//! | [`world`] | what the updates so far have made, to aim at |
//! | `region` | regions at the borders of pages, of 4 GiB, of the address space |
//! | `update` | updates that succeed |
//! | `refusal` | updates that meet a given error |
//! | `kin` | identifiers that share places in a cuckoo CAM |
//! | `rearrange` | moves and new seeds in a cuckoo CAM |
//! | `request` | requests that are granted, and such with one or two flaws |
//! | `meeting` | updates and requests that meet on purpose: races |
//! | `flip` | flipped bits, for configurations with protection |
//! | [`script`] | all that in a list of steps |

pub mod configuration;
mod flip;
mod kin;
mod meeting;
mod rearrange;
mod refusal;
mod region;
mod request;
pub mod script;
mod update;
pub mod world;

pub use script::{Script, Shape, Step};
pub use world::World;

use rand::Rng;

/// One of some values.
fn pick<T: Copy>(random: &mut impl Rng, values: &[T]) -> T {
    values[random.random_range(0..values.len())]
}

/// `bits` ones; 64 or more give all of them.
fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}
