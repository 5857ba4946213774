//! Writes Rust structs with a field per port, for a test bench that prefers names to offsets.
//!
//! The text goes into the user's source tree; a test that writes it again and compares keeps it current. A
//! struct carries the fingerprint of the ports that it was written for, and [`crate::Model::cycle_typed`] refuses
//! one that does not match.

use std::fmt::Write;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::{PortLayout, PortSlot};

/// A struct whose memory is the limbs of a design's inputs or outputs.
///
/// # Safety
/// Only generated code implements it: the type must be `#[repr(C)]`, consist of `u64` and arrays of `u64` with no
/// padding, and lie in memory as the ports do for which [`fingerprint`] is `FINGERPRINT`.
pub unsafe trait PortStruct: Copy + Default {
    /// The struct's name, for errors.
    const NAME: &'static str;
    /// [`fingerprint`] of the ports.
    const FINGERPRINT: u64;
}

/// A number that stands for names, widths and order of `slots` (FNV-1a, 64 bits).
pub fn fingerprint(slots: &[PortSlot]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for slot in slots {
        for byte in format!("{}:{}:{};", slot.name, slot.width, slot.offset).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// The Rust text of `<Top>Inputs` and `<Top>Outputs` for `module`, formatted as rustfmt does.
pub fn write(module: &Module) -> String {
    let layout = PortLayout::of(module);
    let top = camel_case(&module.name);
    let mut text = format!(
        "// Written by stagecoach-verilator from the ports of module {}; change the description, not this.\n\n",
        module.name
    );
    text.push_str("use stagecoach_verilator::PortStruct;\n");
    let sides =
        [("Inputs", &layout.inputs, layout.input_limbs), ("Outputs", &layout.outputs, layout.output_limbs)];
    for (side, slots, limbs) in sides {
        structure(&mut text, module, &format!("{top}{side}"), slots, limbs);
    }
    text
}

fn structure(text: &mut String, module: &Module, name: &str, slots: &[PortSlot], limbs: usize) {
    let side = if name.ends_with("Inputs") { "Inputs" } else { "Outputs" };
    let _ = writeln!(
        text,
        "\n/// {side} of one cycle of `{}`; wide ports are limbs, least significant first.",
        module.name
    );
    // The standard library has a default for arrays up to this length.
    let is_derivable = slots.iter().all(|slot| slot.limbs <= 32);
    let default = if is_derivable { ", Default" } else { "" };
    let _ = writeln!(text, "#[repr(C)]\n#[derive(Clone, Copy, Debug, PartialEq, Eq{default})]");
    let _ = writeln!(text, "pub struct {name} {{");
    for slot in slots {
        let doc = match module.port(&slot.name) {
            Some((_, port)) if !port.doc.is_empty() => format!(": {}", port.doc),
            None => ": synchronous reset".to_owned(),
            _ => String::new(),
        };
        let unit = if slot.width == 1 { "bit" } else { "bits" };
        let _ = writeln!(text, "    /// {} {unit}{doc}.", slot.width);
        let _ = writeln!(text, "    pub {}: {},", field_name(&slot.name), field_type(slot));
    }
    text.push_str("}\n\n");
    let _ = writeln!(text, "const _: () = assert!(size_of::<{name}>() == {});", limbs * 8);
    for slot in slots {
        let field = field_name(&slot.name);
        let _ = writeln!(
            text,
            "const _: () = assert!(std::mem::offset_of!({name}, {field}) == {});",
            slot.offset * 8
        );
    }
    if !is_derivable {
        default_of(text, name, slots);
    }
    text.push('\n');
    let _ = writeln!(
        text,
        "// SAFETY: `repr(C)` over `u64`s only; size and offsets are asserted above and were taken, with the\n\
         // fingerprint, from the same ports.\n\
         unsafe impl PortStruct for {name} {{\n    const NAME: &'static str = \"{name}\";\n    \
         const FINGERPRINT: u64 = {:#018x};\n}}",
        fingerprint(slots)
    );
}

fn default_of(text: &mut String, name: &str, slots: &[PortSlot]) {
    let _ = writeln!(text, "\nimpl Default for {name} {{\n    fn default() -> Self {{\n        Self {{");
    for slot in slots {
        let zero = if slot.limbs == 1 { "0".to_owned() } else { format!("[0; {}]", slot.limbs) };
        let _ = writeln!(text, "            {}: {zero},", field_name(&slot.name));
    }
    text.push_str("        }\n    }\n}\n");
}

fn field_type(slot: &PortSlot) -> String {
    if slot.limbs == 1 { "u64".to_owned() } else { format!("[u64; {}]", slot.limbs) }
}

/// Names that Verilog and C++ allow but Rust reserves become raw identifiers.
fn field_name(port: &str) -> String {
    const RESERVED: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "crate", "dyn", "fn", "gen", "impl", "in",
        "let", "loop", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "trait", "type",
        "unsafe", "unsized", "use", "where", "yield", "true",
    ];
    const NEVER: &[&str] = &["self", "super", "crate", "Self"];
    if NEVER.contains(&port) {
        format!("{port}_port")
    } else if RESERVED.contains(&port) {
        format!("r#{port}")
    } else {
        port.to_owned()
    }
}

fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str, width: u32, offset: usize) -> PortSlot {
        PortSlot { name: name.to_owned(), width, offset, limbs: width.div_ceil(64) as usize }
    }

    #[test]
    fn fingerprints_tell_layouts_apart() {
        let one = fingerprint(&[slot("a", 8, 0), slot("b", 9, 1)]);
        assert_ne!(one, fingerprint(&[slot("b", 8, 0), slot("a", 9, 1)]));
        assert_ne!(one, fingerprint(&[slot("a", 8, 0), slot("b", 8, 1)]));
        assert_eq!(one, fingerprint(&[slot("a", 8, 0), slot("b", 9, 1)]));
    }

    #[test]
    fn a_port_of_the_widest_kind_has_a_default_too() {
        let m = stagecoach_hdl::ModuleBuilder::new("broad", "");
        m.output("late", m.delay("held", m.input("early", 4096)));
        let text = write(&m.finish().unwrap());
        assert!(text.contains("early: [0; 64],") && !text.contains("Eq, Default"), "{text}");
    }

    #[test]
    fn names_become_rust() {
        assert_eq!(camel_case("mapping_unit"), "MappingUnit");
        assert_eq!(field_name("type"), "r#type");
        assert_eq!(field_name("self"), "self_port");
        assert_eq!(field_name("request"), "request");
    }
}
