//! Static timing analysis over the delays of a placed design. nextpnr prints one critical path; whoever wants to
//! raise the clock needs all that are too slow.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::names::Names;
use super::sdf::{Delays, Name, Pin};

/// The slowest of the paths from one register or memory to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowPath {
    /// Register or memory in which it begins, by its name in the description, with its instances before it.
    pub from: String,
    /// Register or memory in which it ends.
    pub to: String,
    /// The input at which it ends.
    pub input: Input,
    /// Clock period that it needs, in ns, setup time included.
    pub ns: f64,
    /// Part of `ns` that is spent in cells.
    pub logic_ns: f64,
    /// Part of `ns` that is spent in wires.
    pub routing_ns: f64,
    /// Look-up tables and carry chains on the way. The multiplexers that join neighbouring tables are not counted.
    pub levels: u32,
    /// Paths (one for each input pin) between the same two ends.
    pub pins: u32,
}

/// Which input of a register or memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// What it will hold.
    Data,
    /// Clock enable, also a memory's write enable.
    Enable,
    /// Set or reset.
    Reset,
    /// A memory's address.
    Address,
}

impl Input {
    /// What follows the name of a path's end.
    pub fn suffix(self) -> &'static str {
        match self {
            Input::Data => "",
            Input::Enable => " (enable)",
            Input::Reset => " (reset)",
            Input::Address => " (address)",
        }
    }

    fn of(port: &str) -> Input {
        match port {
            "LSR" | "RSTA" | "RSTB" => Input::Reset,
            "CE" | "CEA" | "CEB" | "OCEA" | "OCEB" | "WEA" | "WEB" | "WRE" => Input::Enable,
            _ if port.starts_with("AD") || port.starts_with("CSA") || port.starts_with("CSB") => {
                Input::Address
            }
            _ => Input::Data,
        }
    }
}

/// When an output pin is stable at the latest.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    /// Being worked out: whoever meets this has found a combinational loop.
    Open,
    /// No register leads here: a pin or a constant.
    Never,
    /// In ps after the clock edge, by way of an input pin of the same cell unless the cell is clocked.
    At(i32, Option<Name>),
}

