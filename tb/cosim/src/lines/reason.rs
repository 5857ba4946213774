//! The list of lines that may stay without execution, each with the reason, kept as TOML.
//!
//! ```toml
//! [[line]]
//! module = "mapping_update"       # without .v
//! text = "if (walk_fails) begin"  # a part of the line
//! reason = "the state has no number of its own"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Unhit;

/// An entry of the list.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The module, as its file without `.v`.
    pub module: String,
    /// A part of the line.
    pub text: String,
    /// Why nothing executes it, or need execute it.
    pub reason: String,
}

/// The list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    /// Its entries.
    #[serde(default, rename = "line")]
    pub entries: Vec<Reason>,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReasonsError {
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
    #[error("{name}: entry {entry} has an empty field; give module, text and reason")]
    Entry {
        /// The file's name.
        name: String,
        /// Its number, from 1.
        entry: usize,
    },
}

impl Reasons {
    /// Reads a list.
    ///
    /// # Errors
    /// The file cannot be read or holds no such list.
    pub fn read(path: &Path) -> Result<Reasons, ReasonsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ReasonsError::Read { path: path.to_owned(), source })?;
        Reasons::parse(&text, &path.display().to_string())
    }

    /// Reads a list's text; `name` is for errors.
    ///
    /// # Errors
    /// It is no such list.
    pub fn parse(text: &str, name: &str) -> Result<Reasons, ReasonsError> {
        let list: Reasons = toml::from_str(text)
            .map_err(|source| ReasonsError::Form { name: name.to_owned(), source: Box::new(source) })?;
        // An empty text would be a part of every line.
        let is_empty = |entry: &Reason| {
            [&entry.module, &entry.text, &entry.reason].iter().any(|field| field.trim().is_empty())
        };
        match list.entries.iter().position(is_empty) {
            Some(entry) => Err(ReasonsError::Entry { name: name.to_owned(), entry: entry + 1 }),
            None => Ok(list),
        }
    }

    /// Why the line may stay without execution, if the list says so.
    pub fn of(&self, line: &Unhit) -> Option<&str> {
        let module = line.source.file.trim_end_matches(".v");
        let fits = |entry: &&Reason| entry.module == module && line.text().contains(&entry.text);
        self.entries.iter().find(fits).map(|entry| entry.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_explains_everything_or_nothing_is_refused() {
        let parse = |text: &str| Reasons::parse(text, "list.toml");
        assert_eq!(parse("").expect("an empty list is one"), Reasons::default());
        let error = parse("[[line]]\nmodule = 'a'\ntext = ' '\nreason = 'b'\n").expect_err("no text");
        assert!(error.to_string().contains("list.toml: entry 1"), "{error}");
        let error = parse("[[line]]\nmodule = 'a'\nline = 3\nreason = 'b'\n").expect_err("unknown field");
        assert!(error.to_string().contains("list.toml"), "{error}");
    }
}
