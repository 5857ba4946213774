//! The netlist: what a described module *is*, as plain data.
//!
//! Everything that reads hardware — the Verilog writer, the native simulator, the checks — reads these
//! types and nothing else. They are made by [`crate::ModuleBuilder`], which has already checked every width,
//! so a reader may rely on the rules written at each [`Operation`]. No node is zero bits wide: the builder
//! folds zero-width fields away.

use std::panic::Location;
use std::sync::Arc;

use num_bigint::BigUint;

use crate::enumeration::Enumeration;

/// The widest signal, in bits.
pub const MAX_WIDTH: u32 = 4096;

/// Where in the Rust source a thing was described.
pub type Source = &'static Location<'static>;

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in its list, as an array index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index_type!(
    /// Names a [`Node`] of one module: its position in [`Module::nodes`].
    NodeId
);
index_type!(
    /// Names a [`Register`] of one module.
    RegisterId
);
index_type!(
    /// Names a [`Memory`] of one module.
    MemoryId
);
index_type!(
    /// Names an [`Instance`] of one module.
    InstanceId
);

/// A described module. Children are shared by [`Arc`]: two instances of one module point to the same one.
#[derive(Clone, Debug)]
pub struct Module {
    /// Verilog module name.
    pub name: String,
    /// Lines of the comment above the module.
    pub doc: Vec<String>,
    /// Ports in the order they were described, without `clk` and `rst` (see [`Module::has_clock`]).
    pub ports: Vec<Port>,
    /// Ports described with zero width: they exist in no reader's output, but an instance may name them.
    pub absent_ports: Vec<String>,
    /// Every value. A node's operands come before it, except through [`Operation::Wire`] drivers.
    pub nodes: Vec<Node>,
    /// State elements.
    pub registers: Vec<Register>,
    /// Memories.
    pub memories: Vec<Memory>,
    /// Child modules.
    pub instances: Vec<Instance>,
    /// The order in which the designer wrote things down.
    pub items: Vec<Item>,
    /// Properties that hold in every cycle out of reset.
    pub assertions: Vec<Property>,
    /// Situations that a test campaign must reach.
    pub covers: Vec<Property>,
    /// Values whose bits the designer declared as deliberately unread.
    pub unused: Vec<NodeId>,
    /// Combinational paths (input port, output port) that the designer declared.
    pub combinational_paths: Vec<(String, String)>,
    /// Synthesizers are asked not to look into the module: its registers are not merged with equal ones elsewhere.
    pub keep_hierarchy: bool,
    /// There is a register, a memory or a clocked child: the module has a port `clk`.
    pub has_clock: bool,
    /// A register has a reset value, or a child has: the module has a port `rst` (synchronous, active high).
    pub has_reset: bool,
}

impl Module {
    /// The node behind `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The port called `name`, with its position in [`Module::ports`].
    pub fn port(&self, name: &str) -> Option<(usize, &Port)> {
        self.ports.iter().enumerate().find(|(_, port)| port.name == name)
    }

    /// Sets [`Module::has_clock`] and [`Module::has_reset`] from what the module holds.
    pub(crate) fn find_clock_and_reset(&mut self) {
        self.has_reset = self.registers.iter().any(|register| register.reset.is_some())
            || self.instances.iter().any(|instance| instance.module.has_reset);
        self.has_clock = !self.registers.is_empty()
            || !self.memories.is_empty()
            || self.instances.iter().any(|instance| instance.module.has_clock);
    }

    /// This module and all below it, each once, children before parents; names are unique among them.
    pub fn hierarchy(self: &Arc<Self>) -> Vec<Arc<Module>> {
        fn visit(module: &Arc<Module>, seen: &mut Vec<Arc<Module>>) {
            if seen.iter().any(|known| Arc::ptr_eq(known, module)) {
                return;
            }
            for instance in &module.instances {
                visit(&instance.module, seen);
            }
            seen.push(module.clone());
        }
        let mut seen = Vec::new();
        visit(self, &mut seen);
        seen
    }
}

/// Which way a port carries its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the module.
    Input,
    /// Out of the module.
    Output,
}

