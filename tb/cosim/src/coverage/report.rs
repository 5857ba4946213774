//! Coverage as tables to read.

use std::fmt;

use stagecoach_spec::Fault;

use super::bin::{Bin, PROTECTIONS};
use super::{Coverage, RULES, possible, why_impossible};

/// Holes that are written out; more are counted.
const LISTED: usize = 40;

/// A short text: what is covered, and what is wrong.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (holes, impossible) = (self.holes(), self.impossible_hits());
        writeln!(f, "{}", self.summary())?;
        holes.iter().take(LISTED).try_for_each(|bin| writeln!(f, "  hole: {bin}"))?;
        if holes.len() > LISTED {
            writeln!(f, "  and {} more holes", holes.len() - LISTED)?;
        }
        impossible
            .iter()
            .try_for_each(|(bin, rule, hits)| writeln!(f, "  hit {hits} times, but {}: {bin}", rule.reason))
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bin { fault, op, page_size, position, stall, protection } = self;
        let words = [
            format!("{page_size:?}"),
            format!("{position:?}"),
            format!("{stall:?}"),
            format!("{protection:?}"),
        ];
        write!(
            f,
            "{fault} {op}, page size {}, position {}, output {}, protection {}",
            words[0], words[1], words[2], words[3]
        )
    }
}

impl Coverage {
    /// One line: how many bins were hit.
    pub fn summary(&self) -> String {
        let bins = possible().count();
        format!("coverage: {} of {bins} bins, {} requests", bins - self.holes().len(), self.total())
    }

    /// A page of Markdown: bins by fault and protection, holes, and what is impossible with its reason.
    pub fn markdown(&self) -> String {
        let (holes, impossible) = (self.holes(), self.impossible_hits());
        let bins = possible().count();
        let mut page = String::from("# Functional coverage\n\n");
        page += &format!(
            "Fault × op × page size × position × stall × protection: {} of {bins} possible bins hit by {} requests.\n",
            bins - holes.len(),
            self.total()
        );
        page += "\nEach cell: bins hit of possible bins, then the hits of the rarest and all hits.\n\n";
        page += "| fault | none | parity | secded |\n| --- | --- | --- | --- |\n";
        for fault in Fault::ALL {
            let cells = PROTECTIONS.map(|protection| {
                let of = |bin: &Bin| bin.fault == fault && bin.protection == protection;
                self.cell(&possible().filter(of).collect::<Vec<_>>())
            });
            page += &format!("| {fault} | {} |\n", cells.join(" | "));
        }
        page += "\n## Holes\n\n";
        page += &list(holes.iter().map(Bin::to_string));
        page += "\n## Impossible bins\n\n| reason | bins | hits |\n| --- | --- | --- |\n";
        for rule in RULES {
            let excluded = |bin: &Bin| why_impossible(bin).is_some_and(|first| first.reason == rule.reason);
            let count = Bin::all().filter(excluded).count();
            let of_rule = impossible.iter().filter(|(_, broken, _)| broken.reason == rule.reason);
            let hits: u64 = of_rule.map(|(.., hits)| hits).sum();
            page += &format!("| {} | {count} | {hits} |\n", rule.reason);
        }
        page
    }

    fn cell(&self, bins: &[Bin]) -> String {
        let hits: Vec<u64> = bins.iter().map(|bin| self.hits(bin)).collect();
        let Some(rarest) = hits.iter().min() else { return "impossible".to_owned() };
        let hit = hits.iter().filter(|hits| **hits > 0).count();
        format!("{hit} of {}; {rarest}, {}", bins.len(), hits.iter().sum::<u64>())
    }
}

fn list(lines: impl Iterator<Item = String>) -> String {
    let text: String = lines.map(|line| format!("- {line}\n")).collect();
    if text.is_empty() { "None.\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_holes_and_reasons() {
        let mut coverage = Coverage::default();
        let all: Vec<Bin> = possible().collect();
        all[1..].iter().for_each(|bin| coverage.count(*bin));
        let page = coverage.markdown();
        assert!(page.contains(&format!("- {}", all[0])), "{page}");
        assert!(RULES.iter().all(|rule| page.contains(rule.reason)));
        assert!(coverage.to_string().contains(&format!("{} of {} bins", all.len() - 1, all.len())));
        coverage.count(all[0]);
        assert!(coverage.markdown().contains("## Holes\n\nNone."));
    }
}
