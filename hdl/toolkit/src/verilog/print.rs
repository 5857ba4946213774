//! Expressions as text.
//!
//! Parentheses stand wherever two different operators meet, so nobody has to know that Verilog reads
//! `a & m == k` as `a & (m == k)`; chains of one operator and `else` branches of `?:` go without.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use num_bigint::BigUint;

use super::constant::ones;
use super::expression::{Expressions, Id, Kind, runs};
use super::hoist::{continues, is_atom};
use super::layout::Text;
use super::names::Names;
use crate::enumeration::Enumeration;
use crate::netlist::{Binary, NodeId, Unary};

/// Something declared: a node, or an expression that the writer named.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Node(NodeId),
    Named(Id),
}

/// A constant of an enumeration that the module uses.
pub(super) struct LocalParameter {
    pub name: String,
    pub width: u32,
    pub value: BigUint,
}

/// Writes expressions and remembers what they read.
pub(super) struct Printer<'a, 'm> {
    pub all: &'a Expressions<'m>,
    pub names: Names,
    /// Names of expressions that have one.
    pub given: HashMap<Id, String>,
    /// By enumeration, in order of first use, and variant.
    pub parameters: BTreeMap<(usize, usize), LocalParameter>,
    enumerations: Vec<Arc<Enumeration>>,
    reads: HashMap<Target, BigUint>,
}

impl<'a, 'm> Printer<'a, 'm> {
    pub fn new(all: &'a Expressions<'m>, names: Names) -> Self {
        Printer {
            all,
            names,
            given: HashMap::new(),
            parameters: BTreeMap::new(),
            enumerations: Vec::new(),
            reads: HashMap::new(),
        }
    }

    /// The runs of bits of something declared that no written expression reads, as (low, width).
    pub fn unread(&self, target: Target, width: u32) -> Vec<(u32, u32)> {
        let Some(read) = self.reads.get(&target) else { return vec![(0, width)] };
        let mut unread: Vec<(u32, u32)> = Vec::new();
        for bit in (0..width).filter(|bit| !read.bit(u64::from(*bit))) {
            match unread.last_mut() {
                Some((low, count)) if *low + *count == bit => *count += 1,
                _ => unread.push((bit, 1)),
            }
        }
        unread
    }

    /// An expression that stands alone.
    pub fn text(&mut self, id: Id) -> Text {
        if let Some(name) = self.given.get(&id) {
            let name = name.clone();
            self.read(Target::Named(id), 0, self.all.list[id].width);
            return Text::word(name);
        }
        self.definition(id)
    }

    /// An expression written out even if it has a name.
    pub fn definition(&mut self, id: Id) -> Text {
        let expression = &self.all.list[id];
        match &expression.kind {
            Kind::Name(node) => {
                self.read(Target::Node(*node), 0, expression.width);
                Text::word(self.all.name(*node))
            }
            Kind::Part { of, low } => {
                self.read(Target::Node(*of), *low, expression.width);
                Text::word(part(self.all.name(*of), *low, expression.width))
            }
            Kind::SliceOf { of, low } => {
                self.read(Target::Named(*of), *low, expression.width);
                let name = self.given.get(of).map(String::as_str).unwrap_or_default();
                Text::word(part(name, *low, expression.width))
            }
            Kind::Constant(value) => Text::word(constant(expression.width, value)),
            Kind::Enumerated(enumeration, variant) => Text::word(self.parameter(enumeration, *variant)),
            Kind::Unary(operator, a) => {
                let symbol = match operator {
                    Unary::Not if expression.width == 1 => "!",
                    Unary::Not => "~",
                    Unary::ReduceAnd => "&",
                    Unary::ReduceOr => "|",
                    Unary::ReduceXor => "^",
                };
                let plain = self.is_name(*a) || matches!(self.all.list[*a].kind, Kind::Concat(_));
                let operand = self.text(*a);
                Text::word(symbol).inner(if plain { operand } else { operand.in_parentheses() })
            }
            // Readers expect the constant on the right.
            Kind::Binary(operator @ (Binary::Less | Binary::LessEqual), left, right)
                if self.all.constant(*left).is_some() && self.all.constant(*right).is_none() =>
            {
                let symbol = if *operator == Binary::Less { ">" } else { ">=" };
                let (left, right) = (self.operand(*left), self.operand(*right));
                right.or_break().then(format!("{symbol} ")).inner(left)
            }
            Kind::Binary(operator, ..) => self.chain(id, operator.sign()),
            Kind::Select(..) => self.selection(id),
            Kind::Concat(parts) => self.concatenation(parts),
        }
    }

