//! Names that the designer did not give: readable, unique in their module, the same from run to run.

use std::collections::HashSet;

use super::expression::{Expressions, Id, Kind};
use crate::netlist::{Binary, Unary};

/// The names taken in a module.
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// The designer's names.
    pub fn of(all: &Expressions<'_>) -> Names {
        let module = all.module;
        let mut taken: HashSet<String> = ["clk", "rst"].map(str::to_owned).into();
        taken.extend(module.nodes.iter().filter_map(|node| node.name.clone()));
        taken.extend(module.ports.iter().map(|port| port.name.clone()));
        taken.extend(module.memories.iter().map(|memory| memory.name.clone()));
        taken.extend(module.instances.iter().map(|instance| instance.name.clone()));
        let properties = module.assertions.iter().chain(&module.covers);
        taken.extend(properties.map(|property| property.name.clone()));
        Names { taken }
    }

    /// `wish`, or `wish_2`, `wish_3`… if that is taken.
    pub fn unique(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wish}_{number}");
            number += 1;
        }
        name
    }
}

/// What an expression is, in one word.
pub(super) fn word(all: &Expressions<'_>, id: Id) -> &'static str {
    match &all.list[id].kind {
        Kind::Name(_) | Kind::Part { .. } | Kind::SliceOf { .. } => "part",
        Kind::Constant(_) | Kind::Enumerated(..) => "constant",
        Kind::Unary(operator, _) => match operator {
            Unary::Not => "inverse",
            Unary::ReduceAnd => "all",
            Unary::ReduceOr => "any",
            Unary::ReduceXor => "parity",
        },
        Kind::Binary(operator, ..) => match operator {
            Binary::And => "and",
            Binary::Or => "or",
            Binary::Xor => "xor",
            Binary::Add => "sum",
            Binary::Sub => "difference",
            Binary::Equal => "equal",
            Binary::NotEqual => "unequal",
            Binary::Less => "less",
            Binary::LessEqual => "at_most",
            Binary::ShiftLeft => "shifted_up",
            Binary::ShiftRight => "shifted_down",
        },
        Kind::Select(..) => "choice",
        Kind::Concat(_) => "word",
    }
}
