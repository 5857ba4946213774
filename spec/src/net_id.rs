//! Network identifiers: what names a VM on the network.

use crate::config::Config;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A network identifier: an opaque vector of up to 160 bits, least significant 64-bit limb first.
///
/// Whether it fits a configuration is asked with [`NetId::check`]; an identifier that does not fit is refused by
/// the update port (BAD_ARGUMENT) and never cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NetId([u64; 3]);

/// A network identifier does not fit the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "network identifier {net_id} needs {needs} bits, but net_id_bits = {has}: use a configuration with net_id_bits of at least {needs}"
)]
pub struct NetIdError {
    /// The identifier, as text.
    pub net_id: String,
    /// Bits that it needs.
    pub needs: u32,
    /// Bits that the configuration has.
    pub has: u32,
}

impl NetId {
    /// From limbs, least significant first.
    pub const fn from_limbs(limbs: [u64; 3]) -> NetId {
        NetId(limbs)
    }

    /// The limbs, least significant first.
    pub const fn limbs(self) -> [u64; 3] {
        self.0
    }

    /// From a number of at most 128 bits.
    pub const fn from_u128(value: u128) -> NetId {
        NetId([value as u64, (value >> 64) as u64, 0])
    }

    /// The identifier that an address has in this configuration. IPv4: the 32 bits as they are, or the mapped form
    /// `::ffff:a.b.c.d` where identifiers have 128 bits or more (as a RoCEv2 GID has it). IPv6: the 128 bits.
    pub fn from_ip(address: IpAddr, config: &Config) -> Result<NetId, NetIdError> {
        let (value, family_bits) = match address {
            IpAddr::V4(v4) if config.net_id_bits >= 128 => (u128::from(v4.to_ipv6_mapped()), 128),
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        if family_bits > config.net_id_bits {
            return Err(NetIdError {
                net_id: address.to_string(),
                needs: family_bits,
                has: config.net_id_bits,
            });
        }
        Ok(NetId::from_u128(value))
    }

    /// The same address within an overlay network: the VNI (24 bits, or up to 32) stands above the 128 address bits.
    pub const fn with_vni(self, vni: u32) -> NetId {
        NetId([self.0[0], self.0[1], vni as u64])
    }

    /// Bits up to and including the highest that is set; 0 for the identifier zero.
    pub fn significant_bits(self) -> u32 {
        let top = (0..3).rev().find(|limb| self.0[*limb] != 0);
        top.map_or(0, |limb| limb as u32 * 64 + self.0[limb].ilog2() + 1)
    }

    /// Whether the identifier has no bit above `net_id_bits`.
    pub fn check(self, config: &Config) -> Result<(), NetIdError> {
        let needs = self.significant_bits();
        if needs <= config.net_id_bits {
            return Ok(());
        }
        Err(NetIdError { net_id: self.to_string(), needs, has: config.net_id_bits })
    }
}

/// As an address: below 2^32 dotted IPv4, else IPv6; bits above 128 as `vni/address`.
impl fmt::Display for NetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high, above] = self.0;
        if above != 0 {
            write!(f, "{above:#x}/")?;
        } else if high == 0 && low <= u64::from(u32::MAX) {
            return write!(f, "{}", Ipv4Addr::from(low as u32));
        }
        write!(f, "{}", Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ipv4_is_itself_in_32_bits_and_mapped_in_128() {
        let tiny = NetId::from_ip(ip("10.0.1.2"), &Preset::Tiny.config()).unwrap();
        assert_eq!(tiny.limbs(), [0x0a00_0102, 0, 0]);
        assert_eq!(tiny.to_string(), "10.0.1.2");
        let roce = NetId::from_ip(ip("10.0.1.2"), &Preset::Roce.config()).unwrap();
        assert_eq!(roce.limbs(), [0xffff_0a00_0102, 0, 0]);
        assert_eq!(roce.to_string(), "::ffff:10.0.1.2");
    }

    #[test]
    fn ipv6_keeps_its_bits() {
        let id = NetId::from_ip(ip("fd00:1::2"), &Preset::Cloud.config()).unwrap();
        assert_eq!(id.limbs(), [2, 0xfd00_0001_0000_0000, 0]);
        assert_eq!(id.to_string(), "fd00:1::2");
        assert_eq!(id.with_vni(0x77).to_string(), "0x77/fd00:1::2");
        assert_eq!(id.with_vni(0x77).significant_bits(), 135);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_widths() {
        let error = NetId::from_ip(ip("fd00:1::2"), &Preset::Tiny.config()).unwrap_err();
        assert_eq!((error.needs, error.has), (128, 32));
        let narrow = Config { net_id_bits: 16, ..Config::default() };
        assert_eq!(NetId::from_ip(ip("10.0.1.2"), &narrow).unwrap_err().needs, 32);
        assert!(NetId::from_u128(1 << 32).check(&Preset::Tiny.config()).is_err());
        assert!(NetId::from_u128((1 << 32) - 1).check(&Preset::Tiny.config()).is_ok());
        let wide = NetId::from_limbs([0, 0, 1 << 24]);
        assert_eq!(wide.check(&Preset::Cloud.config()).unwrap_err().needs, 153);
    }

    #[test]
    fn the_zero_identifier_has_no_significant_bits() {
        assert_eq!(NetId::default().significant_bits(), 0);
    }
}
