//! The contract's codes as enumerations, so that the Verilog shows their names.

use std::sync::Arc;

use stagecoach_hdl::{Enumeration, ModuleBuilder, Signal};
use stagecoach_spec::{Fault, Op, UpdateError, UpdateOp};

use crate::widths::FAULT;

/// A code whose name reaches the Verilog.
pub trait Code: Copy {
    /// All codes of its kind.
    fn enumeration() -> Arc<Enumeration>;

    /// Its name there.
    fn name(self) -> &'static str;
}

/// The constant for a code.
#[track_caller]
pub fn code<C: Code>(m: &ModuleBuilder, code: C) -> Signal<'_> {
    m.variant(&C::enumeration(), code.name())
}

/// The signal carries this code.
#[track_caller]
pub fn is<'m, C: Code>(signal: Signal<'m>, wanted: C) -> Signal<'m> {
    signal.equals(code(signal.builder(), wanted))
}

macro_rules! code {
    ($type:ty, $name:literal, $width:expr, $all:expr) => {
        impl Code for $type {
            fn enumeration() -> Arc<Enumeration> {
                let variants: Vec<_> = $all.map(|code| (code.name(), u64::from(code.code()))).collect();
                Enumeration::new($name, $width, &variants)
            }

            fn name(self) -> &'static str {
                <$type>::name(self)
            }
        }
    };
}

// Faults inside the unit are narrower than at the port.
code!(Fault, "fault", FAULT, Fault::ALL.into_iter());
code!(Op, "op", 3, Op::ALL.into_iter());
code!(UpdateOp, "update", 5, UpdateOp::ALL.into_iter());
code!(UpdateError, "error", 8, UpdateError::ALL.into_iter());
