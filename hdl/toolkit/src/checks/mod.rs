//! Checks on a finished description. Each is one file; [`crate::ModuleBuilder::finish`] runs them all.

mod connected;
mod names;
mod paths;
mod shape;
mod used;

use crate::error::DesignError;
use crate::netlist::{Module, Source};

pub(crate) use names::illegal as illegal_name;

/// Runs every check on one module (its children have been checked already).
pub(crate) fn check(module: &Module) -> Vec<DesignError> {
    let mut errors = names::check(module);
    let unconnected = connected::check(module);
    if unconnected.is_empty() {
        // These follow connections, so they need every one to be there.
        errors.extend(paths::check(module));
        errors.extend(used::check(module));
    }
    errors.extend(unconnected);
    errors
}

/// Whether a netlist that no builder has looked at keeps the rules that its readers rely on: all checks but that of
/// unused values, and also the widths and the order of nodes, which a builder never gets wrong.
pub(crate) fn check_altered(module: &Module) -> Vec<DesignError> {
    let mut errors = shape::check(module);
    errors.extend(connected::check(module));
    if errors.is_empty() {
        errors.extend(names::check(module));
        errors.extend(paths::check(module));
    }
    errors
}

fn error(module: &Module, source: Source, message: String) -> DesignError {
    DesignError { module: module.name.clone(), message, source }
}
