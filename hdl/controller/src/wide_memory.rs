//! A pool of wide words in several memories side by side, each with its own copy of the address.
//!
//! ```text
//!              ┌──────┐   ┌────────────────┐   ┌─────────────────┐
//!  address ─┬─▶│ copy │──▶│ low bits       │──▶│ output register │──┐
//!           │  └──────┘   └────────────────┘   └─────────────────┘  ├──▶ word
//!           │  ┌──────┐   ┌────────────────┐   ┌─────────────────┐  │
//!           └─▶│ copy │──▶│ high bits      │──▶│ output register │──┘
//!              └──────┘   └────────────────┘   └─────────────────┘
//! ```
//!
//! A pool fills dozens of block RAMs, spread over the device: one address register is slow to reach them all.

use stagecoach_hdl::{DesignErrors, MemoryStyle, ModuleBuilder, Signal};

use crate::copy;

/// Block RAMs that share a copy of the address.
const BLOCKS_PER_COPY: u32 = 6;
/// Bits of a block RAM, and the most that it gives at once.
const BLOCK_BITS: u32 = 1 << 14;
const WIDEST: u32 = 18;

/// What is written, a cycle before the memories do it.
pub(crate) struct Write<'m> {
    /// Something is written.
    pub(crate) enable: Signal<'m>,
    /// Where.
    pub(crate) address: Signal<'m>,
    /// The word.
    pub(crate) word: Signal<'m>,
}

/// The word at `address`, three cycles later: the copies of the address, the memories, their output registers. Registers and
/// memories are called `<name>…`.
pub(crate) fn read<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    address: Signal<'m>,
    write: &Write<'m>,
) -> Result<Signal<'m>, DesignErrors> {
    let widths = widths(write.word.width(), address.width());
    let module = copy::describe(&format!("mapping_{name}_copy"), 1 + 2 * address.width())?;
    let word = m.delay(&format!("{name}_write_word"), write.word);
    let mut low = 0;
    let parts: Vec<_> = (0u32..)
        .zip(&widths)
        .map(|(part, width)| {
            let copy = m.instance(&format!("{name}_copy{part}"), &module);
            copy.input("value", m.concat(&[write.enable, write.address, address]));
            let copied = copy.output_as("copy", &format!("{name}_copied{part}"));
            let (at, above) = (address.width(), 2 * address.width());
            let number = if widths.len() == 1 { String::new() } else { format!("{part}") };
            let memory = m.memory(&format!("{name}_memory{number}"), *width, 1 << at);
            let memory = memory.output_register().style(MemoryStyle::Block);
            memory.write(copied.bit(above), copied.bits(at..above), word.bits(low..low + width));
            low += width;
            memory.read(&format!("{name}_word{number}"), copied.low(at))
        })
        .collect();
    if let [word] = parts[..] {
        return Ok(word);
    }
    let from_the_top: Vec<_> = parts.into_iter().rev().collect();
    Ok(m.concat(&from_the_top).named(format!("{name}_word")))
}

/// Widths of the memories, from the low bits on, so that no block RAM is shared.
fn widths(width: u32, address_width: u32) -> Vec<u32> {
    let bits_per_block = (BLOCK_BITS >> address_width).clamp(1, WIDEST);
    let blocks = width.div_ceil(bits_per_block) << address_width.saturating_sub(14);
    let parts = blocks.div_ceil(BLOCKS_PER_COPY).min(width);
    let most = width.div_ceil(bits_per_block).div_ceil(parts) * bits_per_block;
    (0..width).step_by(most as usize).map(|low| most.min(width - low)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_word_in_whole_blocks() {
        assert_eq!(widths(107, 8), [107], "6 blocks of 18 bits");
        assert_eq!(widths(215, 8), [108, 107], "12 blocks of 18 bits");
        assert_eq!(widths(219, 12), [24, 24, 24, 24, 24, 24, 24, 24, 24, 3], "55 blocks of 4 bits");
        assert_eq!(widths(39, 14), [6, 6, 6, 6, 6, 6, 3], "39 blocks of a bit");
        assert_eq!(widths(39, 10), [39]);
        assert_eq!(widths(1, 16), [1]);
    }
}
