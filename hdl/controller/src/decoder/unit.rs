//! The blocks of the packet decoder, joined.

use std::sync::Arc;

use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder};
use stagecoach_spec::registers::Register;

use super::setup::Write;
use super::shape::{FRAMES, Shape};
use super::words::{Fields, Found};
use super::{admit, carry, parse, queue_pairs, setup, split, store};
use crate::stream_buffer;

/// Describes the decoder. Ports `s_axis_frame_*` are the controller's; `s_axis_request_*`, `s_axis_payload_*` and `message_*`
/// lead to the processing unit, the others to block `control`.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("packet_decoder", "The packet decoder: makes accesses of RoCEv2 frames.");
    let store = store::describe(d)?;
    let stores = m.instance("store_block", &store);
    let parses = m.instance("parse_block", &parse::describe(d)?);
    let pairs = m.instance("queue_pairs_block", &queue_pairs::describe(d)?);
    let admits = m.instance("admit_block", &admit::describe(d)?);
    let splits = m.instance("split_block", &split::describe(d)?);
    let carries = m.instance("carry_block", &carry::describe(d)?);
    let setups = m.instance("setup_block", &setup::describe(d)?);

    m.section("Frames");
    let frames = store.ports.iter().filter(|port| port.name.starts_with("s_axis_frame_"));
    for port in frames.filter(|port| port.direction == Direction::Input) {
        stores.input(&port.name, m.input(&port.name, port.width).doc(&port.doc));
    }
    m.section("The processing unit");
    let piece_ready = m.input("s_axis_request_tready", 1);
    let payload_ready = m.input("s_axis_payload_tready", 1);
    let refused = m.input("message_refused", 1);
    let refused_written = m.input("message_written", 1);
    m.section("Registers");
    for (port, width, doc) in [
        ("command_valid", 1, "a command begins; only when ready"),
        ("command_op", 3, ""),
        ("command_index", 16, "stays until ready"),
        ("command_words", 256, "stay until ready"),
    ] {
        setups.input(port, m.input(port, width).doc(doc));
    }

    m.section("store, parse, queue_pairs");
    for port in ["head_valid", "head", "head_bytes", "head_beats", "head_damaged"] {
        parses.input(port, stores.output(port));
    }
    parses.input("icrc_wrong", stores.output("icrc_wrong"));
    let fields = Fields::of_instance(&parses, "fields", "fields");
    let parsed = parses.output("fields_valid");
    pairs.input("in_valid", parsed).input("in_identifier", m.concat(&[fields.net_id, fields.qpn]));
    Write::of_instance(&setups, "write", "write").connect(&pairs, "write");
    let found = Found::of_instance(&pairs, "found", "found");

    m.section("admit");
    let take = admits.output("take");
    let said = [
        ("fields", parsed, fields.pack(&m), d.fields()),
        ("found", pairs.output("found_valid"), found.pack(&m), d.found()),
    ];
    for (name, valid, word, widths) in said {
        let module = stream_buffer::describe(&format!("decoder_{name}"), widths.iter().sum(), FRAMES)?;
        let buffer = m.instance(&format!("{name}_buffer"), &module);
        buffer.input("in_valid", valid).input("in_word", word).input("take", take);
        admits.input(&format!("{name}_valid"), buffer.output("front_valid"));
        admits.input(&format!("{name}_word"), buffer.output("front_word"));
    }
    for port in ["message_write", "message_place", "message_written_word"] {
        admits.input(port, setups.output(port));
    }
    setups
        .input("message_written", admits.output("message_written"))
        .input("message_word", admits.output("host_message_word"))
        .input("refused_written", refused_written)
        .input("refused_word", refused);

    m.section("split, carry");
    let request_take = splits.output("take");
    let module = stream_buffer::describe("decoder_requests", d.admitted().iter().sum(), FRAMES)?;
    let requests = m.instance("requests_buffer", &module);
    requests
        .input("in_valid", admits.output("request_valid"))
        .input("in_word", admits.output("request_word"))
        .input("take", request_take);
    admits.input("request_gone", request_take);
    splits
        .input("request_valid", requests.output("front_valid"))
        .input("request_word", requests.output("front_word"))
        .input("piece_ready", piece_ready);
    let cargo_take = carries.output("cargo_take");
    let module = stream_buffer::describe("decoder_cargo", d.cargo().iter().sum(), FRAMES)?;
    let cargo = m.instance("cargo_buffer", &module);
    cargo
        .input("in_valid", admits.output("cargo_valid"))
        .input("in_word", admits.output("cargo_word"))
        .input("take", cargo_take);
    carries
        .input("cargo_valid", cargo.output("front_valid"))
        .input("cargo_word", cargo.output("front_word"))
        .input("beat_ready", stores.output("beat_ready"))
        .input("beat_word", stores.output("beat_word"))
        .input("payload_ready", payload_ready);
    stores
        .input("opens", setups.output("opens"))
        .input("beat_take", carries.output("beat_take"))
        .input("frame_gone", m.delay_reset("frame_gone", cargo_take));

    m.section("Outputs");
    m.output("s_axis_frame_tready", stores.output("s_axis_frame_tready"));
    m.output("s_axis_request_tvalid", splits.output("piece_valid"));
    m.output("s_axis_request_tdata", splits.output("piece_request"));
    m.output("s_axis_request_tuser", splits.output("piece_message"));
    for (port, name) in [("tvalid", "valid"), ("tdata", "data"), ("tkeep", "keep"), ("tlast", "last")] {
        m.output(&format!("s_axis_payload_{port}"), carries.output(&format!("payload_{name}")));
    }
    m.output("message_index", setups.output("refused_place"));
    m.output("message_write", setups.output("refused_write"));
    m.output("message_write_refused", setups.output("refused_written_bit"));
    for port in ["loads", "loaded_words", "ready"] {
        m.output(&format!("command_{port}"), setups.output(port));
    }
    for register in Register::FRAME_COUNTS {
        let count = register.description().name;
        m.output(&format!("{count}_count"), admits.output(&format!("{count}_count")));
    }
    m.finish()
}
