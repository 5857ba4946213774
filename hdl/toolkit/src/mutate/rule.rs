//! The kinds of mistake that mutations stand for.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A kind of mistake.
        ///
        /// There is no rule that negates the condition of a select, as that is the same as exchanging its arms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Rule] = &[$(Rule::$variant,)*];

            /// Its name in reports and lists.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Rule::$variant => $name,)*
                }
            }
        }
    };
}

rules! {
    /// `<` for `<=`, `==` for `!=`, and the other way round.
    ComparisonSwapped = "comparison-swapped",
    /// The operands of `<` or `<=` exchanged.
    ComparisonExchanged = "comparison-exchanged",
    /// One operand of an and or an or left out.
    TermDropped = "term-dropped",
    /// A complement left out.
    NotDropped = "not-dropped",
    /// The arms of a select exchanged: its condition inverted.
    SelectInverted = "select-inverted",
    /// A select that always takes the same arm: its condition forgotten.
    SelectStuck = "select-stuck",
    /// A constant one too large or one too small; the next name of an enumeration.
    ConstantOffByOne = "constant-off-by-one",
    /// A sum for a difference, and the other way round.
    SumSwapped = "sum-swapped",
    /// A sum whose highest bit does not see the carry from below.
    CarryDropped = "carry-dropped",
    /// A register that takes its next value in every cycle.
    EnableRemoved = "enable-removed",
    /// A register that takes its next value never.
    EnableStuck = "enable-stuck",
    /// The complement of a reset value.
    ResetInverted = "reset-inverted",
    /// A register's next value a cycle later.
    StageLater = "stage-later",
    /// A register's value a cycle earlier: no register at all.
    StageBypassed = "stage-bypassed",
    /// A memory with the output register that it should not have, or without the one it should.
    MemoryLatency = "memory-latency",
    /// A bit of a memory port's address always zero.
    AddressBitDropped = "address-bit-dropped",
    /// A memory written in every cycle, whatever its write enable says.
    WriteAlways = "write-always",
    /// A memory never written.
    WriteNever = "write-never",
    /// A memory written a cycle late: a reader sees the stale word.
    WriteLate = "write-late",
    /// A read port that does not keep its word.
    ReadEnableRemoved = "read-enable-removed",
    /// The addresses of a memory's two read ports exchanged.
    ReadPortsExchanged = "read-ports-exchanged",
    /// "All bits" for "some bit", and the other way round.
    ReductionSwapped = "reduction-swapped",
    /// A slice that begins one bit too high (too low where there is nothing above).
    SliceShifted = "slice-shifted",
    /// Two neighbouring inputs of an instance, of one width, exchanged.
    InputsExchanged = "inputs-exchanged",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
