//! Runs a program and keeps its words for the error.

use std::process::{Command, Output, Stdio};

use crate::Error;

/// Lines of a failing program that an error shows.
const SHOWN_LINES: usize = 40;

/// Runs `command` to its end; an error if it cannot start or does not exit with 0.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<Output, Error> {
    let failed = |words: String, command: &Command| Error::ToolFailed {
        what: what.to_owned(),
        command: shown(command),
        words,
    };
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(failed(format!("it could not be started: {error}"), command)),
    };
    if output.status.success() {
        return Ok(output);
    }
    let words =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(failed(format!("{} ({})", tail(&words), output.status), command))
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let quote = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+,:%@".contains(c);
        if !word.is_empty() && word.chars().all(plain) { word.into_owned() } else { format!("'{word}'") }
    };
    let mut words = Vec::new();
    if let Some(directory) = command.get_current_dir() {
        words.push(format!("cd {} &&", quote(directory.as_os_str())));
    }
    words.push(quote(command.get_program()));
    words.extend(command.get_args().map(quote));
    words.join(" ")
}

fn tail(words: &str) -> String {
    // Errors first: a long make log hides them, and they may stand far above its end.
    let lines: Vec<_> = words.lines().collect();
    let is_error =
        |line: &&str| line.contains("rror:") || line.contains("%Error") || line.contains("%Warning");
    let mut kept: Vec<&str> = lines.iter().copied().filter(is_error).take(SHOWN_LINES / 2).collect();
    let rest = SHOWN_LINES - kept.len();
    let end = &lines[lines.len().saturating_sub(rest)..];
    kept.retain(|line| !end.contains(line));
    if !kept.is_empty() && lines.len() > end.len() {
        kept.push("...");
    }
    kept.extend(end);
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_command_and_words() {
        let error =
            run("trying", Command::new("sh").args(["-c", "echo 'x: error: why' >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("sh -c 'echo") && text.contains("x: error: why") && text.contains('3'),
            "{text}"
        );
    }

    #[test]
    fn a_long_log_keeps_its_errors() {
        let log = format!("a: error: the cause\n{}", "noise\n".repeat(500));
        let text = tail(&log);
        assert!(
            text.starts_with("a: error: the cause\n...") && text.lines().count() <= SHOWN_LINES + 1,
            "{text}"
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run("trying", &mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-anywhere"));
    }
}
