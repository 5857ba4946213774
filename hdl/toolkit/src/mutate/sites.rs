//! Where each rule applies in a module.

use num_bigint::BigUint;

use super::edit::{Edit, MemoryPort};
use super::place::Places;
use super::{Mutation, Rule};
use crate::netlist::{
    Binary, InstanceId, Memory, MemoryId, Module, NodeId, Operation, Register, RegisterId, Source, Unary,
};

/// All mutations of a module; some may not be sound.
pub(super) fn of(module: &Module) -> Vec<Mutation> {
    let mut sites = Sites { module, places: Places::of(module), found: Vec::new() };
    for position in 0..module.nodes.len() {
        let node = NodeId(position as u32);
        if sites.places.is_live(node) {
            sites.node(node);
        }
    }
    for (position, register) in module.registers.iter().enumerate() {
        if sites.places.is_live(register.node) {
            sites.register(RegisterId(position as u32), register);
        }
    }
    for (position, memory) in module.memories.iter().enumerate() {
        if memory.reads.iter().any(|read| sites.places.is_live(read.data)) {
            sites.memory(MemoryId(position as u32), memory);
        }
    }
    for position in 0..module.instances.len() {
        sites.instance(InstanceId(position as u32));
    }
    sites.found
}

struct Sites<'m> {
    module: &'m Module,
    places: Places<'m>,
    found: Vec<Mutation>,
}

