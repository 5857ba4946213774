//! Wrong variants of a description, made by rule, to find out what a test campaign would miss.
//!
//! [`enumerate`] lists every place of a hierarchy at which a [`Rule`] applies; [`apply`] makes the design with one
//! of these changes. The result keeps every rule of a netlist that its readers rely on, so it simulates and can be
//! written as Verilog; only checks for unused values may complain. Assertions and cover points, and what they alone
//! read, are left as they are: they judge the mutant.
//!
//! ```
//! use stagecoach_hdl::{ModuleBuilder, mutate};
//!
//! let m = ModuleBuilder::new("gate", "");
//! let (index, count) = (m.input("index", 8), m.input("count", 8));
//! m.output("below", m.delay("below_q", index.less_than(count)));
//! let gate = m.finish().expect("the description is sound");
//! let all = mutate::enumerate(&gate);
//! let swap = all.iter().find(|mutation| mutation.rule == mutate::Rule::ComparisonSwapped).expect("there is one");
//! assert_eq!(swap.text, "`index < count` becomes `index <= count`");
//! let wrong = mutate::apply(&gate, swap);
//! assert!(!mutate::is_provably_same(&gate, &wrong));
//! ```

mod edit;
mod place;
mod rule;
mod sites;

use std::fmt;
use std::sync::Arc;

use edit::Edit;
pub use rule::Rule;

pub use crate::native::is_provably_same;
use crate::netlist::{Module, Source};

/// One change of one module.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// By which rule.
    pub rule: Rule,
    /// The module that is changed, wherever it is instantiated.
    pub module: String,
    /// The signal, register, memory or instance that is changed; for a value without a name, the nearest named thing
    /// that reads it.
    pub place: String,
    /// Where that was described.
    pub source: Source,
    /// How many mutations of the same rule, module, place and source line come before it.
    pub occurrence: usize,
    /// What is changed, in words.
    pub text: String,
    edit: Edit,
}

impl Mutation {
    /// Whether it is the same change, perhaps of another configuration of the design.
    pub fn is_twin_of(&self, other: &Mutation) -> bool {
        self.rule == other.rule
            && self.module == other.module
            && self.place == other.place
            && self.source == other.source
            && self.occurrence == other.occurrence
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mutation { rule, module, place, source, text, .. } = self;
        write!(f, "{rule}: {module}.{place}: {text} ({}:{})", source.file(), source.line())
    }
}

/// Every mutation of a hierarchy that leaves it a sound netlist, children before parents. Places at which a rule
/// plainly changes nothing are left out; see also [`is_provably_same`].
pub fn enumerate(top: &Arc<Module>) -> Vec<Mutation> {
    let mut found: Vec<Mutation> = Vec::new();
    for module in top.hierarchy() {
        let first = found.len();
        for mut mutation in sites::of(&module) {
            if mutation.edit.may_add_paths() && !edit::is_sound(&edit::altered(&module, &mutation.edit)) {
                continue;
            }
            mutation.occurrence = found[first..].iter().filter(|earlier| earlier.is_alike(&mutation)).count();
            found.push(mutation);
        }
    }
    found
}

impl Mutation {
    fn is_alike(&self, other: &Mutation) -> bool {
        self.rule == other.rule && self.place == other.place && self.source == other.source
    }
}

/// The hierarchy with one change; modules that it does not touch are shared with `top`. A mutation of another
/// design, which has no such module, changes nothing; for one that has a module of the same name but other contents
/// the result means nothing.
pub fn apply(top: &Arc<Module>, mutation: &Mutation) -> Arc<Module> {
    let mut rebuilt: Vec<(Arc<Module>, Arc<Module>)> = Vec::new();
    for module in top.hierarchy() {
        let mut altered = None;
        if module.name == mutation.module {
            altered = Some(edit::altered(&module, &mutation.edit));
        }
        for (position, instance) in module.instances.iter().enumerate() {
            if let Some((_, new)) = rebuilt.iter().find(|(old, _)| Arc::ptr_eq(old, &instance.module)) {
                let parent = altered.get_or_insert_with(|| Module::clone(&module));
                parent.instances[position].module = new.clone();
            }
        }
        if let Some(mut altered) = altered {
            altered.find_clock_and_reset();
            rebuilt.push((module, Arc::new(altered)));
        }
    }
    match rebuilt.pop() {
        Some((old, new)) if Arc::ptr_eq(&old, top) => new,
        _ => top.clone(),
    }
}

#[cfg(test)]
mod tests;
