//! [`Signal`]: a value of a module under description, with the operators of RTL.
//!
//! All values are unsigned. Nothing is ever truncated or extended silently: both operands of an operator have
//! the same width, or it is an error that names both, both widths and the line. Ranges are half-open:
//! `word.bits(8..32)` is Verilog's `word[31:8]`.

use std::ops;
use std::panic::Location;

use num_bigint::BigUint;

use crate::builder::ModuleBuilder;
use crate::netlist::{Binary, Item, NodeId, Operation, Source, Unary};

/// A value of the module that `builder` describes. A small handle: copy it freely.
#[derive(Clone, Copy)]
pub struct Signal<'m> {
    pub(crate) builder: &'m ModuleBuilder,
    pub(crate) node: NodeId,
    pub(crate) width: u32,
}

impl<'m> Signal<'m> {
    /// Width in bits; 0 for a field that the configuration leaves out.
    pub fn width(self) -> u32 {
        self.width
    }

    /// The module it belongs to.
    pub fn builder(self) -> &'m ModuleBuilder {
        self.builder
    }

    // ---- names -------------------------------------------------------------------------------------------

    /// Gives the value a name, which the Verilog and the waveforms show. A value that has one already (a port,
    /// a register) gets a second wire. See also [`crate::wire!`].
    #[track_caller]
    pub fn named(self, name: impl AsRef<str>) -> Signal<'m> {
        if self.width == 0 {
            return self;
        }
        let fresh = self.builder.edit(|module| {
            let node = &mut module.nodes[self.node.index()];
            let is_constant = matches!(node.operation, Operation::Constant(_) | Operation::EnumConstant(..));
            let fresh = node.name.is_none() && !is_constant;
            if fresh {
                node.name = Some(name.as_ref().to_owned());
            }
            fresh
        });
        let named = if fresh {
            self
        } else {
            let alias = Operation::Wire(Some(self.node));
            self.builder.add(alias, self.width, Some(name.as_ref()), Location::caller())
        };
        self.builder.edit(|module| module.items.push(Item::Value(named.node)));
        named
    }

    /// Puts a comment beside the value's declaration in the Verilog.
    pub fn doc(self, text: &str) -> Signal<'m> {
        if self.width > 0 {
            self.builder.edit(|module| {
                module.nodes[self.node.index()].doc = text.to_owned();
                if let Operation::Input(port) = module.nodes[self.node.index()].operation {
                    module.ports[port].doc = text.to_owned();
                }
            });
        }
        self
    }

    /// Drives a wire made by [`ModuleBuilder::wire`]; exactly once.
    #[track_caller]
    pub fn drive(self, driver: Signal<'m>) {
        let source = Location::caller();
        if self.width == 0 && driver.width == 0 || !self.same_width("wire and driver", driver, source) {
            return;
        }
        let problem = self.builder.edit(|module| match &mut module.nodes[self.node.index()].operation {
            Operation::Wire(slot @ None) => {
                *slot = Some(driver.node);
                None
            }
            Operation::Wire(Some(_)) => Some("is driven twice"),
            _ => Some("is not a wire, so it cannot be driven"),
        });
        if let Some(problem) = problem {
            let wire = self.builder.describe(self);
            self.builder.mistake(source, format!("{wire} {problem}"));
        }
    }

    // ---- parts -------------------------------------------------------------------------------------------

    /// Bits `range.start .. range.end` (half-open).
    #[track_caller]
    pub fn bits(self, range: ops::Range<u32>) -> Signal<'m> {
        let source = Location::caller();
        if range.start > range.end || range.end > self.width {
            let of = self.builder.describe(self);
            self.builder.mistake(source, format!("bits {}..{} are not inside {of}", range.start, range.end));
            return self.builder.zero(range.end.saturating_sub(range.start).min(crate::MAX_WIDTH));
        }
        let width = range.end - range.start;
        if width == 0 {
            return self.builder.nothing();
        }
        if width == self.width {
            return self;
        }
        self.builder.add(Operation::Slice { of: self.node, low: range.start }, width, None, source)
    }

    /// Bit `position`, counted from the least significant.
    #[track_caller]
    pub fn bit(self, position: u32) -> Signal<'m> {
        self.bits(position..position + 1)
    }

    /// The `width` least significant bits.
    #[track_caller]
    pub fn low(self, width: u32) -> Signal<'m> {
        self.bits(0..width)
    }

    /// The `width` most significant bits.
    #[track_caller]
    pub fn high(self, width: u32) -> Signal<'m> {
        if width > self.width {
            return self.bits(0..width);
        }
        self.bits(self.width - width..self.width)
    }

    /// The same value, `width` bits wide, zeros above; an error if that is narrower.
    #[track_caller]
    pub fn zero_extend(self, width: u32) -> Signal<'m> {
        if width < self.width {
            let of = self.builder.describe(self);
            self.builder.mistake(Location::caller(), format!("{of} cannot be extended to {width} bits"));
            return self.builder.zero(width);
        }
        self.builder.concat(&[self.builder.zero(width - self.width), self])
    }

    /// Shifted up by a constant: `amount` zeros enter below, the width grows.
    #[track_caller]
    pub fn shifted_up(self, amount: u32) -> Signal<'m> {
        self.builder.concat(&[self, self.builder.zero(amount)])
    }

    /// `count` copies side by side.
    #[track_caller]
    pub fn repeat(self, count: u32) -> Signal<'m> {
        self.builder.concat(&vec![self; count as usize])
    }

    // ---- one operand ---------------------------------------------------------------------------------------

    /// Some bit is one (zero for a zero-width signal).
    #[track_caller]
    pub fn any(self) -> Signal<'m> {
        self.reduce(Unary::ReduceOr, false)
    }

    /// All bits are one (one for a zero-width signal).
    #[track_caller]
    pub fn all(self) -> Signal<'m> {
        self.reduce(Unary::ReduceAnd, true)
    }

    /// The number of ones is odd.
    #[track_caller]
    pub fn parity(self) -> Signal<'m> {
        self.reduce(Unary::ReduceXor, false)
    }

    #[track_caller]
    fn reduce(self, operator: Unary, of_nothing: bool) -> Signal<'m> {
        match self.width {
            0 => self.builder.bit(of_nothing),
            1 => self,
            _ => self.builder.add(Operation::Unary(operator, self.node), 1, None, Location::caller()),
        }
    }

    // ---- comparison ----------------------------------------------------------------------------------------

    /// Equal (one for two zero-width signals).
    #[track_caller]
    pub fn equals(self, other: Signal<'m>) -> Signal<'m> {
        self.compare(Binary::Equal, other, true)
    }

    /// Not equal.
    #[track_caller]
    pub fn differs(self, other: Signal<'m>) -> Signal<'m> {
        self.compare(Binary::NotEqual, other, false)
    }

    /// Unsigned less than.
    #[track_caller]
    pub fn less_than(self, other: Signal<'m>) -> Signal<'m> {
        self.compare(Binary::Less, other, false)
    }

    /// Unsigned less than or equal.
    #[track_caller]
    pub fn at_most(self, other: Signal<'m>) -> Signal<'m> {
        self.compare(Binary::LessEqual, other, true)
    }

    /// Unsigned greater than or equal.
    #[track_caller]
    pub fn at_least(self, other: Signal<'m>) -> Signal<'m> {
        other.at_most(self)
    }

    /// Unsigned greater than.
    #[track_caller]
    pub fn greater_than(self, other: Signal<'m>) -> Signal<'m> {
        other.less_than(self)
    }

    /// Equal to a constant, which must fit.
    #[track_caller]
    pub fn is(self, value: impl Into<BigUint>) -> Signal<'m> {
        self.equals(self.builder.constant(self.width, value))
    }

    #[track_caller]
    fn compare(self, operator: Binary, other: Signal<'m>, of_nothing: bool) -> Signal<'m> {
        let source = Location::caller();
        if !self.same_width("operands", other, source) {
            return self.builder.zero(1);
        }
        if self.width == 0 {
            return self.builder.bit(of_nothing);
        }
        self.builder.add(Operation::Binary(operator, self.node, other.node), 1, None, source)
    }

    // ---- arithmetic ----------------------------------------------------------------------------------------

    /// The sum with its carry: one bit wider than the operands.
    #[track_caller]
    pub fn add_carry(self, other: Signal<'m>) -> Signal<'m> {
        self.zero_extend(self.width + 1) + other.zero_extend(other.width + 1)
    }

    /// The sum with a carry in (1 bit) and out, one bit wider: made as `{a, 1} + {b, carry_in}`, a single
    /// carry chain where `a + b + carry_in` costs a LUT level more.
    #[track_caller]
    pub fn add_with_carry(self, other: Signal<'m>, carry_in: Signal<'m>) -> Signal<'m> {
        let builder = self.builder;
        let left = builder.concat(&[builder.bit(false), self, builder.bit(true)]);
        let right = builder.concat(&[builder.bit(false), other, carry_in]);
        (left + right).bits(1..self.width + 2)
    }

    /// The difference with its borrow: one bit wider, the top bit set where `self < other`.
    #[track_caller]
    pub fn sub_borrow(self, other: Signal<'m>) -> Signal<'m> {
        self.zero_extend(self.width + 1) - other.zero_extend(other.width + 1)
    }

    /// The difference with a borrow in (1 bit) and out: `{a, 0} - {b, borrow_in}`, a single carry chain.
    #[track_caller]
    pub fn sub_with_borrow(self, other: Signal<'m>, borrow_in: Signal<'m>) -> Signal<'m> {
        let builder = self.builder;
        let left = builder.concat(&[builder.bit(false), self, builder.bit(false)]);
        let right = builder.concat(&[builder.bit(false), other, borrow_in]);
        (left - right).bits(1..self.width + 2)
    }

    /// Plus a constant, modulo 2^width.
    #[track_caller]
    pub fn plus(self, value: impl Into<BigUint>) -> Signal<'m> {
        self + self.builder.constant(self.width, value)
    }

    /// Shifted up by `amount` (at most 32 bits wide) bits, same width.
    #[track_caller]
    pub fn shift_left(self, amount: Signal<'m>) -> Signal<'m> {
        self.shift(Binary::ShiftLeft, amount)
    }

    /// Shifted down by `amount` (at most 32 bits wide) bits, same width.
    #[track_caller]
    pub fn shift_right(self, amount: Signal<'m>) -> Signal<'m> {
        self.shift(Binary::ShiftRight, amount)
    }

    #[track_caller]
    fn shift(self, operator: Binary, amount: Signal<'m>) -> Signal<'m> {
        let source = Location::caller();
        if !self.builder.owns(amount, "shift amount", source) {
            return self;
        }
        if amount.width > 32 {
            let amount = self.builder.describe(amount);
            self.builder
                .mistake(source, format!("shift amount {amount} is wider than 32 bits; take its low bits"));
            return self;
        }
        if self.width == 0 || amount.width == 0 {
            return self;
        }
        self.builder.add(Operation::Binary(operator, self.node, amount.node), self.width, None, source)
    }

    // ---- selection -----------------------------------------------------------------------------------------

    /// `self` (1 bit) ? `then` : `otherwise`.
    #[track_caller]
    pub fn select(self, then: Signal<'m>, otherwise: Signal<'m>) -> Signal<'m> {
        let source = Location::caller();
        let builder = self.builder;
        if !builder.is_bit(self, "condition of a selection", source)
            || !then.same_width("choices", otherwise, source)
            || !builder.owns(then, "choice", source)
        {
            return builder.zero(then.width);
        }
        if then.width == 0 {
            return then;
        }
        let (condition, then_node, otherwise) = (self.node, then.node, otherwise.node);
        builder.add(Operation::Select { condition, then: then_node, otherwise }, then.width, None, source)
    }

    /// This value where `condition` (1 bit) is one, else zero.
    #[track_caller]
    pub fn gated_by(self, condition: Signal<'m>) -> Signal<'m> {
        if self.width == 0 {
            return self;
        }
        self & condition.repeat(self.width)
    }

    #[track_caller]
    fn bitwise(self, operator: Binary, other: Signal<'m>) -> Signal<'m> {
        let source = Location::caller();
        if !self.same_width("operands", other, source) || self.width == 0 {
            return self;
        }
        self.builder.add(Operation::Binary(operator, self.node, other.node), self.width, None, source)
    }

    pub(crate) fn same_width(self, what: &str, other: Signal<'m>, source: Source) -> bool {
        if !self.builder.owns(other, what, source) {
            return false;
        }
        if self.width != other.width {
            let (left, right) = (self.builder.describe(self), self.builder.describe(other));
            let hint = "slice or zero_extend one of them";
            self.builder.mistake(source, format!("{what} {left} and {right} differ in width; {hint}"));
        }
        self.width == other.width
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $operator:expr) => {
        impl<'m> ops::$trait for Signal<'m> {
            type Output = Signal<'m>;
            #[track_caller]
            fn $method(self, other: Signal<'m>) -> Signal<'m> {
                self.bitwise($operator, other)
            }
        }
    };
}
operator!(BitAnd, bitand, Binary::And);
operator!(BitOr, bitor, Binary::Or);
operator!(BitXor, bitxor, Binary::Xor);
operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Sub);

impl<'m> ops::Not for Signal<'m> {
    type Output = Signal<'m>;
    #[track_caller]
    fn not(self) -> Signal<'m> {
        if self.width == 0 {
            return self;
        }
        self.builder.add(Operation::Unary(Unary::Not, self.node), self.width, None, Location::caller())
    }
}

/// `wire!(hit = valid & key.equals(stored))` is `let hit = (valid & key.equals(stored)).named("hit")`: the
/// variable's name reaches the Verilog.
#[macro_export]
macro_rules! wire {
    ($name:ident = $value:expr) => {
        let $name = ($value).named(stringify!($name));
    };
}
