//! Which unnamed expressions get a name of their own: those that are sliced, those used more than once unless
//! they are trivial, and parts of expressions that would become too deep or too long.

use super::expression::{Expressions, Id, Kind, runs};
use crate::netlist::{Binary, Unary};

/// Characters of one expression beyond which parts of it get names.
const LONGEST: usize = 16_000;
/// Parentheses within parentheses, likewise.
const DEEPEST: usize = 20;
/// Links of a chain such as `a | b | c`, likewise.
const MOST_LINKS: usize = 256;

/// For each expression whether it gets a name. `roots` are the expressions that statements write, each as
/// often as it is written.
pub(super) fn hoisted(all: &Expressions<'_>, roots: &[Id]) -> Vec<bool> {
    let mut uses = vec![0u32; all.list.len()];
    let mut hoisted = vec![false; all.list.len()];
    roots.iter().for_each(|root| uses[*root] += 1);
    for id in (0..all.list.len()).rev() {
        if uses[id] == 0 {
            continue;
        }
        all.operands(id).into_iter().for_each(|operand| uses[operand] += 1);
        if let Kind::SliceOf { of, .. } = all.list[id].kind {
            hoisted[of] = true;
        }
        hoisted[id] |= uses[id] > 1 && !is_trivial(all, id);
    }
    limit(all, &uses, &mut hoisted);
    hoisted
}

/// Can be written as an operand of anything, without parentheses or further parts.
pub(super) fn is_atom(all: &Expressions<'_>, id: Id) -> bool {
    matches!(
        all.list[id].kind,
        Kind::Name(_) | Kind::Part { .. } | Kind::Constant(_) | Kind::Enumerated(..) | Kind::SliceOf { .. }
    )
}

/// So short that a reader would rather see it twice than look for its name.
fn is_trivial(all: &Expressions<'_>, id: Id) -> bool {
    let atoms = |ids: &[Id]| ids.iter().all(|id| is_atom(all, *id));
    let is_small_constant = |id: Id| all.constant(id).is_some() && all.list[id].width <= 64;
    match &all.list[id].kind {
        Kind::Unary(Unary::Not, a) => is_atom(all, *a),
        Kind::Unary(_, a) => is_atom(all, *a) && all.list[*a].width <= 64,
        Kind::Binary(Binary::Equal | Binary::NotEqual, a, b) => {
            atoms(&[*a, *b]) && (is_small_constant(*a) || is_small_constant(*b))
        }
        Kind::Concat(parts) => {
            let runs = runs(parts);
            runs.len() <= 2 && runs.iter().all(|(part, _)| is_atom(all, *part))
        }
        _ => is_atom(all, id),
    }
}

/// What of an expression would be written at one place.
#[derive(Clone, Copy, Default)]
struct Extent {
    length: usize,
    depth: usize,
    links: usize,
}

fn limit(all: &Expressions<'_>, uses: &[u32], hoisted: &mut [bool]) {
    let named = Extent { length: 24, ..Extent::default() };
    let mut extents: Vec<Extent> = Vec::with_capacity(all.list.len());
    for (id, uses) in uses.iter().enumerate() {
        if *uses == 0 {
            extents.push(named);
            continue;
        }
        let operands = all.operands(id);
        loop {
            let extent = measure(
                all,
                id,
                &operands,
                |operand| {
                    if hoisted[operand] { named } else { extents[operand] }
                },
            );
            let fits = extent.length <= LONGEST && extent.depth <= DEEPEST && extent.links <= MOST_LINKS;
            let worst = operands
                .iter()
                .filter(|operand| !hoisted[**operand] && !is_atom(all, **operand))
                .max_by_key(|operand| {
                    let extent = extents[**operand];
                    (extent.links >= MOST_LINKS, extent.depth >= DEEPEST, extent.length)
                });
            match worst {
                Some(worst) if !fits => hoisted[*worst] = true,
                _ => {
                    extents.push(extent);
                    break;
                }
            }
        }
    }
}

/// The extent of an expression from those of its operands.
fn measure(all: &Expressions<'_>, id: Id, operands: &[Id], extent: impl Fn(Id) -> Extent) -> Extent {
    if is_atom(all, id) {
        return Extent { length: 24.max(all.list[id].width as usize / 4), ..Extent::default() };
    }
    let mut whole = Extent::default();
    for operand in operands {
        let part = extent(*operand);
        let chained = continues(all, id, *operand);
        whole.length += part.length + 4;
        whole.depth = whole.depth.max(part.depth + usize::from(!chained));
        whole.links += if chained { part.links + 1 } else { 0 };
    }
    whole
}

/// `inner` is written without parentheses as a further link of `outer`'s chain.
pub(super) fn continues(all: &Expressions<'_>, outer: Id, inner: Id) -> bool {
    match (&all.list[outer].kind, &all.list[inner].kind) {
        (Kind::Binary(a, left, right), Kind::Binary(b, ..)) if a == b => match a {
            Binary::And | Binary::Or | Binary::Xor | Binary::Add => *left == inner || *right == inner,
            Binary::Sub => *left == inner && *right != inner,
            _ => false,
        },
        (Kind::Select(condition, then, otherwise), Kind::Select(..)) => {
            *otherwise == inner && *then != inner && *condition != inner
        }
        _ => false,
    }
}
