//! Handles of what is connected step by step: registers, memories, instances.

use std::panic::Location;
use std::sync::Arc;

use num_bigint::BigUint;

use crate::builder::ModuleBuilder;
use crate::netlist::{
    Direction, InstanceId, MemoryId, MemoryStyle, Module, Operation, ReadPort, RegisterId, Source, WritePort,
};
use crate::signal::Signal;

/// A register under description.
#[derive(Clone, Copy)]
pub struct RegisterHandle<'m> {
    pub(crate) value: Signal<'m>,
    pub(crate) id: Option<RegisterId>,
}

impl<'m> RegisterHandle<'m> {
    /// The register's present value.
    pub fn value(self) -> Signal<'m> {
        self.value
    }

    /// Value taken while `rst` is high.
    #[track_caller]
    pub fn reset_to(self, value: impl Into<BigUint>) -> Self {
        let (value, builder) = (value.into(), self.value.builder);
        if value.bits() > u64::from(self.value.width) {
            let register = builder.describe(self.value);
            builder
                .mistake(Location::caller(), format!("reset value {value} does not fit register {register}"));
        } else if let Some(id) = self.id {
            builder.edit(|module| module.registers[id.index()].reset = Some(value));
        }
        self
    }

    /// Keeps its value while `enable` (1 bit) is zero.
    #[track_caller]
    pub fn enabled_by(self, enable: Signal<'m>) -> Self {
        let (builder, source) = (self.value.builder, Location::caller());
        if let Some(id) = self.id
            && builder.owns(enable, "enable of a register", source)
            && builder.is_bit(enable, "enable of a register", source)
        {
            builder.edit(|module| module.registers[id.index()].enable = Some(enable.node));
        }
        self
    }

    /// The value taken at the next clock edge; exactly once.
    #[track_caller]
    pub fn next(self, next: Signal<'m>) {
        let (builder, source) = (self.value.builder, Location::caller());
        if !builder.owns(next, "next value of a register", source) {
            return;
        }
        if next.width != self.value.width {
            let (register, next) = (builder.describe(self.value), builder.describe(next));
            builder.mistake(source, format!("register {register} and its next value {next} differ in width"));
            return;
        }
        let Some(id) = self.id else { return };
        let earlier = builder.edit(|module| module.registers[id.index()].next.replace(next.node));
        if earlier.is_some() {
            let register = builder.describe(self.value);
            builder.mistake(source, format!("register {register} is driven twice"));
        }
    }
}

/// A memory under description.
#[derive(Clone, Copy)]
pub struct MemoryHandle<'m> {
    pub(crate) builder: &'m ModuleBuilder,
    pub(crate) id: MemoryId,
}

impl<'m> MemoryHandle<'m> {
    /// Adds the output register: a word shows two edges after its address.
    pub fn output_register(self) -> Self {
        self.builder.edit(|module| module.memories[self.id.index()].read_latency = 2);
        self
    }

    /// Asks the synthesizer for a kind of storage.
    pub fn style(self, style: MemoryStyle) -> Self {
        self.builder.edit(|module| module.memories[self.id.index()].style = style);
        self
    }

    /// The write port; exactly once.
    #[track_caller]
    pub fn write(self, enable: Signal<'m>, address: Signal<'m>, data: Signal<'m>) {
        let source = Location::caller();
        let (width, address_width) = self.shape();
        let fits = self.fits("write enable", enable, 1, source)
            & self.fits("write address", address, address_width, source)
            & self.fits("write data", data, width, source);
        if !fits {
            return;
        }
        let port = WritePort { enable: enable.node, address: address.node, data: data.node };
        if self.builder.edit(|module| module.memories[self.id.index()].write.replace(port)).is_some() {
            self.builder
                .mistake(source, format!("memory `{}` has two write ports; one is allowed", self.name()));
        }
    }

    /// A read port that reads in every cycle; `name` names the word it shows. One or two ports.
    #[track_caller]
    pub fn read(self, name: &str, address: Signal<'m>) -> Signal<'m> {
        self.read_port(name, None, address, Location::caller())
    }

    /// A read port that keeps its word while `enable` is zero.
    #[track_caller]
    pub fn read_enabled(self, name: &str, enable: Signal<'m>, address: Signal<'m>) -> Signal<'m> {
        self.read_port(name, Some(enable), address, Location::caller())
    }

