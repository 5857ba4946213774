//! Reads captured RDMA traffic: what requests came over the network, what memory was registered
//! at that time, and what the captured responder answered.
//!
//! | module | idea |
//! | --- | --- |
//! | [`pcap`] | frames of a capture file (pcap, pcapng, gzipped too) |
//! | [`roce`] | one frame → one RoCEv2 packet (InfiniBand transport headers) |
//! | [`events`] | the registration log (`MACHINE.events.jsonl`) |
//! | [`connection`] | which response belongs to which responder queue pair |
//! | [`verdict`] | each request packet with the responder's verdict |
//! | [`vm`] | one virtual machine: its address, requests and events |
//! | [`timeline`] | several virtual machines merged in time order |
//! | [`slots`] | how many page slots and regions the machine needs |
//!
//! The file formats are described beside the bundled captures, in `data/roce/README.md`.
#![warn(missing_docs)]

mod input;

pub mod connection;
pub mod events;
pub mod pcap;
pub mod registrations;
pub mod roce;
pub mod slots;
pub mod timeline;
pub mod verdict;
pub mod vm;

pub use events::{Access, Change, Event, EventLog, EventsError, Region};
pub use pcap::{CaptureError, Frame, Frames};
pub use registrations::{NoSlots, Registrations};
pub use roce::{Capture, Packet, RequestHeader, RequestOp, SkipReason};
pub use slots::{Sizing, SlotAllocator};
pub use timeline::{Item, Moment, Stamped, Timeline};
pub use verdict::{Request, Verdict};
pub use vm::{Vm, VmError};
