//! Regions at the borders of pages, of 4 GiB, of the address space, and pages for their slots.

use rand::Rng;
use stagecoach_spec::{Access, Config, Region, Slices};

use super::{mask, pick};

/// A region that fits the slices and that `install` accepts.
pub(super) fn random(random: &mut impl Rng, config: &Config, slices: &Slices) -> Region {
    let page_size = random.random_range(0..config.page_shifts.len()) as u8;
    let shift = config.page_shifts[usize::from(page_size)];
    let page = 1u64 << shift;
    let most = slices.slot_count.min(6);
    let pages = if random.random_ratio(1, 12) { 0 } else { random.random_range(most.min(1)..=most) };
    let first_slot = pick(random, &[0, slices.slot_count - pages, slices.slot_count - pages]);
    let first_slot =
        if random.random() { first_slot } else { random.random_range(0..=slices.slot_count - pages) };
    let zero_based = random.random_ratio(1, 6);
    let first_offset = match random.random_range(0..4) {
        0 => 0,
        1 => page - pick(random, &[1, 8, 4096]).min(page),
        2 => random.random_range(0..page),
        _ => random.random_range(0..page) & !7,
    };
    let length = length(random, pages, page, first_offset);
    let low = first_offset % 4096;
    let highest = 0u64.wrapping_sub(length.max(1));
    let base = match random.random_range(0..5) {
        _ if zero_based => 0,
        // The end of the address space, to the byte if the region ends with a page.
        0 => highest - (highest.wrapping_sub(low) % 4096),
        // Across or near a border of 4 GiB.
        1 => (random.random_range(1..1u64 << 16) << 32) - 4096 * random.random_range(0..4) + low,
        2 => (1u64 << 32) - 4096 + low,
        3 => low,
        _ => (random.random::<u64>() >> random.random_range(1..40)) & !4095 | low,
    };
    let base = if base > highest { low } else { base };
    let rights = if random.random_ratio(2, 3) { Access::ALL } else { registrable(random) };
    let pd = pd(random, config);
    Region { base, length, first_offset: first_offset as u32, rights, page_size, first_slot, pd }
}

/// A length that needs exactly so many pages.
fn length(random: &mut impl Rng, pages: u32, page: u64, first_offset: u64) -> u64 {
    if pages == 0 {
        return 0;
    }
    let longest = u64::from(pages) * page - first_offset;
    let shortest = if pages == 1 { 1 } else { (u64::from(pages) - 1) * page + 1 - first_offset };
    match random.random_range(0..4) {
        0 => shortest,
        1 | 2 => longest,
        _ => random.random_range(shortest..=longest),
    }
}

fn registrable(random: &mut impl Rng) -> Access {
    loop {
        if let Some(rights) = Access::from_bits(random.random_range(0..16))
            && rights.is_registrable()
        {
            return rights;
        }
    }
}

/// A protection domain: few different ones.
pub(super) fn pd(random: &mut impl Rng, config: &Config) -> u32 {
    let largest = mask(config.pd_bits) as u32;
    pick(random, &[0, 1, largest, largest >> 1]) & largest
}

/// A page's frame in the window, aligned; none if the window has no such page.
pub(super) fn frame(random: &mut impl Rng, slices: &Slices, shift: u32) -> Option<u64> {
    let frames = 1u64 << (shift - 12);
    let first = slices.window_base.div_ceil(frames);
    let end = (slices.window_base + slices.window_count) / frames;
    let last = end.checked_sub(1).filter(|last| *last >= first)?;
    let page = match random.random_range(0..4) {
        0 => first,
        1 => last,
        _ => random.random_range(first..=last),
    };
    Some(page * frames)
}
