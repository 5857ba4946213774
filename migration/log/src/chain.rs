//! The hash that binds each record to all before it.
//!
//! SHA-256. The first link is the digest of the header's bytes, each further one that of the link before and the record's bytes, both
//! in the binary form: so both forms of a log have the same links and the same digest.

use sha2::{Digest, Sha256};

/// A link.
pub type Link = [u8; 32];

/// Bytes of a link that stand beside each record; the trailer has the last link whole.
pub const SHORT: usize = 8;

/// The chain so far.
#[derive(Clone, Debug)]
pub struct Chain(Link);

impl Chain {
    /// Begins with a header's bytes.
    pub fn new(header: &[u8]) -> Chain {
        Chain(Sha256::new_with_prefix(b"stagecoach log 1").chain_update(header).finalize().into())
    }

    /// Goes on with a record's bytes; gives what stands beside it.
    pub fn add(&mut self, record: &[u8]) -> [u8; SHORT] {
        self.0 = Sha256::new_with_prefix(self.0).chain_update(record).finalize().into();
        self.short()
    }

    /// What stands beside the record that was added last.
    pub fn short(&self) -> [u8; SHORT] {
        let mut short = [0; SHORT];
        short.copy_from_slice(&self.0[..SHORT]);
        short
    }

    /// The last link.
    pub fn digest(&self) -> Link {
        self.0
    }
}
