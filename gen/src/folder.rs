//! Writes a folder or a file whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::Error;
use crate::design::OutputFile;
use crate::manifest::{MANIFEST, Manifest};

/// Makes `folder` hold exactly `files`. They are written beside it first and put in place by renaming, so that
/// nobody ever sees half of them and a failure leaves what was there.
///
/// # Errors
/// The folder holds a file that its manifest does not name, is no folder, or cannot be written.
pub fn publish(folder: &Path, files: &[OutputFile]) -> Result<(), Error> {
    // Through a symbolic link the folder that it names is replaced, not the link.
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(parent) = parent_of(&folder) else {
        return Err(Error::NoFolder { path: folder, problem: "is not the name of a folder" });
    };
    let exists = folder.symlink_metadata().is_ok();
    if exists {
        refuse_foreign(&folder)?;
        // It is replaced as a whole: whoever stands in it would be left in a folder without a name.
        if std::env::current_dir().is_ok_and(|here| here.starts_with(&folder)) {
            return Err(Error::NoFolder { path: folder, problem: "is the folder you are in" });
        }
    }
    fs::create_dir_all(&parent).map_err(Error::io("cannot create folder", &parent))?;
    let beside = Builder::new().prefix(".stagecoach-").tempdir_in(&parent);
    let beside = beside.map_err(Error::io("cannot write into folder", &parent))?;
    let (new, old) = (beside.path().join("new"), beside.path().join("old"));
    fs::create_dir(&new).map_err(Error::io("cannot create folder", &new))?;
    for file in files {
        let path = new.join(&file.name);
        fs::write(&path, &file.text).map_err(Error::io("cannot write", &path))?;
    }
    if exists {
        fs::rename(&folder, &old).map_err(Error::io("cannot replace", &folder))?;
    }
    if let Err(error) = fs::rename(&new, &folder) {
        if exists {
            fs::rename(&old, &folder).map_err(Error::io("cannot put back", &folder))?;
        }
        return Err(Error::io("cannot write", &folder)(error));
    }
    Ok(())
}

/// A file that appears under its name only when it is whole. What is no file (a pipe, a device) keeps its place and
/// is written to when all is known.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    file: NamedTempFile,
    stream: Option<File>,
}

impl Pending {
    /// Starts the file, so that a place that cannot be written is told before long work.
    ///
    /// # Errors
    /// The folder cannot be written, the path is a folder, or another name of a file that a process has open.
    pub fn create(path: &Path) -> Result<Pending, Error> {
        let refuse = |why| Err(Error::io("cannot write", path)(io::Error::other(why)));
        let found = fs::metadata(path).ok();
        let Some(parent) = parent_of(path).filter(|_| !found.as_ref().is_some_and(fs::Metadata::is_dir))
        else {
            return refuse("it is a folder");
        };
        let is_file = found.as_ref().is_none_or(fs::Metadata::is_file);
        if is_file && found.is_some() && names_open_file(path) {
            return refuse("it stands for a file that is open; give that file's own name");
        }
        let mut builder = Builder::new();
        builder.prefix(".stagecoach-");
        if !is_file {
            let stream =
                OpenOptions::new().write(true).open(path).map_err(Error::io("cannot write", path))?;
            let file =
                builder.tempfile().map_err(Error::io("cannot write into folder", std::env::temp_dir()))?;
            return Ok(Pending { path: path.to_owned(), file, stream: Some(stream) });
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file, less what the umask takes away; the default of temporary files is the owner's alone.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // Through a symbolic link the file that it names is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let parent = parent_of(&path).unwrap_or(parent);
        let file = builder.tempfile_in(&parent).map_err(Error::io("cannot write", &path))?;
        Ok(Pending { path, file, stream: None })
    }

    /// Appends.
    ///
    /// # Errors
    /// The device is full, or the like.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(Error::io("cannot write", &self.path))
    }

    /// Where it lies until it is published.
    pub fn temporary(&self) -> &Path {
        self.file.path()
    }

    /// Gives it its name, in place of the file that had it.
    ///
    /// # Errors
    /// The name cannot be taken.
    pub fn publish(self) -> Result<(), Error> {
        let Pending { path, file, stream } = self;
        match stream {
            Some(mut stream) => File::open(file.path())
                .and_then(|mut whole| io::copy(&mut whole, &mut stream))
                .map_err(Error::io("cannot write", &path))
                .map(|_| ()),
            None => {
                file.persist(&path).map_err(|error| Error::io("cannot write", &path)(error.error))?;
                Ok(())
            }
        }
    }
}

/// Whether a path is one of `/dev/stdout`, `/dev/fd/1` and the like: to replace the file behind it would take it away
/// from the process that has it open.
fn names_open_file(path: &Path) -> bool {
    let named = fs::read_link(path).unwrap_or_else(|_| path.to_owned());
    [path, &named].into_iter().any(|path| {
        let parent = parent_of(path).and_then(|parent| fs::canonicalize(parent).ok());
        parent.is_some_and(|parent| parent.starts_with("/proc"))
    })
}

/// What tells whether two paths are one file, also where there is none yet.
pub fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let parent = parent_of(path).and_then(|parent| fs::canonicalize(parent).ok());
        parent.zip(path.file_name()).map_or_else(|| path.to_owned(), |(parent, name)| parent.join(name))
    })
}

/// The folder that holds a path; nothing for a root.
fn parent_of(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    path.file_name()?;
    Some(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() })
}

/// Refuses a folder with anything in it that its own manifest does not name.
fn refuse_foreign(folder: &Path) -> Result<(), Error> {
    if !folder.is_dir() {
        return Err(Error::NoFolder { path: folder.to_owned(), problem: "is there, and is no folder" });
    }
    let manifest = Manifest::read(folder);
    let is_ours = |name: &str, path: &Path| {
        let is_named = name == MANIFEST || manifest.as_ref().is_some_and(|m| m.names(name));
        manifest.is_some() && is_named && path.symlink_metadata().is_ok_and(|data| data.is_file())
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("cannot read folder", folder))? {
        let entry = entry.map_err(Error::io("cannot read folder", folder))?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    match entries.into_iter().find(|(name, path)| !is_ours(name, path)) {
        Some((file, _)) => Err(Error::ForeignFile { folder: folder.to_owned(), file }),
        None => Ok(()),
    }
}
