//! What the `stagecoach` command does.
//!
//! | module | command or idea |
//! | --- | --- |
//! | [`cli`] | the arguments |
//! | [`generate`] | `generate`: Verilog and a manifest, in a folder |
//! | [`check`] | `check`: whether generated folders are what today's sources give |
//! | [`describe`] | `describe`: pipeline, ports and memories of a configuration |
//! | [`replay`] | `replay`: captured RDMA traffic against an engine |
//! | [`wave`] | `wave`: a stretch of a waveform as a picture |
//! | [`pictures`] | the waveforms that the documents show, from runs of the native engine |
//! | [`demo`] | `demo`: all of it once, on what is bundled |
//! | [`design`] | a configuration's design as files in memory |
//! | [`manifest`] | `manifest.json` |
//! | [`folder`] | writing a folder or a file whole or not at all |
//! | [`error`] | what can go wrong, and what to try |
//!
//! Every command's `run` answers `Ok(true)` when all is well, `Ok(false)` when it compared and found a difference
//! (which it has printed), and an error when it could not do its work.

mod amba;
pub mod check;
pub mod cli;
mod core_file;
pub mod demo;
pub mod describe;
pub mod design;
pub mod error;
pub mod folder;
pub mod generate;
pub mod manifest;
pub mod migrate;
mod output;
pub mod pictures;
mod registers;
pub mod replay;
pub mod rust_hdl;
pub mod wave;

pub use error::Error;
