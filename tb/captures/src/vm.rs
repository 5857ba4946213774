//! One virtual machine: an address, what was asked of it and what it registered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::events::{EventLog, EventsError};
use crate::pcap::CaptureError;
use crate::roce::{Capture, SkipReason};
use crate::verdict::{Request, judge};

/// Why a machine cannot be read.
#[derive(Debug, Error)]
pub enum VmError {
    /// Its capture.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Its registration log.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The capture has RoCEv2 packets, but none to or from the machine.
    #[error(
        "{path}: no packet to or from {address}; the capture holds RoCEv2 packets of {seen}: name \
         one of these addresses"
    )]
    AddressAbsent {
        /// The capture file.
        path: PathBuf,
        /// The address asked for.
        address: IpAddr,
        /// Addresses that the capture does hold.
        seen: String,
    },
}

/// A virtual machine with its captured traffic.
#[derive(Clone, Debug)]
pub struct Vm {
    /// Its address on the network; an IPv4-mapped IPv6 address counts as the IPv4 address.
    pub address: IpAddr,
    /// Requests to it, in the order of the capture, with verdicts.
    pub requests: Vec<Request>,
    /// Its registration log.
    pub log: EventLog,
    /// RoCEv2 packets in the capture.
    pub packets: u64,
    /// Frames that are none, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl Vm {
    /// Reads a machine's capture and registration log.
    ///
    /// # Errors
    /// A file is damaged, or the capture knows other addresses only.
    pub fn read(address: IpAddr, capture: &Path, events: &Path) -> Result<Vm, VmError> {
        let address = address.to_canonical();
        let log = EventLog::read(events)?;
        let Capture { packets, skipped } = Capture::read(capture)?;
        let ends = packets.iter().flat_map(|packet| [packet.source, packet.destination]);
        let seen: BTreeSet<IpAddr> = ends.collect();
        if !seen.is_empty() && !seen.contains(&address) {
            let names: Vec<String> = seen.iter().take(8).map(IpAddr::to_string).collect();
            let more = if seen.len() > 8 { ", …" } else { "" };
            return Err(VmError::AddressAbsent {
                path: capture.to_owned(),
                address,
                seen: names.join(", ") + more,
            });
        }
        let requests = judge(&packets, &log.events, address);
        Ok(Vm { address, requests, log, packets: packets.len() as u64, skipped })
    }
}
