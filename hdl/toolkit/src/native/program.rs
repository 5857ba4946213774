//! The program that a design becomes: simple operations on offsets into one array of 64-bit limbs.
//!
//! Nothing here knows how the operations are executed: [`super::interpret`] does it one by one, [`super::compile`]
//! makes machine code of them. Values of up to 64 bits are one limb; wider ones are several, least significant first.
//! Bits above a value's width are zero. An operation's destination never overlaps its operands.

/// An operation. `spare` is the number of bits of the (top) limb that the result does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "dst, a, b, condition: offsets; the comment says what becomes of them")]
pub enum Op {
    /// Copies limbs.
    Copy {
        dst: u32,
        src: u32,
        limbs: u32,
    },

    // One limb.
    Not {
        dst: u32,
        a: u32,
        spare: u8,
    },
    And {
        dst: u32,
        a: u32,
        b: u32,
    },
    /// `a & !b`
    AndNot {
        dst: u32,
        a: u32,
        b: u32,
    },
    Or {
        dst: u32,
        a: u32,
        b: u32,
    },
    Xor {
        dst: u32,
        a: u32,
        b: u32,
    },
    Add {
        dst: u32,
        a: u32,
        b: u32,
        spare: u8,
    },
    Sub {
        dst: u32,
        a: u32,
        b: u32,
        spare: u8,
    },
    Less {
        dst: u32,
        a: u32,
        b: u32,
    },
    LessEqual {
        dst: u32,
        a: u32,
        b: u32,
    },
    ShiftLeft {
        dst: u32,
        a: u32,
        b: u32,
        spare: u8,
    },
    ShiftRight {
        dst: u32,
        a: u32,
        b: u32,
    },
    /// `condition ? a : b`, the condition being one bit of a limb.
    Select {
        dst: u32,
        condition: u32,
        bit: u8,
        a: u32,
        b: u32,
    },
    /// `condition ? a : 0`
    Gate {
        dst: u32,
        condition: u32,
        a: u32,
    },
    /// `b | (condition ? a : 0)`
    OrGate {
        dst: u32,
        condition: u32,
        a: u32,
        b: u32,
    },
    /// `(a >> a_low) == (b >> b_low)` in the bits that `spare` leaves.
    Equal {
        dst: u32,
        a: u32,
        b: u32,
        a_low: u8,
        b_low: u8,
        spare: u8,
    },
    /// The complement of `Equal`.
    NotEqual {
        dst: u32,
        a: u32,
        b: u32,
        a_low: u8,
        b_low: u8,
        spare: u8,
    },
    /// Some bit of `a & mask` (an offset) is one.
    AnyOf {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// All bits of `mask` are one in `a`.
    AllOf {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// Parity of `a & mask`.
    ParityOf {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// Like `AnyOf`, or-ed into the destination.
    AnyMore {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// Like `AllOf`, and-ed into the destination.
    AllMore {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// Like `ParityOf`, xor-ed into the destination.
    ParityMore {
        dst: u32,
        a: u32,
        mask: u32,
    },
    /// `(src >> right, without spare bits) << left`
    Put {
        dst: u32,
        src: u32,
        right: u8,
        spare: u8,
        left: u8,
    },
    /// Like `Put`, or-ed into the destination.
    PutMore {
        dst: u32,
        src: u32,
        right: u8,
        spare: u8,
        left: u8,
    },
    /// The result of `Equal` shifted up.
    PutEqual {
        dst: u32,
        a: u32,
        b: u32,
        a_low: u8,
        b_low: u8,
        spare: u8,
        left: u8,
    },
    /// Like `PutEqual`, or-ed into the destination.
    PutEqualMore {
        dst: u32,
        a: u32,
        b: u32,
        a_low: u8,
        b_low: u8,
        spare: u8,
        left: u8,
    },

    /// Compares adjacent lanes of two limbs, a result bit per lane; see [`super::lanes`].
    PutLanes {
        dst: u32,
        a: u32,
        b: u32,
        lanes: u32,
        shift: u8,
        count: u8,
        left: u8,
    },
    /// Like `PutLanes`, or-ed into the destination.
    PutLanesMore {
        dst: u32,
        a: u32,
        b: u32,
        lanes: u32,
        shift: u8,
        count: u8,
        left: u8,
    },

    // Several limbs.
    NotWide {
        dst: u32,
        a: u32,
        limbs: u8,
        spare: u8,
    },
    AndWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    OrWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    XorWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    AddWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
    },
    SubWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
    },
    /// Equal in the bits that `spare` leaves of the top limbs.
    EqualWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
    },
    /// The complement of `EqualWide`.
    NotEqualWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
    },
    /// The result of `EqualWide` shifted up.
    PutEqualWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
        left: u8,
    },
    /// Like `PutEqualWide`, or-ed into the destination.
    PutEqualWideMore {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
        left: u8,
    },
    LessWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    LessEqualWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    /// Shifts by the limb at `b`.
    ShiftLeftWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
        spare: u8,
    },
    /// Shifts by the limb at `b`.
    ShiftRightWide {
        dst: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    SelectWide {
        dst: u32,
        condition: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    GateWide {
        dst: u32,
        condition: u32,
        a: u32,
        limbs: u8,
    },
    OrGateWide {
        dst: u32,
        condition: u32,
        a: u32,
        b: u32,
        limbs: u8,
    },
    AnyWide {
        dst: u32,
        a: u32,
        limbs: u8,
    },
    AllWide {
        dst: u32,
        a: u32,
        limbs: u8,
        spare: u8,
    },
    ParityWide {
        dst: u32,
        a: u32,
        limbs: u8,
    },
}

/// Limbs copied at the clock edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// First limb written.
    pub dst: u32,
    /// First limb read.
    pub src: u32,
    /// How many.
    pub limbs: u32,
}