/// Every pair of ends whose slowest path needs at least `fraction` of the clock period, slowest first.
///
/// # Errors
/// The delays hold no path at all, or a combinational loop.
pub fn slow_paths(delays: &Delays, names: &Names, fraction: f64) -> Result<Vec<SlowPath>> {
    let mut arrivals = HashMap::new();
    let mut ends: Vec<(i32, Pin)> = Vec::new();
    for (&pin, &setup) in &delays.setups {
        let Some(&(driver, wire)) = delays.wires.get(&pin) else { continue };
        if let Some(at) = arrive(delays, &mut arrivals, driver)? {
            ends.push((at + wire + setup, pin));
        }
    }
    // The pin decides between equals, so that the same delays give the same list.
    ends.sort_by_key(|&(time, pin)| (-time, delays.text(pin.cell), delays.text(pin.port)));
    let Some(&(worst, _)) = ends.first() else { bail!("the delays hold no path from a register to another") };
    let mut paths: Vec<SlowPath> = Vec::new();
    let mut known: BTreeMap<(String, String, Input), usize> = BTreeMap::new();
    for &(time, pin) in ends.iter().take_while(|end| f64::from(end.0) >= f64::from(worst) * fraction) {
        let path = trace(delays, names, &arrivals, pin, time);
        let ends = (path.from.clone(), path.to.clone(), path.input);
        match known.get(&ends) {
            Some(&place) => paths[place].pins += 1,
            None => {
                known.insert(ends, paths.len());
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// When an output pin is stable.
fn arrive(delays: &Delays, arrivals: &mut HashMap<Pin, Arrival>, pin: Pin) -> Result<Option<i32>> {
    match arrivals.get(&pin) {
        Some(Arrival::Open) => bail!("a combinational loop through {}", delays.text(pin.cell)),
        Some(Arrival::Never) => return Ok(None),
        Some(Arrival::At(time, _)) => return Ok(Some(*time)),
        None => {}
    }
    arrivals.insert(pin, Arrival::Open);
    let mut latest = Arrival::Never;
    let consider = |time: i32, way: Option<Name>, latest: &mut Arrival| {
        if !matches!(latest, Arrival::At(known, _) if *known >= time) {
            *latest = Arrival::At(time, way);
        }
    };
    for &(input, delay) in delays.arcs.get(&pin).into_iter().flatten() {
        if is_clock(delays.text(input)) {
            consider(delay, None, &mut latest);
        } else if let Some(&(driver, wire)) = delays.wires.get(&Pin { cell: pin.cell, port: input })
            && let Some(at) = arrive(delays, arrivals, driver)?
        {
            consider(at + wire + delay, Some(input), &mut latest);
        }
    }
    arrivals.insert(pin, latest);
    Ok(if let Arrival::At(time, _) = latest { Some(time) } else { None })
}

/// Clock inputs of flip-flops, block RAM and LUT RAM.
fn is_clock(port: &str) -> bool {
    matches!(port, "CLK" | "CLKA" | "CLKB" | "WCK")
}

/// Follows a path back from its end.
fn trace(delays: &Delays, names: &Names, arrivals: &HashMap<Pin, Arrival>, end: Pin, time: i32) -> SlowPath {
    let (mut at, mut routing) = delays.wires[&end];
    let mut levels = 0;
    while let Some(&Arrival::At(_, Some(input))) = arrivals.get(&at) {
        // OFX leaves the multiplexer behind the tables; FCO stays in the chain.
        levels += u32::from(delays.text(at.port) == "F");
        let (driver, wire) = delays.wires[&Pin { cell: at.cell, port: input }];
        routing += wire;
        at = driver;
    }
    let ns = |ps: i32| f64::from(ps) / 1000.0;
    SlowPath {
        from: names.of_cell(delays.text(at.cell)),
        to: names.of_cell(delays.text(end.cell)),
        input: Input::of(delays.text(end.port)),
        ns: ns(time),
        logic_ns: ns(time - routing),
        routing_ns: ns(routing),
        levels,
        pins: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fpga::names;

    fn sample(fraction: f64) -> Vec<SlowPath> {
        let delays = Delays::read(include_str!("samples/delays.sdf")).unwrap();
        slow_paths(&delays, &names::sample(), fraction).unwrap()
    }

    #[test]
    fn the_slowest_path_is_found_with_its_parts() {
        let paths = sample(1.0);
        assert_eq!(paths.len(), 1);
        let path = &paths[0];
        assert_eq!(
            (path.from.as_str(), path.to.as_str()),
            ("update_block.argument_op", "update_block.state")
        );
        // Clock to output 395, wires 1360 and 1000, two tables of 180, no wire and no setup at the end.
        assert_eq!((path.ns, path.routing_ns, path.levels), (3.115, 2.36, 2));
        assert!((path.logic_ns - 0.755).abs() < 1e-9);
        // The other bit of the register is faster than the fraction asked for.
        assert_eq!((path.input, path.pins), (Input::Data, 1));
    }

    #[test]
    fn all_ends_are_grouped_by_register_and_input() {
        let paths = sample(0.0);
        let ends: Vec<_> =
            paths.iter().map(|path| (path.from.as_str(), path.to.as_str(), path.input, path.pins)).collect();
        assert_eq!(
            ends,
            [
                ("update_block.argument_op", "update_block.state", Input::Data, 2),
                ("update_block.state", "slot_stage.slot_memory", Input::Address, 1),
                ("slot_stage.slot_memory", "update_block.argument_op", Input::Data, 1),
            ]
        );
    }

    #[test]
    fn a_loop_is_an_error() {
        let text = "(INTERCONNECT a/F b/A (1:1:1) (1:1:1))\n(INTERCONNECT b/F a/A (1:1:1) (1:1:1))\n\
            (INTERCONNECT b/F c/DI (1:1:1) (1:1:1))\n(INSTANCE a)\n(IOPATH A F (1:1:1) (1:1:1))\n(INSTANCE b)\n\
            (IOPATH A F (1:1:1) (1:1:1))\n(INSTANCE c)\n(SETUPHOLD (posedge DI) (posedge CLK) (0:0:0) (0:0:0))\n";
        let delays = Delays::read(text).unwrap();
        assert!(slow_paths(&delays, &names::sample(), 0.5).unwrap_err().to_string().contains("loop"));
    }
}
