//! Parts of pools and of the memory.

/// Consecutive entries of a pool, or frames of the memory.
pub(crate) struct Part {
    pub(crate) base: u128,
    pub(crate) count: u128,
}

impl Part {
    pub(crate) fn of(base: u32, count: u32) -> Part {
        Part { base: base.into(), count: count.into() }
    }

    /// Whether the pool has all of it, and its first entry even when it is empty.
    pub(crate) fn is_in(&self, pool: u128) -> bool {
        self.base < pool && self.base + self.count <= pool
    }

    /// Whether some entry belongs to both.
    pub(crate) fn overlaps(&self, other: &Part) -> bool {
        let first = self.base.max(other.base);
        let end = (self.base + self.count).min(other.base + other.count);
        first < end
    }
}