/// A port of a module.
#[derive(Clone, Debug)]
pub struct Port {
    /// Verilog name.
    pub name: String,
    /// Direction, seen from inside the module.
    pub direction: Direction,
    /// Width in bits, at least 1.
    pub width: u32,
    /// For an input the [`Operation::Input`] node; for an output the node that drives it.
    pub node: NodeId,
    /// One-line comment, may be empty.
    pub doc: String,
    /// Where it was described.
    pub source: Source,
}

/// A value: an operation, its width, and what the designer said of it.
#[derive(Clone, Debug)]
pub struct Node {
    /// How the value comes about.
    pub operation: Operation,
    /// Width in bits, 1 to [`MAX_WIDTH`].
    pub width: u32,
    /// The designer's name. Inputs, registers, memory reads and instance outputs always have one.
    pub name: Option<String>,
    /// One-line comment on a named value, may be empty.
    pub doc: String,
    /// Where it was described.
    pub source: Source,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// Bitwise complement; result as wide as the operand.
    Not,
    /// All bits are one; 1-bit result.
    ReduceAnd,
    /// Some bit is one; 1-bit result.
    ReduceOr,
    /// Odd number of ones; 1-bit result.
    ReduceXor,
}

/// An operator with two operands. Operands are equally wide, except the amount of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Sum modulo 2^width.
    Add,
    /// Difference modulo 2^width.
    Sub,
    /// 1 bit: equal.
    Equal,
    /// 1 bit: not equal.
    NotEqual,
    /// 1 bit: unsigned less than.
    Less,
    /// 1 bit: unsigned less than or equal.
    LessEqual,
    /// Left operand shifted up by the right one (at most 32 bits wide); zeros enter; shifting by the width or
    /// more gives zero.
    ShiftLeft,
    /// Left operand shifted down by the right one, likewise.
    ShiftRight,
}

impl Binary {
    /// The operator's sign, the same in Verilog and in Rust.
    pub fn sign(self) -> &'static str {
        match self {
            Binary::And => "&",
            Binary::Or => "|",
            Binary::Xor => "^",
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::ShiftLeft => "<<",
            Binary::ShiftRight => ">>",
        }
    }
}

/// How a value comes about.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A constant below 2^width.
    Constant(BigUint),
    /// A constant by its name in an enumeration.
    EnumConstant(Arc<Enumeration>, usize),
    /// The value of input port `Module::ports[n]`.
    Input(usize),
    /// The present value of a register.
    Register(RegisterId),
    /// What read port `n` of the memory shows: see [`Memory`].
    MemoryRead(MemoryId, usize),
    /// Output port `n` (position in the child's `ports`) of an instance.
    InstanceOutput(InstanceId, usize),
    /// A named wire; the driver (same width) may come later in `nodes`. Never `None` in a finished module.
    Wire(Option<NodeId>),
    /// One-operand operator.
    Unary(Unary, NodeId),
    /// Two-operand operator.
    Binary(Binary, NodeId, NodeId),
    /// `condition` (1 bit) ? `then` : `otherwise`; both as wide as the result.
    Select {
        /// 1 bit.
        condition: NodeId,
        /// Value if `condition` is one.
        then: NodeId,
        /// Value if `condition` is zero.
        otherwise: NodeId,
    },
    /// Bits `low .. low + width` of `of`; `width` is the node's.
    Slice {
        /// The value sliced.
        of: NodeId,
        /// Its first bit.
        low: u32,
    },
    /// Concatenation, most significant part first; two parts at least.
    Concat(Vec<NodeId>),
}

impl Operation {
    /// The nodes whose *present* values this value is a function of: combinational dependencies inside the
    /// module. (Instance outputs depend on instance inputs too: see [`Instance`].)
    pub fn operands(&self) -> Vec<NodeId> {
        match self {
            Operation::Constant(_)
            | Operation::EnumConstant(..)
            | Operation::Input(_)
            | Operation::Register(_)
            | Operation::MemoryRead(..)
            | Operation::InstanceOutput(..) => Vec::new(),
            Operation::Wire(driver) => driver.iter().copied().collect(),
            Operation::Unary(_, a) => vec![*a],
            Operation::Binary(_, a, b) => vec![*a, *b],
            Operation::Select { condition, then, otherwise } => vec![*condition, *then, *otherwise],
            Operation::Slice { of, .. } => vec![*of],
            Operation::Concat(parts) => parts.clone(),
        }
    }
}

