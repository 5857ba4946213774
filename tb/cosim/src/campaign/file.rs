//! A failing case in a file that plays again.
//!
//! The file is JSON: the words of the failure, the setup, the configuration, and one line for each step.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stagecoach_spec::{Config, ConfigError};

use super::case::Case;
use crate::session::Setup;
use crate::stimulus::{Script, Step};

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is none of this kind.
    #[error("{path}: {problem}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        problem: String,
    },
    /// Its configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl FileError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
        move |source| FileError::Io { what, path: path.to_owned(), source }
    }
}

/// A failing case, and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The case.
    pub case: Case,
    /// The failure's words.
    pub failure: String,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    failure: String,
    seed: u64,
    setup: Setup,
    config: Config,
    steps: Vec<Step>,
}

impl Kept {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is not of this kind, or its configuration cannot be used.
    pub fn read(path: &Path) -> Result<Kept, FileError> {
        let Form { failure, seed, setup, config, steps } = read_json(path)?;
        config.validate()?;
        Ok(Kept { case: Case { setup, script: Script { config, seed, steps } }, failure })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let wrong = |error: serde_json::Error| FileError::Format {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let Case { setup, script } = &self.case;
        let mut text = String::from("{\n");
        let mut field = |name: &str, value: serde_json::Result<String>| -> Result<(), FileError> {
            text += &format!("\"{name}\": {},\n", value.map_err(wrong)?);
            Ok(())
        };
        field("failure", serde_json::to_string(&self.failure))?;
        field("seed", serde_json::to_string(&script.seed))?;
        field("setup", serde_json::to_string(setup))?;
        field("config", serde_json::to_string(&script.config))?;
        let steps: Result<Vec<String>, _> = script.steps.iter().map(serde_json::to_string).collect();
        text += &format!("\"steps\": [\n{}\n]\n}}\n", steps.map_err(wrong)?.join(",\n"));
        fs::write(path, text).map_err(FileError::io("write", path))
    }

    /// A text for people: what was wrong, how it was played, and the script.
    pub fn readable(&self) -> String {
        format!("{}\n\n{:?}\n\n{}", self.failure, self.case.setup, self.case.script)
    }
}

/// Reads a JSON file.
///
/// # Errors
/// It cannot be read, or does not hold a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = fs::read_to_string(path).map_err(FileError::io("read", path))?;
    serde_json::from_str(&text)
        .map_err(|error| FileError::Format { path: path.to_owned(), problem: error.to_string() })
}

/// Writes a JSON file, whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| FileError::Format { path: path.to_owned(), problem: error.to_string() })?;
    let beside = path.with_extension("new");
    fs::write(&beside, text + "\n").map_err(FileError::io("write", &beside))?;
    fs::rename(&beside, path).map_err(FileError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Lot;
    use crate::stimulus::Shape;
    use crate::{EngineKind, Pace, RetirePace, Stalls};
    use stagecoach_spec::Protection;

    #[test]
    fn every_script_goes_through_its_file_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("case.json");
        let shape = Shape { requests: 3_000, most_between: 20, fills: 1 };
        for seed in 0..6 {
            let mut lot = Lot::random(seed, EngineKind::Native, shape, 1);
            let mut case = lot.cases.remove(0);
            case.script.steps.insert(7, Step::Settle);
            case.setup.stalls = Stalls {
                request: Pace::Percent(40),
                response: Pace::Stretches(9),
                update: Pace::Always,
                retirement: RetirePace::Random { longest: 40 },
            };
            let kept = Kept { case, failure: "\"quoted\",\nsecond line".to_owned() };
            kept.write(&path).expect("written");
            assert_eq!(Kept::read(&path).expect("read"), kept);
            let text = fs::read_to_string(&path).expect("text");
            assert!(text.lines().count() >= kept.case.script.steps.len(), "a line for each step");
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("case.json");
        let mut lot = Lot::random(1, EngineKind::Native, Shape { requests: 5, most_between: 2, fills: 0 }, 1);
        let kept = Kept { case: lot.cases.remove(0), failure: String::new() };
        kept.write(&path).expect("written");
        let text = fs::read_to_string(&path).expect("text");
        let refused = |text: String| {
            fs::write(&path, text).expect("written");
            Kept::read(&path).expect_err("no such file").to_string()
        };
        assert!(refused(text.replace("\"seed\"", "\"sead\"")).contains("line 3"));
        assert!(refused(text[..text.len() / 2].to_owned()).contains("case.json"));
        let mut broken = kept.clone();
        broken.case.script.config.tables = 0;
        broken.case.script.config.protection = Protection::Parity;
        broken.write(&path).expect("written");
        assert!(matches!(Kept::read(&path), Err(FileError::Config(_))));
        assert!(
            Kept::read(&folder.path().join("none")).expect_err("no file").to_string().contains("cannot read")
        );
    }
}
