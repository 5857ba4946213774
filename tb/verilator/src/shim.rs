//! Writes the C++ between a Verilator model and Rust, from the ports of the described module.
//!
//! The shim exports a handful of `extern "C"` functions, the same for every design (see [`crate::Model`]); what
//! differs per design is how limbs are copied to and from Verilator's variables. It holds no global state: each
//! model owns its `VerilatedContext`.

use std::fmt::Write;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::{PortLayout, PortSlot};

use crate::{Coverage, Error, Initial, Options};

/// Number of the set of exported functions; a shared object with another one is refused.
pub const ABI: u64 = 1;

/// Class of the Verilator model, whatever the top module is called, so that two of one program look alike.
pub const CLASS: &str = "Vmodel";

/// Members of Verilator's model class; a port of that name does not compile, or worse.
const CLASS_MEMBERS: &[&str] = &[
    "atClone",
    "contextp",
    "eval",
    "eval_end_step",
    "eval_step",
    "eventsPending",
    "final",
    "hierName",
    "modelName",
    "name",
    "nextTimeSlot",
    "prepareClone",
    "rootp",
    "threads",
    "trace",
    "traceBaseModel",
    "traceCapable",
    "vlSymsp",
];

/// The header that goes before every C++ file of a build: what Verilator's runtime prints is kept for the
/// error instead.
pub fn print_header() -> &'static str {
    "// Verilator's runtime prints through this macro.\n\
     #ifndef STAGECOACH_PRINT_H\n\
     #define STAGECOACH_PRINT_H\n\
     #ifdef __cplusplus\n\
     extern \"C\" int stagecoach_print(const char* format, ...);\n\
     #define VL_PRINTF stagecoach_print\n\
     #endif\n\
     #endif\n"
}

/// The shim of `module`.
///
/// # Errors
/// [`Error::Design`] for a port whose name Verilator's model class has for itself.
pub fn write(module: &Module, options: &Options) -> Result<String, Error> {
    let layout = PortLayout::of(module);
    for slot in layout.inputs.iter().chain(&layout.outputs) {
        if CLASS_MEMBERS.contains(&slot.name.as_str()) {
            return Err(Error::Design(format!(
                "module {}: Verilator's model class has a member `{}` of its own; rename that port",
                module.name, slot.name
            )));
        }
    }
    let mut text = String::new();
    let define = |text: &mut String, name: &str, is_on: bool| {
        let _ = writeln!(text, "#define {name} {}", u8::from(is_on));
    };
    let _ = writeln!(text, "// Written by stagecoach-verilator from the ports of module {}.", module.name);
    define(&mut text, "HAS_CLOCK", module.has_clock);
    define(&mut text, "HAS_WAVE", options.wave);
    define(&mut text, "HAS_COVERAGE", options.coverage != Coverage::None);
    define(&mut text, "HAS_ASSERTIONS", options.assertions);
    define(&mut text, "IS_RANDOMISED", matches!(options.initial, Initial::Unique));
    let _ = writeln!(text, "static const unsigned long long STAGECOACH_ABI = {ABI};");
    text.push_str(include_str!("shim_head.cpp"));
    structure(&mut text, "Inputs", &layout.inputs);
    structure(&mut text, "Outputs", &layout.outputs);
    table(&mut text, &layout);
    text.push_str("inline void take(Vmodel& top, const uint64_t* in) {\n    (void)top; (void)in;\n");
    layout.inputs.iter().for_each(|slot| take(&mut text, slot));
    text.push_str("}\n\ninline void show(const Vmodel& top, uint64_t* out) {\n    (void)top; (void)out;\n");
    layout.outputs.iter().for_each(|slot| show(&mut text, slot));
    text.push_str("}\n\n}  // namespace\n\n");
    text.push_str(include_str!("shim_tail.cpp"));
    Ok(text)
}

fn structure(text: &mut String, name: &str, slots: &[PortSlot]) {
    let _ = writeln!(text, "struct {name} {{");
    for slot in slots {
        let _ = match slot.limbs {
            1 => writeln!(text, "    uint64_t {};  // {} bits", slot.name, slot.width),
            limbs => writeln!(text, "    uint64_t {}[{limbs}];  // {} bits", slot.name, slot.width),
        };
    }
    text.push_str("};\n\n");
}

/// What Rust compares with its own layout: length, ABI, limbs of both structs, then (width, offset, size in
/// limbs) of every port, as the C++ compiler sees them.
fn table(text: &mut String, layout: &PortLayout) {
    let size = |name: &str, slots: &[PortSlot]| match slots {
        [] => "0".to_owned(), // an empty struct has a size all the same
        _ => format!("sizeof({name}) / 8"),
    };
    text.push_str("const uint64_t layout_table[] = {\n");
    let _ = writeln!(text, "    {}, STAGECOACH_ABI,", expected_table(layout).len());
    let _ = writeln!(text, "    {},", size("Inputs", &layout.inputs));
    let _ = writeln!(text, "    {},", size("Outputs", &layout.outputs));
    for (name, slots) in [("Inputs", &layout.inputs), ("Outputs", &layout.outputs)] {
        for PortSlot { name: port, width, .. } in slots {
            let _ = writeln!(text, "    {width}, offsetof({name}, {port}) / 8, sizeof({name}::{port}) / 8,");
        }
    }
    text.push_str("};\n\n");
}

/// The table that a fitting model has.
pub(crate) fn expected_table(layout: &PortLayout) -> Vec<u64> {
    let mut table = vec![0, ABI, layout.input_limbs as u64, layout.output_limbs as u64];
    for slot in layout.inputs.iter().chain(&layout.outputs) {
        table.extend([u64::from(slot.width), slot.offset as u64, slot.limbs as u64]);
    }
    table[0] = table.len() as u64;
    table
}

/// Verilator's variables are 8, 16, 32 or 64 bits, or an array of 32-bit words; it relies on the bits above
/// a port's width being zero.
fn take(text: &mut String, PortSlot { name, width, offset, .. }: &PortSlot) {
    let _ = match *width {
        0..=64 => {
            let kind = match width {
                0..=8 => "CData",
                9..=16 => "SData",
                17..=32 => "IData",
                _ => "QData",
            };
            let mask = u64::MAX >> (64 - width);
            writeln!(text, "    top.{name} = static_cast<{kind}>(in[{offset}] & 0x{mask:x}ULL);")
        }
        _ => {
            // Limb by limb: the bench has only just written them, and a wider load would wait until each store has
            // left the store buffer (measured: 8 % of the speed of a whole lookup).
            let words = width.div_ceil(32);
            for low in (0..words).step_by(2) {
                let (limb, bytes) = (offset + low as usize / 2, (words - low).min(2) * 4);
                let _ = writeln!(text, "    std::memcpy(top.{name}.data() + {low}, in + {limb}, {bytes});");
            }
            match width % 32 {
                0 => Ok(()),
                rest => {
                    let mask = u32::MAX >> (32 - rest);
                    writeln!(text, "    top.{name}.data()[{}] &= 0x{mask:x}U;", words - 1)
                }
            }
        }
    };
}

fn show(text: &mut String, PortSlot { name, width, offset, limbs }: &PortSlot) {
    let _ = match *width {
        0..=64 => writeln!(text, "    out[{offset}] = top.{name};"),
        _ => {
            let words = width.div_ceil(32);
            if words % 2 == 1 {
                let _ = writeln!(text, "    out[{}] = 0;", offset + limbs - 1);
            }
            writeln!(text, "    std::memcpy(out + {offset}, top.{name}.data(), {});", words * 4)
        }
    };
}
