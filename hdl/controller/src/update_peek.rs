//! Part of block `update`: what `peek` shows.

use stagecoach_hdl::{DesignErrors, ModuleBuilder, Signal};

use crate::bundles::{Region, Slot};
use crate::copy;
use crate::fault_log::LogEntry;
use crate::scan::BindingWord;
use crate::update_words::Record;

/// Cycles to the word that is asked for: in a space, among the spaces in two steps.
pub(crate) const PEEK_CYCLES: u32 = 5;

/// Entries as `peek` shows them, in words of 64 bits: the layout stands in the contract (`PeekEntry`).
pub(crate) struct Peeked<'m> {
    pub(crate) m: &'m ModuleBuilder,
    pub(crate) region: Region<'m>,
    pub(crate) slot: Slot<'m>,
    pub(crate) record: Record<'m>,
    pub(crate) listed: BindingWord<'m>,
    /// None where the configuration has no fault log.
    pub(crate) logged: Option<LogEntry<'m>>,
}

impl<'m> Peeked<'m> {
    /// The word that is asked for, zero without `wanted`; [`PEEK_CYCLES`] cycles after all of them stand.
    ///
    /// # Errors
    /// None, unless the block that copies is wrong.
    pub(crate) fn word(
        &self,
        space: Signal<'m>,
        number: Signal<'m>,
        wanted: Signal<'m>,
    ) -> Result<Signal<'m>, DesignErrors> {
        let m = self.m;
        // A copy for each space: all of them together choose among 1,500 bits.
        let copy = copy::describe("mapping_peek_copy", number.width())?;
        let copied = |name: &str| {
            let instance = m.instance(&format!("peeked_number_of_{name}"), &copy);
            instance.input("value", number);
            instance.output_as("copy", &format!("peeked_number_in_{name}"))
        };
        let of_space = |name: &str, words: &[Signal<'m>]| {
            if let [only] = words {
                return m.delay(&format!("peeked_of_{name}"), *only);
            }
            // By pairs first.
            let word = copied(name);
            let pairs = words.chunks(2).enumerate().map(|(number, pair)| {
                let chosen = pair
                    .get(1)
                    .map_or(pair[0].gated_by(!word.bit(0)), |other| word.bit(0).select(*other, pair[0]));
                m.delay(&format!("peeked_of_{name}_pair{number}"), chosen)
            });
            let chosen = word.bits(1..3).choose(&pairs.collect::<Vec<_>>());
            m.delay(&format!("peeked_of_{name}"), chosen)
        };
        let logged = match &self.logged {
            None => m.zero(64),
            Some(entry) => of_space("log", &self.logged(entry)),
        };
        let spaces = [
            of_space("binding", &self.binding()),
            of_space("table", &self.table()),
            of_space("region", &self.region()),
            of_space("slot", &self.slot()),
            logged,
        ];
        let chosen = spaces.iter().zip(0u32..).map(|(chosen, number)| {
            let meant = m.delay(&format!("peeks_space{number}"), space.is(number) & wanted);
            chosen.gated_by(meant)
        });
        let [one, other, third, fourth, fifth] = chosen.collect::<Vec<_>>()[..] else {
            unreachable!("five spaces")
        };
        let early = m.delay("peeked_early", one | other);
        let late = m.delay("peeked_late", third | fourth | fifth);
        Ok(m.delay("peeked_word", early | late))
    }

    /// Parts at their lowest bits, zeros elsewhere.
    fn word_of(&self, name: &str, parts: &[(u32, Signal<'m>)]) -> Signal<'m> {
        let placed = parts.iter().map(|(low, part)| part.shifted_up(*low).zero_extend(64));
        placed.reduce(|a, b| a | b).unwrap_or_else(|| self.m.zero(64)).named(format!("peek_{name}"))
    }

    fn binding(&self) -> Vec<Signal<'m>> {
        let id = self.listed.net_id.zero_extend(192);
        let state = self.word_of("binding_state", &[(0, self.listed.valid), (32, self.listed.table)]);
        vec![id.bits(0..64), id.bits(64..128), id.bits(128..192), state]
    }

    fn table(&self) -> Vec<Signal<'m>> {
        let r = &self.record;
        vec![
            self.word_of("table_regions", &[(0, r.region_base), (32, r.region_count)]),
            self.word_of("table_slots", &[(0, r.slot_base), (32, r.slot_count)]),
            self.word_of("table_window_base", &[(0, r.window_base)]),
            self.word_of("table_window_count", &[(0, r.window_count)]),
            self.word_of("table_state", &[(0, r.exists), (1, r.frozen)]),
        ]
    }

    fn region(&self) -> Vec<Signal<'m>> {
        let r = &self.region;
        let state = self.word_of(
            "region_state",
            &[
                (0, r.valid),
                (1, r.limit.bit(64)),
                (8, r.rights),
                (16, r.page_size),
                (24, r.variant),
                (32, r.pd),
            ],
        );
        let origin = r.origin.zero_extend(64);
        vec![r.base, r.limit.low(64), state, origin, r.first_slot.zero_extend(64)]
    }

    fn slot(&self) -> Vec<Signal<'m>> {
        vec![
            self.word_of("slot", &[(0, self.slot.frame), (56, self.slot.page_size), (63, self.slot.present)]),
        ]
    }

    fn logged(&self, entry: &LogEntry<'m>) -> Vec<Signal<'m>> {
        let id = entry.net_id.zero_extend(192);
        let mark =
            [(0, entry.count), (32, entry.fault), (40, entry.op), (47, entry.valid), (48, entry.table)];
        vec![
            self.word_of("log_mark", &mark),
            entry.va,
            self.word_of("log_key", &[(0, entry.key), (32, entry.pd)]),
            self.word_of("log_length", &[(0, entry.length), (32, entry.bound)]),
            self.word_of("log_tag", &[(0, entry.tag), (32, entry.stream)]),
            id.bits(0..64),
            id.bits(64..128),
            id.bits(128..192),
        ]
    }
}
