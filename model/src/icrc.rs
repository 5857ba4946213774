//! The invariant CRC of a RoCEv2 packet (InfiniBand 1.4, A17.3.3).

/// What stands in a packet's last four bytes, in their order. `packet` goes from IP's header to the byte before these.
pub(crate) fn icrc(packet: &[u8], is6: bool) -> [u8; 4] {
    let mut packet = packet.to_vec();
    let mut ones = |at: usize| {
        if let Some(byte) = packet.get_mut(at) {
            *byte = 0xff;
        }
    };
    let udp = if is6 { 40 } else { 20 };
    if is6 {
        // Half of the traffic class and the flow label; the hop limit.
        [1, 2, 3, 7].into_iter().for_each(&mut ones);
    } else {
        // Type of service, time to live, the header's checksum.
        [1, 8, 10, 11].into_iter().for_each(&mut ones);
    }
    // UDP's checksum, and BTH's byte of congestion bits.
    [udp + 6, udp + 7, udp + 8 + 4].into_iter().for_each(&mut ones);
    if is6 && let Some(byte) = packet.first_mut() {
        // The other half of the traffic class stands beside the version.
        *byte |= 0x0f;
    }
    let mut crc = crc32fast::Hasher::new();
    // In place of InfiniBand's local route header, which no such packet has.
    crc.update(&[0xff; 8]);
    crc.update(&packet);
    crc.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_routers_change_does_not_count() {
        let packet: Vec<u8> = (0..100).collect();
        for (is6, changing) in [(false, [1, 8, 10, 11, 26, 27, 32]), (true, [1, 2, 3, 7, 46, 47, 52])] {
            let right = icrc(&packet, is6);
            for at in 0..packet.len() {
                let mut other = packet.clone();
                other[at] ^= 0x40;
                assert_eq!(icrc(&other, is6) == right, changing.contains(&at), "byte {at}, IPv6: {is6}");
            }
            let mut other = packet.clone();
            other[0] ^= 0x05;
            assert_eq!(icrc(&other, is6) == right, is6, "the traffic class's upper half");
        }
    }
}
