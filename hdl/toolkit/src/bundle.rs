//! Bundles: structs of named signals that become ports, registers or one packed word together.

use crate::builder::{InstanceHandle, ModuleBuilder};
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

    /// The bundle of `change(name, signal)` for each field.
    fn map(&self, mut change: impl FnMut(&'static str, Signal<'m>) -> Signal<'m>) -> Self {
        let changed: Vec<_> =
            Self::FIELDS.iter().zip(self.signals()).map(|(name, s)| change(name, s)).collect();
        Self::from_signals(&changed)
    }

    /// All fields side by side, the first declared most significant.
    #[track_caller]
    fn pack(&self, builder: &'m ModuleBuilder) -> Signal<'m> {
        builder.concat(&self.signals())
    }

    /// The inverse of [`Bundle::pack`]: cuts `packed` into fields of `widths`.
    #[track_caller]
    fn unpack(packed: Signal<'m>, widths: &[u32]) -> Self {
        let mut above: u32 = widths.iter().sum();
        let fields: Vec<_> = widths
            .iter()
            .map(|width| {
                above -= width;
                packed.bits(above..above + width)
            })
            .collect();
        Self::from_signals(&fields)
    }

    /// Input ports `<prefix>_<field>` of the given widths; zero-width fields get none.
    #[track_caller]
    fn inputs(builder: &'m ModuleBuilder, prefix: &str, widths: &[u32]) -> Self {
        let fields: Vec<_> = Self::FIELDS
            .iter()
            .zip(widths)
            .map(|(name, width)| builder.input(&format!("{prefix}_{name}"), *width))
            .collect();
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
        self.map(|name, signal| builder.delay(&format!("{prefix}_{name}"), signal))
    }

    /// Each field delayed by one cycle where `enable` is one, else kept.
    #[track_caller]
    fn hold(&self, builder: &'m ModuleBuilder, prefix: &str, enable: Signal<'m>) -> Self {
        self.map(|name, signal| {
            let register = builder.register(&format!("{prefix}_{name}"), signal.width()).enabled_by(enable);
            register.next(signal);
            register.value()
        })
    }

    /// Each field named `<prefix>_<field>`.
    #[track_caller]
    fn named(&self, prefix: &str) -> Self {
        self.map(|name, signal| signal.named(format!("{prefix}_{name}")))
    }

    /// Field by field `condition ? self : otherwise`.
    #[track_caller]
    fn select(&self, condition: Signal<'m>, otherwise: Self) -> Self {
        let mut others = otherwise.signals().into_iter();
        self.map(|_, signal| condition.select(signal, others.next().expect("both are the same bundle")))
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
        let fields: Vec<_> = Self::FIELDS
            .iter()
            .map(|name| instance.output_as(&format!("{prefix}_{name}"), &format!("{wire_prefix}_{name}")))
            .collect();
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