    fn read_port(
        self,
        name: &str,
        enable: Option<Signal<'m>>,
        address: Signal<'m>,
        source: Source,
    ) -> Signal<'m> {
        let (width, address_width) = self.shape();
        let fits = enable.is_none_or(|enable| self.fits("read enable", enable, 1, source))
            & self.fits("read address", address, address_width, source);
        if !fits {
            return self.builder.zero(width);
        }
        let port = self.builder.edit(|module| module.memories[self.id.index()].reads.len());
        if port == 2 {
            let message = format!("memory `{}` has three read ports; two are allowed", self.name());
            self.builder.mistake(source, message);
            return self.builder.zero(width);
        }
        let data = self.builder.add(Operation::MemoryRead(self.id, port), width, Some(name), source);
        let port =
            ReadPort { enable: enable.map(|enable| enable.node), address: address.node, data: data.node };
        self.builder.edit(|module| module.memories[self.id.index()].reads.push(port));
        data
    }

    fn shape(self) -> (u32, u32) {
        self.builder.edit(|module| {
            let memory = &module.memories[self.id.index()];
            (memory.width, memory.address_width())
        })
    }

    fn name(self) -> String {
        self.builder.edit(|module| module.memories[self.id.index()].name.clone())
    }

    fn fits(self, what: &str, signal: Signal<'m>, width: u32, source: Source) -> bool {
        if !self.builder.owns(signal, what, source) {
            return false;
        }
        if signal.width != width {
            let (name, signal) = (self.name(), self.builder.describe(signal));
            self.builder
                .mistake(source, format!("{what} of memory `{name}` takes {width} bits, not {signal}"));
        }
        signal.width == width
    }
}

/// An instance under description.
#[derive(Clone)]
pub struct InstanceHandle<'m> {
    pub(crate) builder: &'m ModuleBuilder,
    pub(crate) id: InstanceId,
    pub(crate) module: Arc<Module>,
}

impl<'m> InstanceHandle<'m> {
    /// Connects input port `port`; each exactly once. A zero-width signal fits a port that was described with
    /// zero width.
    #[track_caller]
    pub fn input(&self, port: &str, value: Signal<'m>) -> &Self {
        let source = Location::caller();
        if !self.builder.owns(value, port, source) {
            return self;
        }
        let Some((position, found)) = self.find(port, Direction::Input, source) else {
            if value.width != 0 && self.is_absent(port) {
                let value = self.builder.describe(value);
                self.builder.mistake(source, format!("port `{port}` has zero width, but {value} drives it"));
            }
            return self;
        };
        if found != value.width {
            let (value, child) = (self.builder.describe(value), &self.module.name);
            let message =
                format!("port `{port}` ({found} bits) of `{child}` and its driver {value} differ in width");
            self.builder.mistake(source, message);
            return self;
        }
        let twice = self.builder.edit(|module| {
            let inputs = &mut module.instances[self.id.index()].inputs;
            let twice = inputs.iter().any(|(connected, _)| *connected == position);
            inputs.push((position, value.node));
            twice
        });
        if twice {
            self.builder
                .mistake(source, format!("port `{port}` of `{}` is connected twice", self.module.name));
        }
        self
    }

    /// The value of output port `port`, as a wire called `name`.
    #[track_caller]
    pub fn output_as(&self, port: &str, name: &str) -> Signal<'m> {
        let source = Location::caller();
        let Some((position, width)) = self.find(port, Direction::Output, source) else {
            return self.builder.nothing();
        };
        let earlier = self.builder.edit(|module| {
            let outputs = &module.instances[self.id.index()].outputs;
            outputs.iter().find(|(asked, _)| *asked == position).map(|(_, node)| *node)
        });
        if let Some(node) = earlier {
            return Signal { builder: self.builder, node, width };
        }
        let value = self.builder.add(Operation::InstanceOutput(self.id, position), width, Some(name), source);
        self.builder.edit(|module| module.instances[self.id.index()].outputs.push((position, value.node)));
        value
    }

    /// The value of output port `port`, as a wire called `<instance>_<port>`.
    #[track_caller]
    pub fn output(&self, port: &str) -> Signal<'m> {
        let instance = self.builder.edit(|module| module.instances[self.id.index()].name.clone());
        self.output_as(port, &format!("{instance}_{port}"))
    }

    fn is_absent(&self, port: &str) -> bool {
        self.module.absent_ports.iter().any(|absent| absent == port)
    }

    fn find(&self, port: &str, direction: Direction, source: Source) -> Option<(usize, u32)> {
        let found = self.module.port(port).filter(|(_, found)| found.direction == direction);
        if found.is_none() && !self.is_absent(port) {
            let wanted = if direction == Direction::Input { "input" } else { "output" };
            let have: Vec<_> = self.module.ports.iter().filter(|port| port.direction == direction).collect();
            let have = have.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join(", ");
            let child = &self.module.name;
            self.builder.mistake(source, format!("`{child}` has no {wanted} port `{port}`; it has: {have}"));
        }
        found.map(|(position, port)| (position, port.width))
    }
}
