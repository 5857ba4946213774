//! Reads the delays that nextpnr writes as SDF (standard delay format): one record a line, as nextpnr lays it out.

use anyhow::{Context, Result, bail};
use std::collections::HashMap;

/// A name of a cell, a pin or a cell type: its place in [`Delays::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// A pin of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// The cell.
    pub cell: Name,
    /// The pin's name in the cell.
    pub port: Name,
}

/// Every delay of a placed and routed design, in ps at the slow corner.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    names: Vec<String>,
    known: HashMap<String, Name>,
    /// From an input pin to the output pin that drives it, and how long the way is.
    pub wires: HashMap<Pin, (Pin, i32)>,
    /// From an output pin to the input pins of the same cell that it follows from.
    pub arcs: HashMap<Pin, Vec<(Name, i32)>>,
    /// How long before the clock an input must stand.
    pub setups: HashMap<Pin, i32>,
}

impl Delays {
    /// Reads a file.
    ///
    /// # Errors
    /// A line that should hold a delay does not; its number is told.
    pub fn read(text: &str) -> Result<Delays> {
        let mut delays = Delays::default();
        let mut cell = delays.name("");
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let Some((&first, rest)) = words.split_first() else { continue };
            let read = match (first, rest) {
                ("(INSTANCE", [name]) => {
                    cell = delays.name(name.trim_end_matches(')'));
                    Some(())
                }
                ("(INTERCONNECT", [from, to, rise, fall]) => delays.wire(from, to, rise, fall),
                ("(IOPATH", [from, to, rise, fall]) => delays.arc(cell, from, to, rise, fall),
                ("(SETUPHOLD", ["(posedge", port, _, _, setup, _]) => delays.setup(cell, port, setup),
                ("(INTERCONNECT" | "(IOPATH", _) => None,
                _ => Some(()),
            };
            if read.is_none() {
                bail!("line {} of the delays is not understood: {}", number + 1, line.trim());
            }
        }
        if delays.wires.is_empty() {
            bail!("the delays name no wire");
        }
        Ok(delays)
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> &str {
        &self.names[name.0 as usize]
    }

    fn wire(&mut self, from: &str, to: &str, rise: &str, fall: &str) -> Option<()> {
        let delay = longest(rise)?.max(longest(fall)?);
        let (from, to) = (self.pin(from)?, self.pin(to)?);
        self.wires.insert(to, (from, delay));
        Some(())
    }

    fn arc(&mut self, cell: Name, from: &str, to: &str, rise: &str, fall: &str) -> Option<()> {
        let delay = longest(rise)?.max(longest(fall)?);
        let (from, port) = (self.name(from), self.name(to));
        self.arcs.entry(Pin { cell, port }).or_default().push((from, delay));
        Some(())
    }

    fn setup(&mut self, cell: Name, port: &str, setup: &str) -> Option<()> {
        let delay = longest(setup)?;
        let port = self.name(port.trim_end_matches(')'));
        self.setups.insert(Pin { cell, port }, delay);
        Some(())
    }

    /// A pin written as `cell/port`; neither holds a slash.
    fn pin(&mut self, text: &str) -> Option<Pin> {
        let (cell, port) = text.rsplit_once('/')?;
        Some(Pin { cell: self.name(cell), port: self.name(port) })
    }

    fn name(&mut self, text: &str) -> Name {
        let text = text.replace('\\', "");
        if let Some(known) = self.known.get(&text) {
            return *known;
        }
        let name = Name(self.names.len() as u32);
        self.names.push(text.clone());
        self.known.insert(text, name);
        name
    }
}

/// The last of `(fast:typical:slow)`, in ps.
fn longest(triple: &str) -> Option<i32> {
    let (_, slow) = triple.trim_matches(['(', ')']).rsplit_once(':')?;
    slow.parse().ok()
}

/// A file's text.
///
/// # Errors
/// It cannot be read, or [`Delays::read`] refuses it.
pub fn read_file(path: &std::path::Path) -> Result<Delays> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Delays::read(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read() {
        let delays = Delays::read(include_str!("samples/delays.sdf")).unwrap();
        let (to, (from, delay)) = delays
            .wires
            .iter()
            .find(|(to, _)| delays.text(to.cell) == "dut.update_block.state_TRELLIS_FF_Q_1_DI_LUT4_Z")
            .unwrap();
        assert_eq!((delays.text(to.port), delays.text(from.port), *delay), ("A", "Q", 1360));
        assert_eq!(delays.text(from.cell), "dut.update_block.argument_op_TRELLIS_FF_Q_2");
        let setups: Vec<(&str, i32)> =
            delays.setups.iter().map(|(pin, time)| (delays.text(pin.port), *time)).collect();
        assert!(setups.contains(&("ADA7", 202)), "{setups:?}");
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let error = Delays::read("(DELAYFILE\n(INTERCONNECT a/Q b/D (1:2) oops)\n").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
        assert!(Delays::read("(DELAYFILE\n").unwrap_err().to_string().contains("no wire"));
    }
}
