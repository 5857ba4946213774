//! Block `parse`: what a frame says, from its head.
//!
//! ```text
//!  head ─▶ parse1 ────▶ parse2 ────▶ parse3 ──────▶ parse4 ────────▶ parse5 ─▶ fields
//!          where IP     where UDP    what opcode    how long is      is it all
//!          begins       begins                      the payload?     so?
//!            └─────────▶ sums of the IPv4 header in twos ▶ of all ──┘
//! ```
//!
//! Ethernet with one VLAN tag at most, IPv4 without options and whole, or IPv6 without extension headers, UDP to port 4791,
//! and the request opcodes of reliable connections that touch memory by key (InfiniBand 1.4, 9.2.1 and 9.4). The ICRC is
//! counted as being there; whether it is right, block `icrc` tells, or the MAC in front by `tuser`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::queue_pair::{LARGEST_PAYLOAD, ROCE_PORT, opcode};

use super::shape::{BYTES, HEAD, PLACE, Shape};
use super::words::Fields;
use crate::processing::registers::{late, late_valid};

/// Bytes from IP's header on, behind the longest Ethernet header.
const FROM_IP: u32 = HEAD - 18;
/// Bytes from UDP's header on, behind the longest IP header.
const FROM_UDP: u32 = FROM_IP - 40;
/// Bits of a length, and one for what does not fit.
const SUM: u32 = 17;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("decoder_parse", "Block parse: what a frame says, from its head.");
    let valid = m.input("head_valid", 1);
    let head = m.input("head", 8 * HEAD);
    let bytes = m.input("head_bytes", BYTES);
    let beats = m.input("head_beats", d.beats);
    let damaged = m.input("head_damaged", 1);
    let icrc_wrong4 = m.input("icrc_wrong", u32::from(d.checks_icrc)).doc("four cycles after head_valid");

    m.comment("Ethernet addresses: the switch and the MAC looked at them.");
    m.unused(head.low(96));

    m.section("Where IP begins");
    let first_type = number(&m, head, 12, 2);
    wire!(has_tag = first_type.is(0x8100u32) | first_type.is(0x88a8u32));
    let of_ip = |at: u32| head.bits(8 * at..8 * (at + FROM_IP));
    let ip = m.delay("parse1_ip", has_tag.select(of_ip(18), of_ip(14)));
    let ether_type = m.delay("parse1_type", has_tag.select(number(&m, head, 16, 2), first_type));
    let tagged1 = m.delay("parse1_tagged", has_tag);

    m.section("parse1: where UDP begins");
    wire!(is4 = ether_type.is(0x0800u32));
    wire!(is6 = ether_type.is(0x86ddu32));
    let of_udp = |at: u32| ip.bits(8 * at..8 * (at + FROM_UDP));
    let udp = m.delay("parse2_udp", is6.select(of_udp(40), of_udp(20)));
    let (version, words) = (ip.bits(4..8), ip.bits(0..4));
    let (protocol, next_header) = (ip.bits(72..80), ip.bits(48..56));
    let fragment = number(&m, ip, 6, 2).low(14).any();
    let odd4 = (!words.is(5u32) | fragment | !protocol.is(17u32)).named("odd4");
    let odd6 = if d.address < 128 { m.bit(true) } else { !next_header.is(17u32) };
    let other2 = m.delay("parse2_other", !(is4 | is6) | is4 & odd4 | is6 & odd6);
    let wrong_version = is4.select(!version.is(4u32), !version.is(6u32));
    let malformed2 = m.delay("parse2_malformed", wrong_version);
    let behind4 = number(&m, ip, 2, 2) - m.constant(16, 20u32);
    let behind2 = m.delay("parse2_behind_ip", is6.select(number(&m, ip, 4, 2), behind4));
    let [source, destination] = [12, 16].map(|at| number(&m, ip, at, 4));
    let addresses = if d.address < 128 {
        [source, destination]
    } else {
        let mapped = |address| m.concat(&[m.zero(80), m.constant(16, 0xffffu32), address]);
        [
            is6.select(number(&m, ip, 8, 16), mapped(source)),
            is6.select(number(&m, ip, 24, 16), mapped(destination)),
        ]
    };
    let [peer2, net_id2] =
        [("parse2_peer", addresses[0]), ("parse2_net_id", addresses[1])].map(|(name, at)| m.delay(name, at));
    let (tagged2, is6_2) = (m.delay("parse2_tagged", tagged1), m.delay("parse2_is6", is6));

    m.section("The sum of an IPv4 header's words, with ones' complement's carries, is all ones");
    let word = |at: u32| number(&m, ip, 2 * at, 2).zero_extend(SUM);
    let twos = [0, 2, 4, 6, 8].map(|at| m.delay(&format!("parse2_sum{at}"), word(at) + word(at + 1)));
    let wide = twos.map(|sum| sum.zero_extend(20));
    let (left, right) = (wide[0] + wide[1], wide[2] + wide[3] + wide[4]);
    let left = m.delay("parse3_sum_left", left);
    let right = m.delay("parse3_sum_right", right);
    let sum4 = m.delay("parse4_sum", left + right);
    let folded = sum4.low(16).zero_extend(SUM) + sum4.high(4).zero_extend(SUM);
    let is6_4 = late(&m, "parse4_is6_", is6_2, 2);
    let bad_sum5 = m.delay("parse5_bad_sum", !is6_4 & !folded.is(0xffffu32));

    m.section("parse2: UDP and the base transport header");
    m.comment("Source port, UDP's checksum, solicited event and migration state, partition key, reserved, acknowledge request.");
    for ignored in [0..16, 48..64, 78..80, 80..96, 96..104, 128..136] {
        m.unused(udp.bits(ignored));
    }
    let of = |at: u32, bytes: u32| number(&m, udp, at, bytes);
    let udp_length = of(4, 2);
    let code = of(8, 1);
    let flags = of(9, 1);
    let is = |code_wanted: u8| code.is(u32::from(code_wanted));
    let first = is(opcode::WRITE_FIRST).named("first2");
    let middle = is(opcode::WRITE_MIDDLE).named("middle2");
    let last_plain = is(opcode::WRITE_LAST).named("last_plain2");
    let last_immediate = is(opcode::WRITE_LAST_IMMEDIATE).named("last_immediate2");
    let only_plain = is(opcode::WRITE_ONLY).named("only_plain2");
    let only_immediate = is(opcode::WRITE_ONLY_IMMEDIATE).named("only_immediate2");
    let reads = is(opcode::READ_REQUEST).named("reads2");
    let swaps = is(opcode::COMPARE_SWAP).named("swaps2");
    let adds = is(opcode::FETCH_ADD).named("adds2");
    let kinds = [first, middle, last_plain | last_immediate, only_plain | only_immediate, reads, swaps, adds];
    let kind3 = m.delay("parse3_kind", m.concat(&kinds));
    wire!(known = m.concat(&kinds).any());
    let header = |bytes: u32, kinds| m.constant(PLACE, bytes).gated_by(kinds);
    wire!(
        extended = header(4, last_immediate)
            | header(16, first | only_plain | reads)
            | header(20, only_immediate)
            | header(28, swaps | adds)
    );
    let extended3 = m.delay("parse3_extended", extended);
    let padding3 = m.delay("parse3_padding", flags.bits(4..6));
    let other_port = !of(2, 2).is(u32::from(ROCE_PORT));
    let other3 = m.delay("parse3_other", other2 | other_port | flags.low(4).any() | !known);
    let malformed3 = m.delay("parse3_malformed", malformed2 | udp_length.differs(behind2));
    let udp_length3 = m.delay("parse3_udp_length", udp_length);
    let before_ip = tagged2.select(m.constant(PLACE, 18u32), m.constant(PLACE, 14u32));
    let before_udp = is6_2.select(m.constant(PLACE, 40u32), m.constant(PLACE, 20u32));
    let before3 = m.delay("parse3_before_udp", before_ip + before_udp);
    let atomic = (swaps | adds).named("atomic2");
    let delayed = |name: &str, value| late(&m, &format!("{name}_after"), m.delay(name, value), 2);
    let opcode5 = delayed("parse3_opcode", code);
    let qpn5 = delayed("parse3_qpn", of(13, 3));
    let psn5 = delayed("parse3_psn", of(17, 3));
    let va5 = delayed("parse3_va", of(20, 8));
    let key5 = delayed("parse3_key", of(28, 4));
    let length5 = delayed("parse3_length", of(32, 4));
    let operand5 = delayed("parse3_operand", of(32, 8).gated_by(atomic));
    let compare5 = delayed("parse3_compare", of(40, 8).gated_by(swaps));

    m.section("parse3: lengths");
    m.comment("UDP's header, BTH, ICRC.");
    let less = extended3.zero_extend(SUM) + padding3.zero_extend(SUM) + m.constant(SUM, 24u32);
    let payload4 = m.delay("parse4_payload", udp_length3.zero_extend(SUM) - less);
    let end4 = m.delay("parse4_end", udp_length3.zero_extend(SUM) + before3.zero_extend(SUM));
    let place4 = m.delay("parse4_place", before3 + extended3 + m.constant(PLACE, 20u32));
    let padded4 = m.delay("parse4_padded", padding3.any());
    let kind4 = m.delay("parse4_kind", kind3);
    let other4 = m.delay("parse4_other", other3);
    let malformed4 = m.delay("parse4_malformed", malformed3);

    m.section("parse4: whether they can be");
    let bytes4 = late(&m, "parse_bytes", bytes, 4);
    let kind = |at: u32| kind4.bit(kinds.len() as u32 - 1 - at);
    let [first, middle, last] = [kind(0), kind(1), kind(2)];
    let empty = !payload4.any();
    wire!(too_much = payload4.greater_than(m.constant(SUM, LARGEST_PAYLOAD)));
    let sizes: Vec<_> = (8..=12).map(|bit| payload4.is(1u32 << bit)).collect();
    wire!(is_size = m.concat(&sizes).any());
    m.comment("With its ICRC checked, a frame ends with it.");
    let end = bytes4.zero_extend(SUM);
    wire!(cut = if d.checks_icrc { end4.differs(end) } else { end4.greater_than(end) });
    let no_payload = kind(4) | kind(5) | kind(6);
    let wrong = (first | middle) & (!is_size | padded4) | last & empty | no_payload & !empty | too_much | cut;
    let malformed5 = m.delay("parse5_malformed", malformed4 | wrong | icrc_wrong4.any());
    let other5 = m.delay("parse5_other", other4);
    let kind5 = m.delay("parse5_kind", kind4);
    let damaged5 = late(&m, "parse_damaged", damaged, 5);
    let kind = |at: u32| kind5.bit(kinds.len() as u32 - 1 - at);

    m.section("parse5: outputs");
    let fields = Fields {
        malformed: damaged5 | !other5 & (malformed5 | bad_sum5),
        other: !damaged5 & other5,
        first: kind(0),
        middle: kind(1),
        last: kind(2),
        only: kind(3),
        reads: kind(4),
        swaps: kind(5),
        adds: kind(6),
        opcode: opcode5,
        qpn: qpn5,
        psn: psn5,
        net_id: late(&m, "parse_net_id", net_id2, 3),
        peer: late(&m, "parse_peer", peer2, 3),
        va: va5,
        key: key5,
        length: length5,
        operand: operand5,
        compare: compare5,
        payload: m.delay("parse5_payload", payload4.low(BYTES)),
        place: m.delay("parse5_place", place4),
        beats: late(&m, "parse_beats", beats, 5),
    };
    m.output("fields_valid", late_valid(&m, "parse_valid", valid, 5));
    fields.outputs(&m, "fields");
    m.finish()
}

/// A number that stands in `bytes` bytes from `at` on, the highest byte first.
fn number<'m>(m: &'m ModuleBuilder, from: Signal<'m>, at: u32, bytes: u32) -> Signal<'m> {
    let parts: Vec<_> = (at..at + bytes).map(|byte| from.bits(8 * byte..8 * byte + 8)).collect();
    m.concat(&parts)
}
