//! Sizes of the processing unit.

use alloc::format;
use alloc::string::{String, ToString};
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError};
use crate::fault::Transport;
use crate::queue_pair::{LARGEST_PAYLOAD, LEAST_QUEUE_PAIRS, MOST_QUEUE_PAIRS, QPN_BITS};

/// Which transport's wire codes a completion carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireTransport {
    /// AETH syndromes of RoCE.
    #[default]
    Roce,
    /// Terminate messages of iWARP.
    Iwarp,
}

impl From<WireTransport> for Transport {
    fn from(transport: WireTransport) -> Transport {
        match transport {
            WireTransport::Roce => Transport::Roce,
            WireTransport::Iwarp => Transport::Iwarp,
        }
    }
}

/// What the controller takes accesses from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frontend {
    /// Words of accesses, and their payload: a transport stands before the controller.
    #[default]
    Accesses,
    /// RoCEv2 frames: the packet decoder and its queue pairs stand before the processing unit.
    Roce,
}

impl Frontend {
    fn is_accesses(&self) -> bool {
        *self == Frontend::Accesses
    }
}

/// What the packet decoder makes of a frame's invariant CRC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Icrc {
    /// It must be there, and is not looked at.
    #[default]
    Ignored,
    /// It must be the frame's (InfiniBand 1.4, A17.3.3), and nothing may follow it.
    Checked,
}

impl Icrc {
    fn is_ignored(&self) -> bool {
        *self == Icrc::Ignored
    }
}

/// Table `[processing]` of a configuration: the processing unit before memory. The mapping unit does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Processing {
    /// Width of the memory port's and the streams' data: 64, 128, 256 or 512. Default 512.
    pub data_bits: u32,
    /// Spans that may be under way at the memory port at once, for reads and for writes each: 8, 16 or 32. Default 16.
    pub outstanding: u32,
    /// Width of an identifier at the memory port: room for `outstanding` and one more. Default 5.
    pub axi_id_bits: u32,
    /// `AxCACHE`, 4 bits. Default 0b0011: normal, not cacheable, bufferable.
    pub axi_cache: u32,
    /// `AxPROT`, 3 bits. Default 0b010: unprivileged, non-secure, data.
    pub axi_prot: u32,
    /// Cycles until an access that memory does not answer is a BUS_ERROR, a power of two from 64 to 2^24; it takes up to a
    /// quarter longer. Default 65,536.
    pub timeout_cycles: u32,
    /// Bytes of payload that wait for their verdict or for memory: a power of two, at least twice `max_request_bytes`, at most
    /// 1 MiB. Absent by default: 16,384, or the least. [`Processing::payload_room`] says how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u32>,
    /// Bytes read that wait for their client, likewise. [`Processing::read_room`] says how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_bytes: Option<u32>,
    /// Requests that are asked and whose completion was not taken yet: a power of two, 16 to 256. Default 64.
    pub requests: u32,
    /// Whose wire codes completions carry: `roce` or `iwarp`. Default `roce`.
    pub transport: WireTransport,
    /// The timer of an RNR NAK, 5 bits (InfiniBand 1.4, table 45). Default 1: 0.01 ms.
    pub rnr_timer: u32,
    /// What accesses come from: `accesses` or `roce`. Default `accesses`.
    #[serde(skip_serializing_if = "Frontend::is_accesses")]
    pub frontend: Frontend,
    /// Queue pairs that the packet decoder of `frontend = "roce"` knows at once: a power of two, 16 to 4096. Absent by
    /// default: 256. [`Processing::queue_pairs`] says how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_pairs: Option<u32>,
    /// What the packet decoder makes of a frame's ICRC: `ignored` or `checked`. Default `ignored`.
    #[serde(skip_serializing_if = "Icrc::is_ignored")]
    pub icrc: Icrc,
}

impl Default for Processing {
    fn default() -> Self {
        Processing {
            data_bits: 512,
            outstanding: 16,
            axi_id_bits: 5,
            axi_cache: 0b0011,
            axi_prot: 0b010,
            timeout_cycles: 65_536,
            payload_bytes: None,
            read_bytes: None,
            requests: 64,
            transport: WireTransport::Roce,
            rnr_timer: 1,
            frontend: Frontend::Accesses,
            queue_pairs: None,
            icrc: Icrc::Ignored,
        }
    }
}

impl Processing {
    /// Bytes of a data beat.
    pub fn data_bytes(&self) -> u32 {
        self.data_bits / 8
    }

