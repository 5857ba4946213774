//! Many scripts on several threads; what fails is made smaller and kept in files that play again.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `case` | [`Case`]: a script and how it is played |
//! | `lot` | [`Lot`]: cases of one configuration, made from a seed |
//! | `runner` | [`Campaign`]: plays lots, makes failing cases smaller |
//! | `file` | [`Kept`]: a failing case in a file; with it a waveform and a text to read |
//! | `totals` | [`Totals`]: what all cases together have shown |

mod case;
mod file;
mod lot;
mod runner;
mod totals;

pub use case::Case;
pub use file::{FileError, Kept, read_json, write_json};
pub use lot::{Lot, Source};
pub use runner::{Campaign, Failed, Summary};
pub use totals::Totals;
