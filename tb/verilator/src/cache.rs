//! A directory of built things, each under the hash of all it was made from.
//!
//! Safe for parallel threads and processes: who builds holds a lock file and works in a directory of their
//! own, which is renamed into place when it is complete. What a killed build leaves behind is never taken for a
//! result.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;
use crate::tools::{hex, project_root};

/// The hash of everything that a result depends on.
pub(crate) struct Key(Sha256);

impl Key {
    /// Starts with the kind of result, so that two kinds never meet.
    pub(crate) fn new(kind: &str) -> Key {
        let mut key = Key(Sha256::new());
        key.add("kind", kind);
        key
    }

    /// Adds one named ingredient; lengths go in too, so that no two lists run together.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        for part in [name, text] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part.as_bytes());
        }
    }

    fn finish(self) -> String {
        hex(&self.0.finalize())[..32].to_owned()
    }
}

/// `STAGECOACH_CACHE`, else `target/verilator-cache` of the project.
pub fn directory() -> PathBuf {
    match env::var_os("STAGECOACH_CACHE").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => project_root().join("target").join("verilator-cache"),
    }
}

/// The directory for `key` in `cache`, which contains `product`; `build` fills a fresh directory if there is
/// none yet.
pub(crate) fn get(
    cache: &Path,
    key: Key,
    product: &str,
    build: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let name = key.finish();
    let place = cache.join(&name);
    if place.join(product).is_file() {
        return Ok(place);
    }
    fs::create_dir_all(cache).map_err(Error::io("cannot create", cache))?;
    let lock_path = cache.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).map_err(Error::io("cannot create", &lock_path))?;
    lock.lock().map_err(Error::io("cannot lock", &lock_path))?;
    if place.join(product).is_file() {
        return Ok(place); // another one built it while this one waited
    }
    let work = tempfile::Builder::new()
        .prefix(&format!("building-{name}-"))
        .tempdir_in(cache)
        .map_err(Error::io("cannot create a directory in", cache))?;
    build(work.path())?;
    // Nobody else has this place while the lock is held; what is there has no product, so it is a leftover.
    if place.exists() {
        fs::remove_dir_all(&place).map_err(Error::io("cannot remove", &place))?;
    }
    fs::rename(work.path(), &place).map_err(Error::io("cannot move a finished build to", &place))?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn key(text: &str) -> Key {
        let mut key = Key::new("test");
        key.add("text", text);
        key
    }

    #[test]
    fn parallel_callers_build_once() {
        let cache = tempfile::tempdir().unwrap();
        let builds = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let place = get(cache.path(), key("same"), "product", |work| {
                        builds.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        fs::write(work.join("product"), "done").map_err(Error::io("cannot write", work))
                    })
                    .unwrap();
                    assert_eq!(fs::read_to_string(place.join("product")).unwrap(), "done");
                });
            }
        });
        assert_eq!(builds.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_failed_or_killed_build_leaves_nothing_that_counts() {
        let cache = tempfile::tempdir().unwrap();
        let failed = get(cache.path(), key("bad"), "product", |_| Err(Error::Design("no".to_owned())));
        assert!(failed.is_err());
        let name = key("bad").finish();
        fs::create_dir_all(cache.path().join(&name).join("half")).unwrap();
        fs::create_dir_all(cache.path().join(format!("building-{name}-old"))).unwrap();
        let write =
            |work: &Path| fs::write(work.join("product"), "").map_err(Error::io("cannot write", work));
        let place = get(cache.path(), key("bad"), "product", write).unwrap();
        assert!(place.join("product").is_file() && !place.join("half").exists());
    }

    #[test]
    fn ingredients_do_not_run_together() {
        let two = |a: &str, b: &str| {
            let mut key = Key::new("test");
            key.add(a, b);
            key.finish()
        };
        assert_ne!(two("ab", "c"), two("a", "bc"));
        assert_ne!(two("a", "b"), two("a", "c"));
    }
}
