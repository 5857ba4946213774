//! Selection among many: encoders and multiplexers.

use crate::netlist::MAX_WIDTH;
use crate::signal::Signal;

/// Bits needed to count `count` things, 0 for one: the smallest `n` with `2^n >= count`.
pub const fn index_width(count: u64) -> u32 {
    if count <= 1 { 0 } else { 64 - (count - 1).leading_zeros() }
}

impl<'m> Signal<'m> {
    /// `choices[self]`. There are at most `2^width` choices; an index beyond them gives the last.
    #[track_caller]
    pub fn choose(self, choices: &[Signal<'m>]) -> Signal<'m> {
        let builder = self.builder;
        let Some(&last) = choices.last() else {
            builder.mistake(std::panic::Location::caller(), "a selection among no choices".to_owned());
            return self;
        };
        if choices.len() == 1 {
            return last;
        }
        if self.width < index_width(choices.len() as u64) {
            let (index, count) = (builder.describe(self), choices.len());
            let message = format!("index {index} cannot reach {count} choices");
            builder.mistake(std::panic::Location::caller(), message);
            return last;
        }
        let top = self.bit(self.width - 1);
        let half = 1usize << (self.width - 1).min(31);
        let rest = self.low(self.width - 1);
        if choices.len() <= half {
            // The upper half has no choices of its own: all of it gives the last one.
            return top.select(last, rest.choose(choices));
        }
        if self.width == 1 {
            return top.select(choices[1], choices[0]);
        }
        top.select(rest.choose(&choices[half..]), rest.choose(&choices[..half]))
    }

    /// One-hot: bit `i` of the result is one where the value is `i`; `count` bits.
    #[track_caller]
    pub fn decode(self, count: u32) -> Signal<'m> {
        if self.width == 0 {
            return self.builder.constant(count, 1u32);
        }
        if count > MAX_WIDTH || u64::from(count) > 1u64 << self.width.min(32) {
            let index = self.builder.describe(self);
            let message = format!("{index} does not decode to {count} bits");
            self.builder.mistake(std::panic::Location::caller(), message);
            return self.builder.zero(count.min(MAX_WIDTH));
        }
        let bits: Vec<_> = (0..count).rev().map(|value| self.is(value)).collect();
        self.builder.concat(&bits)
    }

    /// The index of the only bit that is one, as an or of indices; the or of several if several are; 0 if none.
    #[track_caller]
    pub fn one_hot_index(self) -> Signal<'m> {
        let builder = self.builder;
        let index_bits: Vec<_> = (0..index_width(u64::from(self.width)))
            .rev()
            .map(|bit| {
                let members: Vec<_> = (0..self.width)
                    .filter(|position| position >> bit & 1 == 1)
                    .map(|p| self.bit(p))
                    .collect();
                builder.concat(&members).any()
            })
            .collect();
        builder.concat(&index_bits)
    }

    /// Keeps the lowest bit that is one and clears the others: `x & -x`.
    #[track_caller]
    pub fn lowest_one(self) -> Signal<'m> {
        self & (self.builder.zero(self.width) - self)
    }

    /// Priority encoder: the index of the lowest bit that is one, 0 if none.
    #[track_caller]
    pub fn priority_index(self) -> Signal<'m> {
        if self.width < 2 {
            return self.builder.nothing();
        }
        let width = index_width(u64::from(self.width));
        let mut index = self.builder.zero(width);
        for position in (0..self.width).rev() {
            index = self.bit(position).select(self.builder.constant(width, position), index);
        }
        index
    }

    /// And-or selection: the or of `choices[i]` over the bits `i` of `self` that are one.
    #[track_caller]
    pub fn one_hot_choose(self, choices: &[Signal<'m>]) -> Signal<'m> {
        let builder = self.builder;
        if choices.is_empty() || choices.len() as u32 != self.width {
            let selector = builder.describe(self);
            let message =
                format!("{selector} selects among {} choices; it needs a bit for each", choices.len());
            builder.mistake(std::panic::Location::caller(), message);
            return self;
        }
        let gated = choices.iter().enumerate().map(|(i, choice)| choice.gated_by(self.bit(i as u32)));
        gated.reduce(|left, right| left | right).expect("there is a choice")
    }
}
