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
use crate::handles::{InstanceHandle, MemoryHandle, RegisterHandle};
use crate::netlist::{
    Direction, Instance, InstanceId, Item, MAX_WIDTH, Memory, MemoryId, MemoryStyle, Module, Node, NodeId,
    Operation, Port, Property, Register, RegisterId, Source,
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
    #[track_caller]
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
            keep_hierarchy: false,
            has_clock: false,
            has_reset: false,
        };
        let builder = ModuleBuilder { state: RefCell::new(State { module, errors: Vec::new() }) };
        if let Some(problem) = checks::illegal_name(name) {
            builder.mistake(Location::caller(), format!("module name `{name}` {problem}"));
        }
        builder
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

    /// Asks synthesizers to keep the module apart from its surroundings, as a copy of a register needs that is
    /// there to share a fan-out: equal registers are merged otherwise, whatever attribute they carry themselves.
    pub fn keep_hierarchy(&self) {
        self.edit(|module| module.keep_hierarchy = true);
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
                    let message =
                        format!("a concatenation of {width} bits is wider than {MAX_WIDTH}; split it");
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
        module.find_clock_and_reset();
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
