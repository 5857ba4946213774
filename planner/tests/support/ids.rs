//! Identifiers as networks give them out.
#![allow(dead_code)] // Each test file uses its own part.

use rand::{Rng, RngCore};
use stagecoach_spec::{Config, NetId};

/// How identifiers are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    Random,
    /// Addresses of an IPv4 block, as the configuration has them: 32 bits, or mapped into IPv6.
    Ipv4Block,
    Ipv6Block,
    /// One address in a block of overlay networks.
    VniBlock,
    /// Sixteen addresses in each of a block of overlay networks.
    VniTimesIpv4,
}

impl Ids {
    /// The n-th identifier of a row that begins somewhere.
    pub fn nth(self, n: u32, start: u32, config: &Config, random: &mut impl RngCore) -> NetId {
        let ipv4 = |host: u32| match config.net_id_bits {
            128.. => NetId::from_u128(0xffff_0000_0000 | u128::from(host)),
            _ => NetId::from_u128(host.into()),
        };
        match self {
            Ids::Random => {
                let limb = |index: u32, bits: u64| match config.net_id_bits.saturating_sub(index * 64) {
                    0 => 0,
                    kept if kept >= 64 => bits,
                    kept => bits & ((1 << kept) - 1),
                };
                NetId::from_limbs([0, 1, 2].map(|index| limb(index, random.random())))
            }
            Ids::Ipv4Block => ipv4(0x0a00_0000 + start + n),
            Ids::Ipv6Block => NetId::from_u128((0xfd00_1234 << 96) + u128::from(start + n)),
            Ids::VniBlock => ipv4(0x0a00_0001).with_vni(start + n),
            Ids::VniTimesIpv4 => ipv4(0x0a00_0000 + n % 16).with_vni(start + n / 16),
        }
    }

    /// As the documents call them.
    pub fn name(self) -> &'static str {
        match self {
            Ids::Random => "random",
            Ids::Ipv4Block => "block of IPv4 addresses",
            Ids::Ipv6Block => "block of IPv6 addresses",
            Ids::VniBlock => "block of VNIs, one address",
            Ids::VniTimesIpv4 => "block of VNIs, 16 addresses each",
        }
    }
}