    /// Width of a byte's place in a data beat.
    pub fn lane_bits(&self) -> u32 {
        self.data_bytes().ilog2()
    }

    /// Bytes of payload that may wait, in a card whose requests have `max_request_bytes` at most.
    pub fn payload_room(&self, max_request_bytes: u32) -> u32 {
        self.payload_bytes.unwrap_or_else(|| least(max_request_bytes).max(16_384))
    }

    /// Bytes read that may wait.
    pub fn read_room(&self, max_request_bytes: u32) -> u32 {
        self.read_bytes.unwrap_or_else(|| least(max_request_bytes).max(16_384))
    }

    /// Queue pairs that the packet decoder knows at once; 0 without one.
    pub fn queue_pairs(&self) -> u32 {
        match self.frontend {
            Frontend::Accesses => 0,
            Frontend::Roce => self.queue_pairs.unwrap_or(256),
        }
    }

    /// What the packet decoder needs of the rest of a configuration.
    pub(crate) fn validate_frontend(&self, config: &Config) -> Result<(), ConfigError> {
        if self.frontend == Frontend::Accesses {
            if self.icrc == Icrc::Checked {
                return Err(ConfigError::Range {
                    field: "processing.icrc",
                    value: "checked".to_string(),
                    allowed: "ignored".to_string(),
                    reason: "only the packet decoder of frontend = \"roce\" sees frames",
                });
            }
            return match self.queue_pairs {
                None => Ok(()),
                Some(count) => Err(range(
                    "processing.queue_pairs",
                    count,
                    "absent".to_string(),
                    "only the packet decoder of frontend = \"roce\" knows queue pairs",
                )),
            };
        }
        let count = self.queue_pairs();
        let (least, most) = (LEAST_QUEUE_PAIRS, MOST_QUEUE_PAIRS);
        let (bits, stream, tag) = (config.net_id_bits, config.stream_bits, config.tag_bits);
        let bytes = config.max_request_bytes;
        let rows = [
            (
                "processing.queue_pairs",
                count.to_string(),
                count.is_power_of_two() && (least..=most).contains(&count),
                format!("a power of two, {least} to {most}"),
                "each has a place in memories of so many",
            ),
            (
                "net_id_bits",
                bits.to_string(),
                [32, 128].contains(&bits),
                "32 or 128".to_string(),
                "a frame's destination address is the network identifier: IPv4 in 32 bits, both kinds in 128",
            ),
            (
                "stream_bits",
                stream.to_string(),
                stream >= QPN_BITS,
                format!("{QPN_BITS} to 32"),
                "a completion's stream is its queue pair's number",
            ),
            (
                "tag_bits",
                tag.to_string(),
                tag == 32,
                "32".to_string(),
                "a completion's tag is its packet's opcode and sequence number",
            ),
            (
                "max_request_bytes",
                bytes.to_string(),
                bytes >= LARGEST_PAYLOAD,
                format!("a power of two, {LARGEST_PAYLOAD} to 65536"),
                "a packet's payload is asked for at once",
            ),
            (
                "processing.transport",
                "iwarp".to_string(),
                self.transport == WireTransport::Roce,
                "roce".to_string(),
                "its frames are RoCE's",
            ),
        ];
        match rows.into_iter().find(|(.., good, _, _)| !good) {
            None => Ok(()),
            Some((field, value, _, allowed, reason)) => {
                let allowed = format!("{allowed}, with frontend = \"roce\"");
                Err(ConfigError::Range { field, value, allowed, reason })
            }
        }
    }

