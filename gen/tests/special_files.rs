//! Verdicts into what is no file of its own: pipes keep their place, links are followed.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::Command;
use std::thread;

use support::{stagecoach, vm};
use tempfile::tempdir;

/// Requests in the capture.
const LINES: usize = 466;

fn replay_into(path: &std::path::Path) {
    let verdicts = format!("--verdicts={}", path.display());
    let run = stagecoach(&["replay", "--engine=golden", &vm("vma-ipv6", "fd00:1::2"), &verdicts]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn a_pipe_is_written_to_and_stays() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    replay_into(&pipe);
    // Before waiting for the reader: without a writer it would never come back.
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "the pipe was replaced");
    assert_eq!(reader.join().unwrap().lines().count(), LINES);
}

#[test]
fn through_a_link_the_file_is_replaced() {
    let folder = tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink("file", &link).unwrap();
    replay_into(&link);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), LINES);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn standard_output_that_is_a_file_is_refused() {
    let folder = tempdir().unwrap();
    let name = folder.path().join("out");
    let status = Command::new(env!("CARGO_BIN_EXE_stagecoach"))
        .args(["replay", "--engine=golden", "--verdicts=/proc/self/fd/1", &vm("vma-ipv6", "fd00:1::2")])
        .stdout(fs::File::create(&name).unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    assert_eq!(fs::read(&name).unwrap(), b"");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
