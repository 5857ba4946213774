//! A campaign as a page of Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use stagecoach_hdl::mutate::Rule;

use super::explained::Explained;
use super::kind::Kind;
use super::pool::{Pool, Subject};
use super::trial::{Finding, Trial};

/// What was tried, with what became of it.
#[derive(Clone, Copy)]
pub struct Campaign<'c> {
    /// Where mutations come from.
    pub pool: &'c Pool,
    /// What was tried.
    pub subjects: &'c [&'c Subject],
    /// What became of each.
    pub trials: &'c [Trial],
    /// Which may survive.
    pub explained: &'c Explained,
    /// The command that plays the same again.
    pub command: &'c str,
}

impl Campaign<'_> {
    /// Mutants that survived without being on the list.
    pub fn unexplained(&self) -> Vec<&Subject> {
        let survivors = self.survivors().map(|(subject, _)| subject);
        survivors.filter(|subject| self.explained.reason(subject).is_none()).collect()
    }

    fn each(&self) -> impl Iterator<Item = (&Subject, &Trial)> {
        self.subjects.iter().copied().zip(self.trials)
    }

    fn survivors(&self) -> impl Iterator<Item = (&Subject, &Trial)> {
        self.each().filter(|(_, trial)| trial.catch.is_none())
    }

    /// The page.
    pub fn markdown(&self) -> String {
        let mut page = Page(String::new());
        self.summary(&mut page);
        self.tables(&mut page);
        self.mutants(&mut page);
        self.survivor_list(&mut page);
        page.0
    }

    fn summary(&self, page: &mut Page) {
        let caught = self.each().filter(|(_, trial)| trial.catch.is_some()).count();
        let explained = self.survivors().count() - self.unexplained().len();
        page.line("# Mutations\n");
        page.line("Wrong variants of the mapping unit, each made by one change of its netlist, and what noticed them.");
        page.line(
            "Nothing but the general random session plays them: the scripts, the scoreboard and the timing",
        );
        page.line("check of the property test, on the native engine. A script that catches a mutant is played on the");
        page.line("sound design too, which must pass. This page is written by\n");
        page.line(&format!("```sh\n{}\n```\n", self.command));
        page.line(&format!(
            "**{} mutants** of {} possible ones in {} configurations: **{caught} caught**, {explained} survived with \
             a reason, {} without.\n",
            self.subjects.len(),
            self.pool.subjects.len(),
            self.pool.entries.len(),
            self.unexplained().len(),
        ));
        page.line("| noticed by | mutants |\n| --- | ---: |");
        for finding in Finding::ALL {
            let is_it = |trial: &Trial| trial.catch.as_ref().is_some_and(|catch| catch.finding == finding);
            let count = self.trials.iter().filter(|trial| is_it(trial)).count();
            page.line(&format!("| {finding} | {count} |"));
        }
        let catches = self.trials.iter().filter_map(|trial| trial.catch.as_ref());
        let asserted = catches.filter(|catch| catch.assertion.is_some()).count();
        page.line(&format!(
            "\nAn assertion of the hardware failed in {asserted} of them, at the latest in the same script.\n"
        ));
    }

    fn tables(&self, page: &mut Page) {
        let kind_of = |subject: &Subject| Kind::of(subject.mutation()).map_or("other", Kind::name);
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).chain(["other"]).collect();
        page.line("## By kind\n");
        self.table(page, "kind", &kinds, &kind_of);
        page.line("## By rule\n");
        let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        self.table(page, "rule", &rules, &|subject: &Subject| subject.mutation().rule.name());
        page.line("## By module\n");
        let modules: BTreeSet<String> =
            self.pool.subjects.iter().map(|subject| subject.mutation().module.clone()).collect();
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        self.table(page, "module", &modules, &|subject: &Subject| subject.mutation().module.as_str());
    }

    fn table<'s>(&'s self, page: &mut Page, title: &str, rows: &[&str], of: &dyn Fn(&'s Subject) -> &'s str) {
        let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for subject in &self.pool.subjects {
            counts.entry(of(subject)).or_default()[0] += 1;
        }
        for (subject, trial) in self.subjects.iter().copied().zip(self.trials) {
            let row = counts.entry(of(subject)).or_default();
            row[1] += 1;
            row[2] += usize::from(trial.catch.is_some());
        }
        page.line(&format!("| {title} | possible | tried | caught |\n| --- | ---: | ---: | ---: |"));
        for row in rows {
            let [possible, tried, caught] = counts.get(row).copied().unwrap_or_default();
            page.line(&format!("| {row} | {possible} | {tried} | {caught} |"));
        }
        page.line("");
    }

    fn mutants(&self, page: &mut Page) {
        page.line("## Every mutant\n");
        page.line("| rule | place | change | noticed by | configuration | seed | cycle |");
        page.line("| --- | --- | --- | --- | --- | ---: | ---: |");
        for (subject, trial) in self.each() {
            let mutation = subject.mutation();
            let (rule, place, text) = (mutation.rule, subject.place(), cell(&mutation.text));
            match &trial.catch {
                Some(catch) => page.line(&format!(
                    "| {rule} | `{place}` | {text} | {} | {} | {} | {} |",
                    catch.finding, catch.config, catch.seed, catch.cycle
                )),
                None => page.line(&format!("| {rule} | `{place}` | {text} | **nothing** | | | |")),
            }
        }
        page.line("");
    }

    fn survivor_list(&self, page: &mut Page) {
        page.line("## Survivors\n");
        if self.survivors().next().is_none() {
            page.line("None.");
        }
        for (subject, trial) in self.survivors() {
            let mutation = subject.mutation();
            let reason = self.explained.reason(subject).unwrap_or("**not explained**");
            page.line(&format!(
                "- {} of `{}`: {} (`{}:{}`); {} scripts, {} cycles. {reason}",
                mutation.rule,
                subject.place(),
                mutation.text,
                mutation.source.file(),
                mutation.source.line(),
                trial.scripts,
                trial.cycles
            ));
        }
    }
}

/// Text under construction.
struct Page(String);

impl Page {
    fn line(&mut self, words: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{words}");
    }
}

/// Text that may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