/// Registers that share an enable.
#[derive(Clone, Debug)]
pub struct EnableGroup {
    /// Offset of the enable.
    pub enable: u32,
    /// What is copied if it is one, as a range of [`Program::enabled_copies`].
    pub copies: std::ops::Range<u32>,
}

/// A memory with its ports' offsets.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    /// Word width in bits.
    pub width: u32,
    /// Words.
    pub depth: u32,
    /// Offset of the write enable.
    pub write_enable: u32,
    /// Offset of the write address.
    pub write_address: u32,
    /// Offset of the word written.
    pub write_data: u32,
    /// Read ports.
    pub reads: Vec<ReadPlan>,
}

/// A memory read port.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// Offset of the enable, if there is one.
    pub enable: Option<u32>,
    /// Offset of the address.
    pub address: u32,
    /// Offset of the read register.
    pub register: u32,
    /// Offset of the output register, if there is one.
    pub output: Option<u32>,
}

/// A value's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first limb.
    pub offset: u32,
    /// Width in bits.
    pub width: u32,
}

/// A register's next value, where it is before the edge.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// First limb of the register.
    pub dst: u32,
    /// First limb of the next value.
    pub src: u32,
    /// How many.
    pub limbs: u32,
    /// Offset of the enable, if there is one.
    pub enable: Option<u32>,
}

/// What a cycle is for: a reason to compute values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Position in [`Program::outputs`].
    Output(u32),
    /// Position in [`Program::assertions`] and, after all those, [`Program::covers`].
    Property(u32),
    /// Position in [`Flow::memories`].
    Memory(u32),
    /// Position in [`Flow::changes`].
    Register(u32),
}

/// The same cycle for a reader that chooses the order itself: no snapshots, no shadows, every value with the
/// operations that make it.
#[derive(Debug, Default)]
pub struct Flow {
    /// The operations of all values.
    pub ops: Vec<Op>,
    /// Each computed value's part of `ops`, values before those that read them.
    pub values: Vec<std::ops::Range<u32>>,
    /// What each register becomes.
    pub changes: Vec<Change>,
    /// Memories; the ports lie where the values are before the edge.
    pub memories: Vec<MemoryPlan>,
    /// What is to be done, in an order that mostly replaces a register after the values that read it.
    pub sinks: Vec<Sink>,
}

/// A design as a program. Limb 0 holds `rst`, the inputs follow in the order of [`super::PortLayout`].
#[derive(Debug, Default)]
pub struct Program {
    /// Length of the limb array.
    pub limbs: usize,
    /// Limbs of `rst` and the inputs, which come first.
    pub inputs: u32,
    /// Constants: (offset, limb).
    pub constants: Vec<(u32, u64)>,
    /// Registers and memory read registers: their first contents are arbitrary.
    pub state: Vec<Place>,
    /// Settles everything that the state, the outputs and the properties depend on.
    pub evaluate: Vec<Op>,
    /// The cycle as a compiler wants it.
    pub flow: Flow,
    /// Settles the remaining named values; only for looking at them, after `evaluate`.
    pub observe: Vec<Op>,
    /// Outputs in port order.
    pub outputs: Vec<Place>,
    /// At the edge, first: memories.
    pub memories: Vec<MemoryPlan>,
    /// At the edge, second: registers without enable.
    pub copies: Vec<Copy>,
    /// At the edge, third: registers with enable.
    pub groups: Vec<EnableGroup>,
    /// See [`EnableGroup::copies`].
    pub enabled_copies: Vec<Copy>,
    /// At the edge, last, if `rst` is high: reset values.
    pub resets: Vec<Copy>,
    /// Offsets of the assertions' conditions.
    pub assertions: Vec<u32>,
    /// Offsets of the cover points' conditions.
    pub covers: Vec<u32>,
    /// Places of the named values, in the order of the design's names.
    pub names: Vec<Place>,
}
