//! The list of mutants that may survive, each with the reason, kept as TOML.
//!
//! ```toml
//! [[survivor]]
//! rule = "constant-off-by-one"
//! place = "mapping_expand.spare"  # ends with * where it is about all places that begin so
//! change = "becomes `3`"          # a part of the text; left out: any change of that place by that rule
//! reason = "the queue is one deeper than it needs to be"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;
use stagecoach_hdl::mutate::Rule;

use super::pool::{Pool, Subject};

/// An entry of the list.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The rule's name.
    pub rule: String,
    /// Module and signal, as in reports; with a `*` at its end all that begin so.
    pub place: String,
    /// A part of the change's text.
    #[serde(default)]
    pub change: String,
    /// Why nothing can, or need, notice it.
    pub reason: String,
}

/// The list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Its entries.
    #[serde(default, rename = "survivor")]
    pub entries: Vec<Entry>,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExplainedError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no such list.
    #[error("{name}: {source}")]
    Form {
        /// The file's name.
        name: String,
        /// Where, and what is wrong.
        source: Box<toml::de::Error>,
    },
    /// An entry lacks sense.
    #[error("{name}: {problem}")]
    Entry {
        /// The file's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

impl Explained {
    /// Reads a list.
    ///
    /// # Errors
    /// The file cannot be read or holds no such list.
    pub fn read(path: &Path) -> Result<Explained, ExplainedError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ExplainedError::Read { path: path.to_owned(), source })?;
        Explained::parse(&text, &path.display().to_string())
    }

    /// Reads a list from its text; `name` is for errors.
    ///
    /// # Errors
    /// The text is no such list, names no rule, or gives no reason.
    pub fn parse(text: &str, name: &str) -> Result<Explained, ExplainedError> {
        let list: Explained = toml::from_str(text)
            .map_err(|source| ExplainedError::Form { name: name.to_owned(), source: Box::new(source) })?;
        for Entry { rule, place, reason, .. } in &list.entries {
            let wrong = |problem: String| Err(ExplainedError::Entry { name: name.to_owned(), problem });
            if !Rule::ALL.iter().any(|known| known.name() == rule) {
                return wrong(format!("no rule is called `{rule}`"));
            }
            if reason.trim().is_empty() {
                return wrong(format!("{rule} of {place} has no reason"));
            }
        }
        Ok(list)
    }

    /// Why a mutant may survive, if it may.
    pub fn reason(&self, subject: &Subject) -> Option<&str> {
        self.entries.iter().find(|entry| entry.is_about(subject)).map(|entry| entry.reason.as_str())
    }

    /// Entries about places that the pool does not have (any more).
    pub fn stale<'l>(&'l self, pool: &Pool) -> Vec<&'l Entry> {
        let is_stale = |entry: &&Entry| !pool.subjects.iter().any(|subject| entry.is_about(subject));
        self.entries.iter().filter(is_stale).collect()
    }
}

impl Entry {
    fn is_about(&self, subject: &Subject) -> bool {
        let mutation = subject.mutation();
        let place = subject.place();
        let is_there = match self.place.strip_suffix('*') {
            Some(start) => place.starts_with(start),
            None => place == self.place,
        };
        mutation.rule.name() == self.rule
            && is_there
            && subject.sites.iter().any(|(_, mutation)| mutation.text.contains(&self.change))
    }
}