    /// Written as a name or a number.
    fn is_name(&self, id: Id) -> bool {
        self.given.contains_key(&id) || is_atom(self.all, id)
    }

    /// An operand of a two-operand operator or a condition.
    fn operand(&mut self, id: Id) -> Text {
        let plain = self.is_name(id)
            || matches!(self.all.list[id].kind, Kind::Concat(_) | Kind::Unary(Unary::Not, _));
        let text = self.text(id);
        if plain { text } else { text.in_parentheses() }
    }

    fn chain(&mut self, id: Id, symbol: &str) -> Text {
        let mut text = Text::new();
        let mut work = vec![(None, id)];
        let mut first = true;
        while let Some((outer, id)) = work.pop() {
            let goes_on =
                outer.is_none_or(|outer| !self.given.contains_key(&id) && continues(self.all, outer, id));
            match self.all.list[id].kind {
                Kind::Binary(_, left, right) if goes_on => {
                    work.push((Some(id), right));
                    work.push((Some(id), left));
                }
                _ => {
                    if !std::mem::take(&mut first) {
                        text = text.or_break().then(format!("{symbol} "));
                    }
                    let operand = self.operand(id);
                    text = text.inner(operand);
                }
            }
        }
        text
    }

    fn selection(&mut self, id: Id) -> Text {
        let mut text = Text::breaking_everywhere();
        let mut at = id;
        while let Kind::Select(condition, then, otherwise) = self.all.list[at].kind {
            if at != id && self.given.contains_key(&at) {
                break;
            }
            let condition = self.operand(condition);
            let is_nested =
                !self.given.contains_key(&then) && matches!(self.all.list[then].kind, Kind::Select(..));
            let mut choice = self.text(then);
            if is_nested {
                choice = choice.in_parentheses();
            }
            let condition = condition.then(" ?").or_break().inner(choice).then(" :");
            text = text.inner(condition).or_break();
            at = otherwise;
        }
        let last = self.text(at);
        text.inner(last)
    }

    fn concatenation(&mut self, parts: &[Id]) -> Text {
        let runs = runs(parts);
        let whole = runs.len() == 1;
        let mut text = Text::word("{");
        for (position, (part, count)) in runs.into_iter().enumerate() {
            if position > 0 {
                text = text.then(",").or_break();
            }
            let inner = self.text(part);
            text = match count {
                1 => text.inner(inner),
                _ if whole => text.then(format!("{count}{{")).inner(inner).then("}"),
                _ => text.then(format!("{{{count}{{")).inner(inner).then("}}"),
            };
        }
        text.then("}")
    }

    fn parameter(&mut self, enumeration: &Arc<Enumeration>, variant: usize) -> String {
        let known = self.enumerations.iter().position(|known| known == enumeration);
        let position = known.unwrap_or(self.enumerations.len());
        if known.is_none() {
            self.enumerations.push(enumeration.clone());
        }
        if let Some(known) = self.parameters.get(&(position, variant)) {
            return known.name.clone();
        }
        let wish = enumeration.verilog_name(variant);
        let legal = wish.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        let name = self.names.unique(&legal);
        let value = enumeration.variants[variant].1.clone();
        let parameter = LocalParameter { name: name.clone(), width: enumeration.width, value };
        self.parameters.insert((position, variant), parameter);
        name
    }

    fn read(&mut self, target: Target, low: u32, width: u32) {
        *self.reads.entry(target).or_default() |= ones(width) << low;
    }
}

/// `name[7:4]`, `name[3]`.
pub(super) fn part(name: &str, low: u32, width: u32) -> String {
    match width {
        1 => format!("{name}[{low}]"),
        _ => format!("{name}[{}:{low}]", low + width - 1),
    }
}

/// A sized number: small ones in decimal, others in hexadecimal.
pub(super) fn constant(width: u32, value: &BigUint) -> String {
    if width == 1 {
        format!("1'b{value}")
    } else if value.bits() <= 9 {
        format!("{width}'d{value}")
    } else {
        format!("{width}'h{value:x}")
    }
}
