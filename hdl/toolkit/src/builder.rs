//! Describing a module: ports, wires, registers, memories, instances, properties.
//!
//! A [`ModuleBuilder`] hands out [`Signal`]s, small `Copy` handles with operators. A mistake (two widths that
//! differ, a port connected twice…) is noted with its Rust source line and the description goes on; all
//! mistakes come out of [`ModuleBuilder::finish`] together.

use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;

use num_bigint::BigUint;

use crate::checks;
use crate::enumeration::Enumeration;
use crate::error::{DesignError, DesignErrors};
use crate::netlist::{
    Direction, Instance, InstanceId, Item, MAX_WIDTH, Memory, MemoryId, MemoryStyle, Module, Node, NodeId,
    Operation, Port, Property, ReadPort, Register, RegisterId, Source, WritePort,
};
use crate::signal::Signal;

/// Node of every zero-width signal; never looked up.
const NOWHERE: NodeId = NodeId(u32::MAX);

/// A module while it is being described.
pub struct ModuleBuilder {
    state: RefCell<State>,
}

struct State {
    module: Module,
    errors: Vec<DesignError>,
}

impl ModuleBuilder {
    /// Starts a module. `doc` becomes the comment above it; it may have several lines.
    pub fn new(name: &str, doc: &str) -> ModuleBuilder {
        let module = Module {
            name: name.to_owned(),
            doc: doc.trim().lines().map(|line| line.trim_end().to_owned()).collect(),
            ports: Vec::new(),
            absent_ports: Vec::new(),
            nodes: Vec::new(),
            registers: Vec::new(),
            memories: Vec::new(),
            instances: Vec::new(),
            items: Vec::new(),
            assertions: Vec::new(),
            covers: Vec::new(),
            unused: Vec::new(),
            combinational_paths: Vec::new(),
            has_clock: false,
            has_reset: false,
        };
        ModuleBuilder { state: RefCell::new(State { module, errors: Vec::new() }) }
    }

    // ---- ports -------------------------------------------------------------------------------------------