/// A register: at each rising clock edge takes `reset` if there is one and `rst` is high, else `next` if
/// `enable` is absent or one, else keeps its value. Without reset its first value is arbitrary.
#[derive(Clone, Debug)]
pub struct Register {
    /// Verilog name.
    pub name: String,
    /// Width in bits.
    pub width: u32,
    /// The [`Operation::Register`] node that shows its value.
    pub node: NodeId,
    /// Next value, same width. Never `None` in a finished module.
    pub next: Option<NodeId>,
    /// 1 bit; keeps the value when zero.
    pub enable: Option<NodeId>,
    /// Value taken while `rst` is high.
    pub reset: Option<BigUint>,
    /// Where it was described.
    pub source: Source,
}

/// Which storage the synthesizer should take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryStyle {
    /// The tool's choice.
    Auto,
    /// Block RAM.
    Block,
    /// LUT RAM.
    Distributed,
}

/// A synchronous memory of `depth` (a power of two) words with one write port and one or two read ports.
///
/// At each rising edge: a write port whose `enable` is one stores `data` at `address`. A read port whose
/// `enable` is absent or one loads the word at its `address` into its read register; if the write port writes
/// that same address in that same cycle the register takes *garbage* instead (a [`crate::noise::Noise`] value,
/// the same in every simulator) — designs bypass explicitly. With `read_latency` 1 the read register is what
/// [`Operation::MemoryRead`] shows. With 2 an output register, loaded from the read register at every edge,
/// stands behind it. First contents are arbitrary; `rst` has no effect.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Verilog instance name.
    pub name: String,
    /// Word width in bits.
    pub width: u32,
    /// Words; a power of two, at least 2.
    pub depth: u32,
    /// Edges from an address to its word: 1, or 2 with the output register.
    pub read_latency: u32,
    /// Storage wanted.
    pub style: MemoryStyle,
    /// The write port. Never `None` in a finished module.
    pub write: Option<WritePort>,
    /// The read ports, one or two.
    pub reads: Vec<ReadPort>,
    /// Where it was described.
    pub source: Source,
}

impl Memory {
    /// Width of an address: log2 of the depth.
    pub fn address_width(&self) -> u32 {
        self.depth.trailing_zeros()
    }
}

/// The write port of a [`Memory`].
#[derive(Clone, Copy, Debug)]
pub struct WritePort {
    /// 1 bit.
    pub enable: NodeId,
    /// log2(depth) bits.
    pub address: NodeId,
    /// A word.
    pub data: NodeId,
}

/// A read port of a [`Memory`].
#[derive(Clone, Copy, Debug)]
pub struct ReadPort {
    /// 1 bit; reads at every edge if absent.
    pub enable: Option<NodeId>,
    /// log2(depth) bits.
    pub address: NodeId,
    /// The [`Operation::MemoryRead`] node; its name is the wire's.
    pub data: NodeId,
}

/// An instance of a child module. Its outputs are [`Operation::InstanceOutput`] nodes; an output depends
/// combinationally on an input only if the child declares that path. Outputs nobody asked for have no node.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Verilog instance name.
    pub name: String,
    /// The child.
    pub module: Arc<Module>,
    /// (position in the child's `ports`, driver) for every input port, sorted, in a finished module.
    pub inputs: Vec<(usize, NodeId)>,
    /// (position in the child's `ports`, node) for the outputs that were asked for.
    pub outputs: Vec<(usize, NodeId)>,
    /// Where it was described.
    pub source: Source,
}

/// One thing as the designer wrote it, in order; it tells the Verilog writer what stands beside what.
#[derive(Clone, Debug)]
pub enum Item {
    /// A heading that starts a group, e.g. a pipeline stage.
    Section(String),
    /// A comment line.
    Comment(String),
    /// A named value (wire or named expression).
    Value(NodeId),
    /// A register.
    Register(RegisterId),
    /// A memory.
    Memory(MemoryId),
    /// An instance.
    Instance(InstanceId),
}

/// A named condition on a cycle: an assertion (must hold) or a cover point (must be seen).
#[derive(Clone, Debug)]
pub struct Property {
    /// Verilog label.
    pub name: String,
    /// 1 bit.
    pub condition: NodeId,
    /// What it means, for the reader of a failure.
    pub doc: String,
    /// Where it was described.
    pub source: Source,
}
