//! Where a VM's guest pages lie on a machine.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

/// Why pages cannot lie so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RelocationError {
    /// Named twice.
    #[error("guest page {0:#x} is given two frames; give it one")]
    PageTwice(u64),
    /// Two pages in one frame.
    #[error("frame {0:#x} is given to two guest pages; give each its own")]
    FrameTwice(u64),
}

/// An injective map from guest pages to frames, both of 4 KiB. Keys and the page copy share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relocation(BTreeMap<u64, u64>);

impl Relocation {
    /// From pairs of guest page and frame.
    ///
    /// # Errors
    /// A page or a frame is named twice.
    pub fn new(pairs: impl IntoIterator<Item = (u64, u64)>) -> Result<Relocation, RelocationError> {
        let (mut map, mut frames) = (BTreeMap::new(), BTreeSet::new());
        for (page, frame) in pairs {
            if map.insert(page, frame).is_some() {
                return Err(RelocationError::PageTwice(page));
            }
            if !frames.insert(frame) {
                return Err(RelocationError::FrameTwice(frame));
            }
        }
        Ok(Relocation(map))
    }

    /// The frame of a guest page.
    pub fn frame(&self, page: u64) -> Option<u64> {
        self.0.get(&page).copied()
    }

    /// The first frame of a page of `1 << shift` bytes; none unless its frames are known, in a row and aligned.
    pub fn large(&self, page: u64, shift: u32) -> Option<u64> {
        let pages = 1u64.checked_shl(shift.checked_sub(12)?)?;
        let first = self.frame(page)?;
        if !page.is_multiple_of(pages) || !first.is_multiple_of(pages) {
            return None;
        }
        let mut known = self.0.range(page..page.checked_add(pages)?);
        (0..pages)
            .all(|step| {
                known
                    .next()
                    .is_some_and(|(at, frame)| *at == page + step && frame.checked_sub(step) == Some(first))
            })
            .then_some(first)
    }

    /// All pairs, by page.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(page, frame)| (*page, *frame))
    }
}
