//! Bundles: structs of named signals that become ports, registers or one packed word together.

use crate::builder::ModuleBuilder;
use crate::handles::InstanceHandle;
use crate::signal::Signal;

/// A struct of signals. [`crate::bundle!`] writes the implementation.
pub trait Bundle<'m>: Copy {
    /// Field names, in the order of declaration.
    const FIELDS: &'static [&'static str];

    /// The fields' signals, in the order of declaration.
    fn signals(&self) -> Vec<Signal<'m>>;

    /// A bundle of `signals`, one per field.
    fn from_signals(signals: &[Signal<'m>]) -> Self;

    /// The width of each field.
    fn widths(&self) -> Vec<u32> {
        self.signals().iter().map(|signal| signal.width()).collect()
    }

    /// All fields side by side, the first declared most significant.
    #[track_caller]
    fn pack(&self, builder: &'m ModuleBuilder) -> Signal<'m> {
        builder.concat(&self.signals())
    }

    // The loops below are no iterator chains: a closure would hide the designer's source line.

    /// The inverse of [`Bundle::pack`]: cuts `packed` into fields of `widths`.
    #[track_caller]
    fn unpack(packed: Signal<'m>, widths: &[u32]) -> Self {
        let mut above: u32 = widths.iter().sum();
        let mut fields = Vec::new();
        for width in widths {
            above -= width;
            fields.push(packed.bits(above..above + width));
        }
        Self::from_signals(&fields)
    }

    /// Input ports `<prefix>_<field>` of the given widths; zero-width fields get none.
    #[track_caller]
    fn inputs(builder: &'m ModuleBuilder, prefix: &str, widths: &[u32]) -> Self {
        let mut fields = Vec::new();
        for (name, width) in Self::FIELDS.iter().zip(widths) {
            fields.push(builder.input(&format!("{prefix}_{name}"), *width));
        }
        Self::from_signals(&fields)
    }

    /// Output ports `<prefix>_<field>`.
    #[track_caller]
    fn outputs(&self, builder: &'m ModuleBuilder, prefix: &str) {
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            builder.output(&format!("{prefix}_{name}"), signal);
        }
    }

    /// Each field delayed by one cycle, in registers `<prefix>_<field>` without reset.
    #[track_caller]
    fn delay(&self, builder: &'m ModuleBuilder, prefix: &str) -> Self {
        let mut fields = Vec::new();
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            fields.push(builder.delay(&format!("{prefix}_{name}"), signal));
        }
        Self::from_signals(&fields)
    }

    /// Each field delayed by one cycle, in registers that are zero in reset.
    #[track_caller]
    fn delay_reset(&self, builder: &'m ModuleBuilder, prefix: &str) -> Self {
        let mut fields = Vec::new();
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            fields.push(builder.delay_reset(&format!("{prefix}_{name}"), signal));
        }
        Self::from_signals(&fields)
    }

    /// Each field delayed by one cycle where `enable` is one, else kept.
    #[track_caller]
    fn hold(&self, builder: &'m ModuleBuilder, prefix: &str, enable: Signal<'m>) -> Self {
        let mut fields = Vec::new();
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            let register = builder.register(&format!("{prefix}_{name}"), signal.width()).enabled_by(enable);
            register.next(signal);
            fields.push(register.value());
        }
        Self::from_signals(&fields)
    }

    /// Each field named `<prefix>_<field>`.
    #[track_caller]
    fn named(&self, prefix: &str) -> Self {
        let mut fields = Vec::new();
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            fields.push(signal.named(format!("{prefix}_{name}")));
        }
        Self::from_signals(&fields)
    }

    /// Each field where `condition` (1 bit) is one, else zero.
    #[track_caller]
    fn gated_by(&self, condition: Signal<'m>) -> Self {
        let mut fields = Vec::new();
        for signal in self.signals() {
            fields.push(signal.gated_by(condition));
        }
        Self::from_signals(&fields)
    }

    /// Field by field `condition ? self : otherwise`.
    #[track_caller]
    fn select(&self, condition: Signal<'m>, otherwise: Self) -> Self {
        let mut fields = Vec::new();
        for (then, otherwise) in self.signals().into_iter().zip(otherwise.signals()) {
            fields.push(condition.select(then, otherwise));
        }
        Self::from_signals(&fields)
    }

    /// Connects the fields to input ports `<prefix>_<field>` of an instance.
    #[track_caller]
    fn connect(&self, instance: &InstanceHandle<'m>, prefix: &str) {
        for (name, signal) in Self::FIELDS.iter().zip(self.signals()) {
            instance.input(&format!("{prefix}_{name}"), signal);
        }
    }

    /// The output ports `<prefix>_<field>` of an instance, as wires `<wire_prefix>_<field>`.
    #[track_caller]
    fn of_instance(instance: &InstanceHandle<'m>, prefix: &str, wire_prefix: &str) -> Self {
        let mut fields = Vec::new();
        for name in Self::FIELDS {
            fields.push(instance.output_as(&format!("{prefix}_{name}"), &format!("{wire_prefix}_{name}")));
        }
        Self::from_signals(&fields)
    }
}

/// Declares a bundle: a `Copy` struct of [`Signal`]s and its [`Bundle`] implementation.
///
/// ```
/// stagecoach_hdl::bundle! {
///     /// A write to a memory.
///     pub struct Write {
///         /// Where.
///         address,
///         /// What.
///         data,
///     }
/// }
/// ```
#[macro_export]
macro_rules! bundle {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m> {
            $($(#[$field_doc])* pub $field: $crate::Signal<'m>,)+
        }

        impl<'m> $crate::Bundle<'m> for $name<'m> {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn signals(&self) -> Vec<$crate::Signal<'m>> {
                vec![$(self.$field),+]
            }

            fn from_signals(signals: &[$crate::Signal<'m>]) -> Self {
                let mut signals = signals.iter().copied();
                Self { $($field: signals.next().expect("one signal per field")),+ }
            }
        }
    };
}
