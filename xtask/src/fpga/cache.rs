//! Results kept by the content that they follow from, below `target/fpga-cache`: the same question is never worked
//! out twice, and a rerun of a report is instant.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use stagecoach_verilator::tools;
use tempfile::TempDir;

/// A name made from contents: equal for equal contents, and for no others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The key of these parts in this order. Where one part ends and the next begins counts.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Key {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Key(format!("{:x}", hash.finalize())[..32].to_owned())
    }

    /// The key as text, 32 hexadecimal digits.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A folder of results.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The project's.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open() -> Result<Cache> {
        Cache::at(tools::project_root().join("target/fpga-cache"))
    }

    /// A cache in a folder of the caller's choice.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn at(folder: PathBuf) -> Result<Cache> {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Cache { folder })
    }

    /// Where a file of a kind lies, or would.
    pub fn path(&self, kind: &str, key: &Key) -> PathBuf {
        self.folder.join(format!("{kind}-{}", key.text()))
    }

    /// A kept result, if there is one that this version can read.
    pub fn kept<T: DeserializeOwned>(&self, kind: &str, key: &Key) -> Option<T> {
        serde_json::from_slice(&fs::read(self.path(kind, key)).ok()?).ok()
    }

    /// The kept result, or the one that `make` works out in a temporary folder of its own, which is then kept.
    ///
    /// # Errors
    /// Those of `make`, which are not kept, and of files.
    pub fn get<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        key: &Key,
        make: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<T> {
        if let Some(kept) = self.kept(kind, key) {
            return Ok(kept);
        }
        let work = self.work_folder()?;
        let made = make(work.path())?;
        let text = work.path().join("result");
        fs::write(&text, serde_json::to_vec(&made)?).context("cannot write a result")?;
        self.keep(&text, kind, key)?;
        Ok(made)
    }

    /// Keeps a file of a work folder. It appears whole or not at all.
    ///
    /// # Errors
    /// It cannot be renamed into place.
    pub fn keep(&self, file: &Path, kind: &str, key: &Key) -> Result<()> {
        let kept = self.path(kind, key);
        fs::rename(file, &kept).with_context(|| format!("cannot rename into {}", kept.display()))
    }

    /// A temporary folder on the cache's own file system, so that results can be renamed into place.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn work_folder(&self) -> Result<TempDir> {
        let made = tempfile::Builder::new().prefix("work-").tempdir_in(&self.folder);
        made.context("cannot make a work folder")
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_result_is_worked_out_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let key = Key::of(["module a", "seed 1"]);
        assert_eq!(cache.get("sum", &key, |_| Ok(3)).unwrap(), 3);
        assert_eq!(cache.get::<u32>("sum", &key, |_| bail!("asked again")).unwrap(), 3);
        assert_eq!(cache.get("other", &key, |_| Ok(4)).unwrap(), 4);
        let left: Vec<_> = fs::read_dir(folder.path().join("cache")).unwrap().collect();
        assert_eq!(left.len(), 2, "work folders are gone");
    }

    #[test]
    fn an_error_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().to_owned()).unwrap();
        let key = Key::of(["module a"]);
        assert!(cache.get::<u32>("sum", &key, |_| bail!("interrupted")).is_err());
        assert_eq!(cache.get("sum", &key, |_| Ok(3)).unwrap(), 3);
    }

    #[test]
    fn keys_tell_contents_and_their_borders_apart() {
        let keys = [Key::of(["ab", "c"]), Key::of(["a", "bc"]), Key::of(["abc"]), Key::of(["ab", "d"])];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key));
        }
        assert_eq!(keys[0], Key::of(["ab", "c"]));
    }
}
