//! `cargo xtask browser`: the page that `stagecoach migrate --html` writes, in a headless Chromium.
//!
//! Not part of the tests: Chromium is some 100 MB to fetch for a page without scripts.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use stagecoach::cli::MigrateArguments;
use stagecoach::migrate::{self, CrashAt};
use stagecoach_verilator::tools;

use crate::run::shown;
use crate::setup;

/// Where the picture goes: documents show it.
const PICTURE: &str = "docs/pictures/migrate.png";

/// Measures what is on the screen, and leaves the problems in the document's title, where `--dump-dom` shows them.
const MEASURE: &str = r#"<script>
const problems = [], picture = document.querySelector('svg').getBoundingClientRect();
for (const shape of document.querySelectorAll('svg rect, svg text')) {
  const box = shape.getBoundingClientRect(), name = shape.textContent || shape.className.baseVal;
  if (box.left < picture.left - 1 || box.right > picture.right + 1) problems.push('beside the picture: ' + name);
  if (box.top < picture.top - 1 || box.bottom > picture.bottom + 1) problems.push('above or below the picture: ' + name);
  if (shape.tagName === 'rect' && getComputedStyle(shape).fill === 'rgb(221, 221, 221)') problems.push('without a colour: ' + name);
}
const texts = [...document.querySelectorAll('svg text')];
texts.forEach((one, at) => texts.slice(at + 1).forEach(other => {
  const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
  const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
  if (!apart) problems.push('one upon the other: ' + one.textContent + ', ' + other.textContent);
}));
if (document.documentElement.scrollWidth > innerWidth) problems.push('wider than the window');
for (const name of ['freeze', 'hand-over', 'first answer']) {
  if (!texts.some(text => text.textContent.startsWith(name))) problems.push('no mark: ' + name);
}
document.title = 'measured ' + texts.length + ' texts; problems: ' + problems.join(' | ') + ';';
</script></body>"#;

/// Has the page written, looks at it in a browser, and keeps a picture of it.
///
/// # Errors
/// No browser, or the page does not look as it should.
pub fn run() -> Result<()> {
    let chromium = setup::chromium()?;
    let work = tempfile::tempdir()?;
    for (name, crash) in [("crash.html", Some(CrashAt { machine: 1, step: 5 })), ("move.html", None)] {
        let page = work.path().join(name);
        write_page(&page, crash)?;
        let text = fs::read_to_string(&page)?;
        let outside = ["http:", "https:", "src=", "@import", "url("];
        if let Some(found) = outside.into_iter().find(|outside| text.contains(outside)) {
            bail!("{name} is not self-contained: it has `{found}`");
        }
        let measured = work.path().join(format!("measured-{name}"));
        ensure!(text.contains("</body>"), "{name} has no end");
        fs::write(&measured, text.replace("</body>", MEASURE))?;
        let seen = browse(&chromium, &measured, &["--dump-dom"])?;
        let found = seen.split_once("<title>measured ").and_then(|(_, rest)| rest.split_once(";</title>"));
        let Some((found, _)) = found else { bail!("{name}: the browser measured nothing") };
        println!("{name}: {found}");
        ensure!(found.ends_with("problems: "), "{name} does not look as it should");
    }
    let picture = tools::project_root().join(PICTURE);
    browse(&chromium, &work.path().join("move.html"), &[&format!("--screenshot={}", picture.display())])?;
    let bytes = fs::read(&picture).with_context(|| format!("no picture {}", picture.display()))?;
    ensure!(bytes.starts_with(b"\x89PNG"), "{} is not a PNG file", picture.display());
    println!("{}: {} bytes", picture.display(), bytes.len());
    Ok(())
}

fn write_page(page: &Path, crash_at: Option<CrashAt>) -> Result<()> {
    let arguments = MigrateArguments { vm: None, crash_at, seed: 1, html: Some(page.to_owned()) };
    ensure!(migrate::run(&arguments)?, "the move failed");
    Ok(())
}

/// What the browser prints.
fn browse(chromium: &Path, page: &Path, options: &[&str]) -> Result<String> {
    let profile = tempfile::tempdir()?;
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--hide-scrollbars", "--window-size=1100,680"]).args(options);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("file://{}", page.display()));
    let output = command.output().with_context(|| format!("cannot run {}", shown(&command)))?;
    ensure!(output.status.success(), "{}: {}", shown(&command), String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
