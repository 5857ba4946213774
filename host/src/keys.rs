//! Keys for regions of one table: index and variant (contract, sections 1 and 7).
//!
//! A key that was freed must not come alive again soon: a client may still hold it. Two rules see to that. An index's
//! first variant is random, and each use takes the next one, so a key repeats after 256 uses of its index; and indices
//! rotate, so that an index is used again only after all other free ones. Thus the least uses of *any* index between two
//! lives of one key are 256.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Which keys of a table are free, and what each index was last.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Free indices, the longest free first.
    free: VecDeque<u32>,
    /// Whether an index is in use.
    used: Vec<bool>,
    /// The variant that each index gets next.
    next: Vec<u8>,
}

impl Keys {
    /// For a table with so many regions. `first_variant` should be random: what a guest cannot foresee, it cannot forge.
    pub fn new(regions: u32, mut first_variant: impl FnMut() -> u8) -> Keys {
        Keys {
            free: (0..regions).collect(),
            used: vec![false; regions as usize],
            next: (0..regions).map(|_| first_variant()).collect(),
        }
    }

    /// A key whose index has been free the longest; nothing if all are in use.
    pub fn take(&mut self) -> Option<u32> {
        let index = self.free.pop_front()?;
        let variant = self.next[index as usize];
        self.next[index as usize] = variant.wrapping_add(1);
        self.used[index as usize] = true;
        Some(index << 8 | u32::from(variant))
    }

    /// Frees a key. Whether it was in use: another variant of its index is not this key.
    pub fn give_back(&mut self, key: u32) -> bool {
        let index = key >> 8;
        let is_used = self.used.get(index as usize).copied().unwrap_or(false);
        let is_this = is_used && self.next[index as usize].wrapping_sub(1) == key as u8;
        if is_this {
            self.used[index as usize] = false;
            self.free.push_back(index);
        }
        is_this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_rotate_and_variants_go_on() {
        let mut keys = Keys::new(3, || 0xff);
        assert_eq!([keys.take(), keys.take(), keys.take()], [Some(0x0ff), Some(0x1ff), Some(0x2ff)]);
        assert_eq!(keys.take(), None);
        assert!(keys.give_back(0x1ff));
        assert!(keys.give_back(0x0ff));
        assert_eq!(keys.take(), Some(0x100), "the longest free, and 8 bits of variant come round");
        assert_eq!(keys.take(), Some(0x000));
    }

    #[test]
    fn a_key_comes_back_after_256_uses_of_its_index() {
        let mut keys = Keys::new(1, || 7);
        let first = keys.take().unwrap();
        assert!(keys.give_back(first));
        for use_number in 1..256 {
            let key = keys.take().unwrap();
            assert_ne!(key, first, "use {use_number}");
            assert!(keys.give_back(key));
        }
        assert_eq!(keys.take(), Some(first));
    }

    #[test]
    fn what_is_not_in_use_is_not_given_back() {
        let mut keys = Keys::new(2, || 0);
        let key = keys.take().unwrap();
        assert!(!keys.give_back(key ^ 1), "another variant");
        assert!(!keys.give_back(0x5_00), "no such index");
        assert!(keys.give_back(key));
        assert!(!keys.give_back(key), "twice");
    }
}