impl Sites<'_> {
    fn add(&mut self, rule: Rule, place: &str, source: Source, text: String, edit: Edit) {
        let module = self.module.name.clone();
        self.found.push(Mutation {
            rule,
            module,
            place: place.to_owned(),
            source,
            occurrence: 0,
            text,
            edit,
        });
    }

    fn node(&mut self, id: NodeId) {
        let node = self.module.node(id);
        let width = node.width;
        match &node.operation {
            Operation::Constant(value) if !self.places.is_padding(id) => self.constant(id, value),
            Operation::EnumConstant(enumeration, variant) if enumeration.variants.len() > 1 => {
                let next = (variant + 1) % enumeration.variants.len();
                let operation = Operation::EnumConstant(enumeration.clone(), next);
                let becomes = enumeration.verilog_name(next);
                self.becomes(Rule::ConstantOffByOne, id, &becomes, Edit::Operation(id, operation));
            }
            Operation::Unary(Unary::Not, a) => {
                let becomes = self.places.words(*a);
                self.becomes(Rule::NotDropped, id, &becomes, Edit::Show(id, *a));
            }
            Operation::Unary(operator @ (Unary::ReduceAnd | Unary::ReduceOr), a) => {
                let (other, sign) = match operator {
                    Unary::ReduceAnd => (Unary::ReduceOr, "any"),
                    _ => (Unary::ReduceAnd, "all"),
                };
                if self.module.node(*a).width > 1 {
                    let becomes = format!("{sign} of {}", self.places.words(*a));
                    let edit = Edit::Operation(id, Operation::Unary(other, *a));
                    self.becomes(Rule::ReductionSwapped, id, &becomes, edit);
                }
            }
            Operation::Binary(operator, a, b) => self.binary(id, *operator, *a, *b),
            Operation::Select { condition, then, otherwise } if !self.is_same(*then, *otherwise) => {
                let (condition, then, otherwise) = (*condition, *then, *otherwise);
                let words = [condition, then, otherwise].map(|node| self.places.words(node));
                let exchanged = Operation::Select { condition, then: otherwise, otherwise: then };
                let becomes = format!("{} ? {} : {}", words[0], words[2], words[1]);
                self.becomes(Rule::SelectInverted, id, &becomes, Edit::Operation(id, exchanged));
                if self.constant_value(condition).is_none() {
                    self.becomes(Rule::SelectStuck, id, &words[1], Edit::Show(id, then));
                    self.becomes(Rule::SelectStuck, id, &words[2], Edit::Show(id, otherwise));
                }
            }
            Operation::Slice { of, low } if width < self.module.node(*of).width => {
                let shifted = if low + width < self.module.node(*of).width { low + 1 } else { low - 1 };
                let becomes = format!("{}[{shifted}..{}]", self.places.words(*of), shifted + width);
                let edit = Edit::Operation(id, Operation::Slice { of: *of, low: shifted });
                self.becomes(Rule::SliceShifted, id, &becomes, edit);
            }
            _ => {}
        }
    }

    fn constant(&mut self, id: NodeId, value: &BigUint) {
        let size = BigUint::from(1u32) << self.module.node(id).width;
        let (up, down) = ((value + 1u32) % &size, (value + &size - 1u32) % &size);
        let changed = if up == down { vec![up] } else { vec![up, down] };
        for value in changed {
            let becomes = value.to_string();
            self.becomes(
                Rule::ConstantOffByOne,
                id,
                &becomes,
                Edit::Operation(id, Operation::Constant(value)),
            );
        }
    }

    fn binary(&mut self, id: NodeId, operator: Binary, a: NodeId, b: NodeId) {
        let width = self.module.node(id).width;
        let [left, right] = [a, b].map(|node| self.places.words(node));
        let with = |operator| Edit::Operation(id, Operation::Binary(operator, a, b));
        let spelt = |operator: Binary| format!("{left} {} {right}", operator.sign());
        let swapped = match operator {
            Binary::Equal => Some(Binary::NotEqual),
            Binary::NotEqual => Some(Binary::Equal),
            Binary::Less => Some(Binary::LessEqual),
            Binary::LessEqual => Some(Binary::Less),
            _ => None,
        };
        if let Some(other) = swapped {
            self.becomes(Rule::ComparisonSwapped, id, &spelt(other), with(other));
        }
        match operator {
            Binary::Less | Binary::LessEqual if !self.is_same(a, b) => {
                let becomes = format!("{right} {} {left}", operator.sign());
                let edit = Edit::Operation(id, Operation::Binary(operator, b, a));
                self.becomes(Rule::ComparisonExchanged, id, &becomes, edit);
            }
            Binary::And | Binary::Or if !self.is_same(a, b) => {
                let neutral = match operator {
                    Binary::And => (BigUint::from(1u32) << width) - 1u32,
                    _ => BigUint::ZERO,
                };
                for (kept, words, dropped) in [(a, &left, b), (b, &right, a)] {
                    if self.constant_value(dropped) != Some(&neutral) {
                        self.becomes(Rule::TermDropped, id, words, Edit::Show(id, kept));
                    }
                }
            }
            Binary::Add | Binary::Sub => {
                let other = if operator == Binary::Add { Binary::Sub } else { Binary::Add };
                // x + n and x - n are the same where 2n is zero.
                let half = BigUint::from(1u32) << (width - 1);
                let is_own_opposite = |value: &BigUint| *value == BigUint::ZERO || *value == half;
                if width > 1 && !self.constant_value(b).is_some_and(is_own_opposite) {
                    self.becomes(Rule::SumSwapped, id, &spelt(other), with(other));
                }
                if width > 1 && self.constant_value(b) != Some(&BigUint::ZERO) {
                    let becomes = format!("{} without the carry into its highest bit", spelt(operator));
                    self.becomes(Rule::CarryDropped, id, &becomes, Edit::DropCarry(id));
                }
            }
            _ => {}
        }
    }

    fn register(&mut self, id: RegisterId, register: &Register) {
        let Register { name, source, width, .. } = register;
        let mut add = |rule, text: &str, edit| self.add(rule, name, source, text.to_owned(), edit);
        if register.enable.is_some() {
            add(Rule::EnableRemoved, "takes its next value in every cycle", Edit::RemoveEnable(id));
            add(Rule::EnableStuck, "never takes its next value", Edit::StickEnable(id));
        }
        if let Some(reset) = &register.reset {
            let inverted = ((BigUint::from(1u32) << *width) - 1u32) ^ reset;
            let text = format!("is reset to {inverted}, not to {reset}");
            add(Rule::ResetInverted, &text, Edit::Reset(id, inverted));
        }
        if register.next != Some(register.node) {
            add(Rule::StageLater, "takes its next value a cycle late", Edit::Later(id));
            add(Rule::StageBypassed, "shows its next value already", Edit::Bypass(id));
        }
    }

    fn memory(&mut self, id: MemoryId, memory: &Memory) {
        let Memory { name, source, .. } = memory;
        let mut add = |rule, text: &str, edit| self.add(rule, name, source, text.to_owned(), edit);
        let cycles = 3 - memory.read_latency;
        add(Rule::MemoryLatency, &format!("reads in {cycles} cycles"), Edit::Latency(id, cycles));
        let reads = (0..memory.reads.len()).map(MemoryPort::Read);
        let top = memory.address_width() - 1;
        for port in reads.chain([MemoryPort::Write]) {
            let words = match port {
                MemoryPort::Write => "the write port".to_owned(),
                MemoryPort::Read(read) => format!("read port {read}"),
            };
            for bit in if top == 0 { vec![0] } else { vec![0, top] } {
                let text = format!("{words} takes bit {bit} of its address as zero");
                add(Rule::AddressBitDropped, &text, Edit::DropAddressBit(id, port, bit));
            }
        }
        add(Rule::WriteAlways, "is written in every cycle", Edit::Write(id, true));
        add(Rule::WriteNever, "is never written", Edit::Write(id, false));
        add(Rule::WriteLate, "is written a cycle late", Edit::WriteLate(id));
        for (port, read) in memory.reads.iter().enumerate() {
            if read.enable.is_some() {
                let text = format!("read port {port} reads in every cycle");
                add(Rule::ReadEnableRemoved, &text, Edit::ReadAlways(id, port));
            }
        }
        if let [one, other] = &memory.reads[..]
            && (one.address, one.enable) != (other.address, other.enable)
        {
            add(Rule::ReadPortsExchanged, "its read ports exchange their addresses", Edit::ExchangeReads(id));
        }
    }

    fn instance(&mut self, id: InstanceId) {
        let instance = &self.module.instances[id.index()];
        let port = |position: usize| &instance.module.ports[instance.inputs[position].0];
        for one in 0..instance.inputs.len() {
            let width = port(one).width;
            let next = (one + 1..instance.inputs.len()).find(|other| port(*other).width == width);
            let Some(other) = next else { continue };
            if self.is_same(instance.inputs[one].1, instance.inputs[other].1) {
                continue;
            }
            let text = format!("inputs {} and {} are exchanged", port(one).name, port(other).name);
            let edit = Edit::ExchangeInputs(id, one, other);
            self.add(Rule::InputsExchanged, &instance.name, instance.source, text, edit);
        }
    }

    /// Adds a mutation of a value, as "this becomes that".
    fn becomes(&mut self, rule: Rule, node: NodeId, becomes: &str, edit: Edit) {
        let text = format!("`{}` becomes `{becomes}`", self.places.operation(node));
        let (place, source) = (self.places.name(node), self.module.node(node).source);
        self.add(rule, &place, source, text, edit);
    }

    fn constant_value(&self, node: NodeId) -> Option<&BigUint> {
        match &self.module.node(self.behind_wires(node)).operation {
            Operation::Constant(value) => Some(value),
            Operation::EnumConstant(enumeration, variant) => Some(&enumeration.variants[*variant].1),
            _ => None,
        }
    }

    /// Whether two nodes are plainly one value.
    fn is_same(&self, one: NodeId, other: NodeId) -> bool {
        let (one, other) = (self.behind_wires(one), self.behind_wires(other));
        one == other
            || self.constant_value(one).is_some() && self.constant_value(one) == self.constant_value(other)
    }

    fn behind_wires(&self, mut node: NodeId) -> NodeId {
        while let Operation::Wire(Some(driver)) = self.module.node(node).operation {
            node = driver;
        }
        node
    }
}