    /// An input port. Width 0 gives a signal without bits and no port.
    #[track_caller]
    pub fn input(&self, name: &str, width: u32) -> Signal<'_> {
        let source = Location::caller();
        if width == 0 {
            self.edit(|module| module.absent_ports.push(name.to_owned()));
            return self.nothing();
        }
        let position = self.edit(|module| module.ports.len());
        let signal = self.add(Operation::Input(position), width, Some(name), source);
        let (name, node, doc) = (name.to_owned(), signal.node, String::new());
        self.edit(|module| {
            module.ports.push(Port { name, direction: Direction::Input, width, node, doc, source });
        });
        signal
    }

    /// An output port that carries `value`. Width 0 gives no port.
    #[track_caller]
    pub fn output(&self, name: &str, value: Signal<'_>) {
        let source = Location::caller();
        if !self.owns(value, name, source) {
            return;
        }
        if value.width == 0 {
            self.edit(|module| module.absent_ports.push(name.to_owned()));
            return;
        }
        let (name, node, width) = (name.to_owned(), value.node, value.width);
        self.edit(|module| {
            let doc = String::new();
            module.ports.push(Port { name, direction: Direction::Output, width, node, doc, source });
        });
    }

    /// Puts a comment on port `name`.
    #[track_caller]
    pub fn port_doc(&self, name: &str, doc: &str) {
        let found = self.edit(|module| match module.ports.iter_mut().find(|port| port.name == name) {
            Some(port) => {
                port.doc = doc.to_owned();
                true
            }
            None => module.absent_ports.iter().any(|absent| absent == name),
        });
        if !found {
            self.mistake(Location::caller(), format!("there is no port `{name}` to put a comment on"));
        }
    }

    /// Declares that output `to` may depend combinationally on input `from`; without it that is an error.
    pub fn combinational_path(&self, from: &str, to: &str) {
        self.edit(|module| module.combinational_paths.push((from.to_owned(), to.to_owned())));
    }

    // ---- values ------------------------------------------------------------------------------------------

    /// A constant of `width` bits.
    #[track_caller]
    pub fn constant(&self, width: u32, value: impl Into<BigUint>) -> Signal<'_> {
        let (value, source) = (value.into(), Location::caller());
        if value.bits() > u64::from(width) {
            self.mistake(source, format!("constant {value} does not fit {width} bits; widen it"));
            return self.zero(width);
        }
        if width == 0 {
            return self.nothing();
        }
        self.add(Operation::Constant(value), width, None, source)
    }

    /// Zero, `width` bits wide.
    #[track_caller]
    pub fn zero(&self, width: u32) -> Signal<'_> {
        self.constant(width, 0u32)
    }

    /// A one-bit constant.
    #[track_caller]
    pub fn bit(&self, value: bool) -> Signal<'_> {
        self.constant(1, u32::from(value))
    }

    /// A constant of an enumeration, by name.
    #[track_caller]
    pub fn variant(&self, enumeration: &Arc<Enumeration>, variant: &str) -> Signal<'_> {
        let source = Location::caller();
        let Some(position) = enumeration.position(variant) else {
            self.mistake(source, format!("enumeration `{}` has no variant `{variant}`", enumeration.name));
            return self.zero(enumeration.width);
        };
        self.add(Operation::EnumConstant(enumeration.clone(), position), enumeration.width, None, source)
    }

    /// A named wire whose driver is given later with [`Signal::drive`]: for feedback and for ports of
    /// instances that are described further down.
    #[track_caller]
    pub fn wire(&self, name: &str, width: u32) -> Signal<'_> {
        if width == 0 {
            return self.nothing();
        }
        let signal = self.add(Operation::Wire(None), width, Some(name), Location::caller());
        self.edit(|module| module.items.push(Item::Value(signal.node)));
        signal
    }

    /// Parts side by side, most significant first, as Verilog's `{a, b}`. Zero-width parts vanish.
    #[track_caller]
    pub fn concat<'m>(&'m self, parts: &[Signal<'m>]) -> Signal<'m> {
        let source = Location::caller();
        if parts.iter().any(|part| !self.owns(*part, "concatenation", source)) {
            return self.zero(parts.iter().map(|part| part.width).sum::<u32>().min(MAX_WIDTH));
        }
        let parts: Vec<_> = parts.iter().filter(|part| part.width > 0).collect();
        match parts[..] {
            [] => self.nothing(),
            [only] => *only,
            _ => {
                let width = parts.iter().map(|part| part.width).sum();
                if width > MAX_WIDTH {
                    let message = format!("a concatenation of {width} bits is wider than {MAX_WIDTH}; split it");
                    self.mistake(source, message);
                    return self.zero(MAX_WIDTH);
                }
                self.add(Operation::Concat(parts.iter().map(|part| part.node).collect()), width, None, source)
            }
        }
    }

    /// Declares bits that are deliberately read by nobody; without it that is an error.
    #[track_caller]
    pub fn unused(&self, value: Signal<'_>) {
        if self.owns(value, "unused value", Location::caller()) && value.width > 0 {
            self.edit(|module| module.unused.push(value.node));
        }
    }

    // ---- state -------------------------------------------------------------------------------------------

    /// A register; give its next value with [`RegisterHandle::next`].
    #[track_caller]
    pub fn register(&self, name: &str, width: u32) -> RegisterHandle<'_> {
        let source = Location::caller();
        if width == 0 {
            return RegisterHandle { value: self.nothing(), id: None };
        }
        let id = RegisterId(self.edit(|module| module.registers.len()) as u32);
        let value = self.add(Operation::Register(id), width, Some(name), source);
        let (name, node) = (name.to_owned(), value.node);
        self.edit(|module| {
            module.registers.push(Register {
                name,
                width,
                node,
                next: None,
                enable: None,
                reset: None,
                source,
            });
            module.items.push(Item::Register(id));
        });
        RegisterHandle { value, id: Some(id) }
    }

    /// `next` delayed by one cycle: a register without enable or reset, for pipeline payload.
    #[track_caller]
    pub fn delay<'m>(&'m self, name: &str, next: Signal<'m>) -> Signal<'m> {
        let register = self.register(name, next.width);
        register.next(next);
        register.value()
    }

    /// `next` delayed by one cycle and zero in reset, for pipeline valid bits.
    #[track_caller]
    pub fn delay_reset<'m>(&'m self, name: &str, next: Signal<'m>) -> Signal<'m> {
        let register = self.register(name, next.width).reset_to(0u32);
        register.next(next);
        register.value()
    }

    /// A memory of `depth` words (a power of two, at least 2) of `width` bits (at least 1). `name` names the
    /// instance of the RAM wrapper in the Verilog. See [`Memory`] for what a read shows.
    #[track_caller]
    pub fn memory(&self, name: &str, width: u32, depth: u32) -> MemoryHandle<'_> {
        let source = Location::caller();
        if width == 0 || width > MAX_WIDTH || !depth.is_power_of_two() || depth < 2 {
            self.mistake(
                source,
                format!(
                    "memory `{name}` of {depth} words of {width} bits: depth must be a power of two from 2 on, \
                     width 1 to {MAX_WIDTH}"
                ),
            );
        }
        let (width, depth) = (width.clamp(1, MAX_WIDTH), depth.next_power_of_two().max(2));
        let memory = Memory {
            name: name.to_owned(),
            width,
            depth,
            read_latency: 1,
            style: MemoryStyle::Auto,
            write: None,
            reads: Vec::new(),
            source,
        };
        let id = MemoryId(self.edit(|module| {
            module.memories.push(memory);
            module.memories.len() - 1
        }) as u32);
        self.edit(|module| module.items.push(Item::Memory(id)));
        MemoryHandle { builder: self, id }
    }

    /// An instance of `module`. Connect its inputs with [`InstanceHandle::input`], ask for its outputs with
    /// [`InstanceHandle::output`]. `clk` and `rst` connect by themselves.
    #[track_caller]
    pub fn instance(&self, name: &str, module: &Arc<Module>) -> InstanceHandle<'_> {
        let source = Location::caller();
        let instance = Instance {
            name: name.to_owned(),
            module: module.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            source,
        };
        let id = InstanceId(self.edit(|module| {
            module.instances.push(instance);
            module.instances.len() - 1
        }) as u32);
        self.edit(|module| module.items.push(Item::Instance(id)));
        InstanceHandle { builder: self, id, module: module.clone() }
    }

    // ---- properties and comments ---------------------------------------------------------------------------

    /// States that `condition` (1 bit) is one in every cycle in which `rst` is low, from the first reset on.
    #[track_caller]
    pub fn assert_always(&self, name: &str, condition: Signal<'_>, doc: &str) {
        if let Some(property) = self.property(name, condition, doc, Location::caller()) {
            self.edit(|module| module.assertions.push(property));
        }
    }

    /// Names a situation that a campaign should reach: `condition` (1 bit) is one in some cycle out of reset.
    #[track_caller]
    pub fn cover(&self, name: &str, condition: Signal<'_>, doc: &str) {
        if let Some(property) = self.property(name, condition, doc, Location::caller()) {
            self.edit(|module| module.covers.push(property));
        }
    }

    fn property(&self, name: &str, condition: Signal<'_>, doc: &str, source: Source) -> Option<Property> {
        if !self.owns(condition, name, source) || !self.is_bit(condition, name, source) {
            return None;
        }
        let (name, doc) = (name.to_owned(), doc.to_owned());
        Some(Property { name, condition: condition.node, doc, source })
    }

    /// Starts a group, e.g. a pipeline stage: a heading in the Verilog, and registers grouped below it.
    pub fn section(&self, title: &str) {
        self.edit(|module| module.items.push(Item::Section(title.to_owned())));
    }

    /// A comment line in the Verilog, at this place.
    pub fn comment(&self, text: &str) {
        self.edit(|module| module.items.push(Item::Comment(text.to_owned())));
    }

    // ---- the end -------------------------------------------------------------------------------------------

    /// Checks the whole module (see [`crate::checks`]) and hands it out.
    ///
    /// # Errors
    /// Every mistake made while describing it, and every check that it fails.
    pub fn finish(self) -> Result<Arc<Module>, DesignErrors> {
        let State { mut module, mut errors } = self.state.into_inner();
        module.has_reset = module.registers.iter().any(|register| register.reset.is_some())
            || module.instances.iter().any(|instance| instance.module.has_reset);
        module.has_clock = !module.registers.is_empty()
            || !module.memories.is_empty()
            || module.instances.iter().any(|instance| instance.module.has_clock);
        for instance in &mut module.instances {
            instance.inputs.sort_by_key(|(port, _)| *port);
            instance.outputs.sort_by_key(|(port, _)| *port);
        }
        errors.extend(checks::check(&module));
        if errors.is_empty() { Ok(Arc::new(module)) } else { Err(DesignErrors(errors)) }
    }

    // ---- for the other files of this crate -----------------------------------------------------------------

    pub(crate) fn nothing(&self) -> Signal<'_> {
        Signal { builder: self, node: NOWHERE, width: 0 }
    }

    pub(crate) fn add(
        &self,
        operation: Operation,
        width: u32,
        name: Option<&str>,
        source: Source,
    ) -> Signal<'_> {
        let width = if width > MAX_WIDTH {
            self.mistake(source, format!("a value of {width} bits is wider than {MAX_WIDTH}; split it"));
            MAX_WIDTH
        } else {
            width
        };
        let (name, doc) = (name.map(str::to_owned), String::new());
        let node = NodeId(self.edit(|module| {
            module.nodes.push(Node { operation, width, name, doc, source });
            module.nodes.len() - 1
        }) as u32);
        Signal { builder: self, node, width }
    }

    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut Module) -> T) -> T {
        change(&mut self.state.borrow_mut().module)
    }

    pub(crate) fn mistake(&self, source: Source, message: String) {
        let mut state = self.state.borrow_mut();
        let module = state.module.name.clone();
        state.errors.push(DesignError { module, message, source });
    }

    /// How an error names a signal: by its name, or by the line that made it.
    pub(crate) fn describe(&self, signal: Signal<'_>) -> String {
        if signal.width == 0 {
            return "a zero-width signal".to_owned();
        }
        let state = signal.builder.state.borrow();
        let node = state.module.node(signal.node);
        let what = match &node.name {
            Some(name) => format!("`{name}`"),
            None => format!("the value made at {}:{}", node.source.file(), node.source.line()),
        };
        format!("{what} ({} bits)", signal.width)
    }

    pub(crate) fn owns(&self, signal: Signal<'_>, use_of: &str, source: Source) -> bool {
        let owned = std::ptr::eq(self, signal.builder);
        if !owned {
            let signal = signal.builder.describe(signal);
            self.mistake(
                source,
                format!("{use_of}: {signal} belongs to another module; pass it through a port"),
            );
        }
        owned
    }

    pub(crate) fn is_bit(&self, signal: Signal<'_>, use_of: &str, source: Source) -> bool {
        let is_bit = signal.width == 1;
        if !is_bit {
            let signal = self.describe(signal);
            self.mistake(source, format!("{use_of} must be 1 bit wide, but is {signal}"));
        }
        is_bit
    }
}

/// A register under description.
#[derive(Clone, Copy)]
pub struct RegisterHandle<'m> {
    value: Signal<'m>,
    id: Option<RegisterId>,
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
    builder: &'m ModuleBuilder,
    id: MemoryId,
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
    builder: &'m ModuleBuilder,
    id: InstanceId,
    module: Arc<Module>,
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
