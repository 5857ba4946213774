//! What travels between machines.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stagecoach_protocol::{Epoch, Message};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;

/// All that was missing when the source stood still, and what tells the destination that it has everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Image {
    /// The log in its binary form, of the attempt's epoch.
    pub log: Vec<u8>,
    /// The pages that changed last: guest page and bytes.
    pub last: Vec<(u64, Vec<u8>)>,
    /// SHA-256 of every guest page, in ascending order of pages.
    pub digests: Vec<(u64, [u8; 32])>,
}

/// One packet on a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packet {
    /// A message of the protocol.
    Protocol(Message<Image>),
    /// The log as it is when pre-copy begins, so that the destination can build the table before the VM stands still. It is
    /// trusted in nothing: what FINAL says is made of it then.
    Table {
        /// The attempt that it belongs to.
        attempt: Epoch,
        /// The log in its binary form.
        log: Vec<u8>,
    },
    /// A page of a round of pre-copy.
    Page {
        /// The attempt that it belongs to.
        attempt: Epoch,
        /// The guest page.
        page: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Destination to source: these pages did not come, or not as they are; the next final shall have them.
    Missing {
        /// The attempt that they belong to.
        attempt: Epoch,
        /// The guest pages.
        pages: Vec<u64>,
    },
}

/// The digest of a page's bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
