//! Registers as these blocks use them, and paths that go past them.

use stagecoach_hdl::{ModuleBuilder, Signal};

/// A value kept from the cycle of `enable` on.
pub(crate) fn keep<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    enable: Signal<'m>,
    value: Signal<'m>,
) -> Signal<'m> {
    let kept = m.register(name, value.width()).enabled_by(enable);
    kept.next(value);
    kept.value()
}

/// Payload, some cycles later: registers `<name>0` and so on.
pub(crate) fn late<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>, cycles: u32) -> Signal<'m> {
    (0..cycles).fold(value, |value, cycle| m.delay(&format!("{name}{cycle}"), value))
}

/// A valid bit, some cycles later.
pub(crate) fn late_valid<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>, cycles: u32) -> Signal<'m> {
    (0..cycles).fold(value, |value, cycle| m.delay_reset(&format!("{name}{cycle}"), value))
}

/// Declares that outputs of a block may depend on inputs in the same cycle; a register is before and behind them.
pub(crate) fn same_cycle(m: &ModuleBuilder, inputs: &[&str], outputs: &[&str]) {
    for input in inputs {
        for output in outputs {
            m.combinational_path(input, output);
        }
    }
}