    /// Checks every field. `max_request_bytes` is the mapping unit's.
    pub(crate) fn validate(&self, max_request_bytes: u32) -> Result<(), ConfigError> {
        let power = |field, value: u32, low: u32, high: u32, reason| {
            let good = value.is_power_of_two() && (low..=high).contains(&value);
            let allowed = || format!("a power of two, {low} to {high}");
            if good { Ok(()) } else { Err(range(field, value, allowed(), reason)) }
        };
        let below = |field, value: u32, bits: u32| {
            let allowed = || format!("0 to {}", (1 << bits) - 1);
            if value >> bits == 0 {
                Ok(())
            } else {
                Err(range(field, value, allowed(), "so many bits it has"))
            }
        };
        power("processing.data_bits", self.data_bits, 64, 512, "these widths are built")?;
        power("processing.outstanding", self.outstanding, 8, 32, "each has a place of its own")?;
        if self.axi_id_bits > 8 || self.outstanding >= 1 << self.axi_id_bits {
            return Err(range(
                "processing.axi_id_bits",
                self.axi_id_bits,
                format!("{} to 8", self.outstanding.ilog2() + 1),
                "every span under way has an identifier of its own, and atomics one more",
            ));
        }
        below("processing.axi_cache", self.axi_cache, 4)?;
        below("processing.axi_prot", self.axi_prot, 3)?;
        below("processing.rnr_timer", self.rnr_timer, 5)?;
        power("processing.timeout_cycles", self.timeout_cycles, 64, 1 << 24, "a counter divides it by four")?;
        let least = least(max_request_bytes);
        let room = "the largest request must fit while another is worked on";
        let (payload, read) = (self.payload_room(max_request_bytes), self.read_room(max_request_bytes));
        power("processing.payload_bytes", payload, least, 1 << 20, room)?;
        power("processing.read_bytes", read, least, 1 << 20, room)?;
        power("processing.requests", self.requests, 16, 256, "they wait in memories of that many words")
    }
}

/// The least room for requests of some bytes: for two, and for words that are partly filled.
fn least(max_request_bytes: u32) -> u32 {
    (2 * max_request_bytes).max(1024)
}

fn range(field: &'static str, value: u32, allowed: String, reason: &'static str) -> ConfigError {
    ConfigError::Range { field, value: value.to_string(), allowed, reason }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn every_field_is_checked() {
        let refused = |text: &str| {
            let error = Config::from_toml(&format!("[processing]\n{text}"), "mine.toml").unwrap_err();
            error.to_string()
        };
        for (text, word) in [
            ("data_bits = 1024", "64 to 512"),
            ("data_bits = 96", "power of two"),
            ("outstanding = 4", "8 to 32"),
            ("axi_id_bits = 4", "5 to 8"),
            ("axi_id_bits = 9", "5 to 8"),
            ("axi_cache = 16", "0 to 15"),
            ("axi_prot = 8", "0 to 7"),
            ("rnr_timer = 32", "0 to 31"),
            ("timeout_cycles = 100", "power of two"),
            ("payload_bytes = 4096", "8192 to"),
            ("read_bytes = 4096", "8192 to"),
            ("requests = 4", "16 to 256"),
            ("data_bytes = 8", "unknown field"),
        ] {
            assert!(refused(text).contains(word), "{text}: {}", refused(text));
        }
        let config = Config::from_toml("[processing]\ndata_bits = 64", "mine.toml").unwrap();
        assert_eq!((config.processing.data_bytes(), config.processing.lane_bits()), (8, 3));
        assert_eq!(Config::from_toml(&config.to_toml(), "again").unwrap().processing, config.processing);
    }

    #[test]
    fn what_the_packet_decoder_needs_is_checked() {
        let of = |upper: &str, processing: &str| {
            let text = format!(
                "net_id_bits = 128\nstream_bits = 24\ntag_bits = 32\n{upper}\n[processing]\n{processing}"
            );
            let text = match upper.split_once(' ') {
                Some((field, _)) => {
                    let other = |line: &&str| !line.starts_with(field) || *line == upper;
                    text.lines().filter(other).collect::<Vec<_>>().join("\n")
                }
                None => text,
            };
            Config::from_toml(&text, "mine.toml")
        };
        let frames = "frontend = \"roce\"";
        assert_eq!(of("", frames).unwrap().processing.queue_pairs(), 256);
        assert_eq!(of("net_id_bits = 32", frames).unwrap().processing.queue_pairs(), 256);
        for (upper, more, word) in [
            ("net_id_bits = 152", "", "32 or 128"),
            ("stream_bits = 23", "", "24 to 32"),
            ("tag_bits = 31", "", "32, with frontend"),
            ("max_request_bytes = 2048", "", "4096 to 65536"),
            ("", "transport = \"iwarp\"", "iwarp"),
            ("", "queue_pairs = 8", "16 to 4096"),
            ("", "queue_pairs = 8192", "16 to 4096"),
            ("", "queue_pairs = 100", "a power of two"),
        ] {
            let error = of(upper, &format!("{frames}\n{more}")).unwrap_err().to_string();
            assert!(error.contains(word), "{upper} {more}: {error}");
        }
        let error = of("", "queue_pairs = 64").unwrap_err().to_string();
        assert!(error.contains("absent"), "{error}");
    }
}
