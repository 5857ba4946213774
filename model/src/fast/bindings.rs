//! Which table an identifier names, as lookups ask.

use stagecoach_spec::NetId;

/// Places of the index per binding: so few are taken that a lookup nearly always finds what it wants in the first.
const PLACES_PER_BINDING: usize = 8;

/// One odd multiplier for each limb (digits of π): the top bits of the sum of products depend on all bits of an
/// identifier. That spreads whatever a host numbers, in three multiplications that do not wait for each other; it does
/// not withstand identifiers that were chosen to collide, but these come from the host alone.
const MULTIPLIERS: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// An identifier and its table: half a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Binding {
    limbs: [u64; 3],
    table: u16,
}

/// Bindings, and an open-addressed index into them with linear probing.
#[derive(Clone, Debug)]
pub(super) struct Bindings {
    /// Number of the binding plus one; 0 where there is none. Its length is a power of two.
    index: Vec<u16>,
    bindings: Vec<Binding>,
    /// Leaves as many of a hash's top bits as the index has.
    shift: u32,
}

impl Bindings {
    /// Room for as many, 1 to 4096.
    pub(super) fn new(most: u32) -> Bindings {
        let places = (most as usize * PLACES_PER_BINDING).next_power_of_two();
        Bindings {
            index: vec![0; places],
            bindings: Vec::with_capacity(most as usize),
            shift: u64::BITS - places.ilog2(),
        }
    }

    /// The table that the identifier names.
    #[inline]
    pub(super) fn table(&self, net_id: NetId) -> Option<u16> {
        let [low, middle, high] = net_id.limbs();
        let mut place = self.first_place(net_id);
        loop {
            let number = self.index.get(place & (self.index.len() - 1)).copied()?;
            let binding = self.bindings.get(usize::from(number).wrapping_sub(1))?;
            let differs = (binding.limbs[0] ^ low) | (binding.limbs[1] ^ middle) | (binding.limbs[2] ^ high);
            if differs == 0 {
                return Some(binding.table);
            }
            place += 1;
        }
    }

    /// The identifier is not bound, and there is room.
    pub(super) fn insert(&mut self, net_id: NetId, table: u16) {
        self.bindings.push(Binding { limbs: net_id.limbs(), table });
        self.enter(self.bindings.len() - 1);
    }

    /// Forgets an identifier.
    pub(super) fn remove(&mut self, net_id: NetId) {
        self.bindings.retain(|binding| binding.limbs != net_id.limbs());
        // Numbers have moved and probes may end too early: rare enough to begin anew.
        self.index.fill(0);
        for number in 0..self.bindings.len() {
            self.enter(number);
        }
    }

    /// Notes a binding in the first free place from its own on.
    fn enter(&mut self, number: usize) {
        let last = self.index.len() - 1;
        let mut place = self.first_place(NetId::from_limbs(self.bindings[number].limbs)) & last;
        while self.index[place] != 0 {
            place = (place + 1) & last;
        }
        self.index[place] = number as u16 + 1;
    }

    #[inline]
    fn first_place(&self, net_id: NetId) -> usize {
        let [low, middle, high] = net_id.limbs();
        let [a, b, c] = MULTIPLIERS;
        let sum = low.wrapping_mul(a).wrapping_add(middle.wrapping_mul(b)).wrapping_add(high.wrapping_mul(c));
        (sum >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    /// How many lookups go beyond the first place, with bindings of these identifiers.
    fn beyond_first(net_ids: &[NetId]) -> usize {
        let mut bindings = Bindings::new(net_ids.len() as u32);
        for (table, net_id) in (0..).zip(net_ids) {
            bindings.insert(*net_id, table);
        }
        for (table, net_id) in (0..).zip(net_ids) {
            assert_eq!(bindings.table(*net_id), Some(table));
        }
        let at_home = |net_id: &&NetId| {
            let number = bindings.index[bindings.first_place(**net_id)];
            bindings.bindings[usize::from(number) - 1].limbs != net_id.limbs()
        };
        net_ids.iter().filter(at_home).count()
    }

    #[test]
    fn what_hosts_number_is_spread() {
        const ALL: Range<u64> = 0..4096;
        let families: [fn(u64) -> [u64; 3]; 7] = [
            |n| [0x0a00_0000 + n, 0, 0],
            |n| [0xffff_0a00_0000 + n, 0, 0],
            |n| [n, 0xfd00_0001_0000_0000, 0],
            |n| [1, 0xfd00_0001_0000_0000 + (n << 16), 0],
            |n| [0xffff_0a00_0001, 0, n],
            |n| [0xffff_0a00_0000 + (n & 63), 0, n >> 6],
            |n| [n << 52, 0, 0],
        ];
        for (number, family) in families.into_iter().enumerate() {
            let beyond = beyond_first(&ALL.map(|n| NetId::from_limbs(family(n))).collect::<Vec<_>>());
            // Random ones come to some 6 %.
            assert!(beyond < 410, "family {number}: {beyond} of 4096 lie elsewhere");
        }
    }

    #[test]
    fn removing_one_loses_no_other() {
        // A full index of the smallest size, so that probes are long and go round.
        let mut bindings = Bindings::new(1);
        let net_ids: Vec<NetId> = (0..7).map(|n| NetId::from_u128(n << 61)).collect();
        for (table, net_id) in (0..).zip(&net_ids) {
            bindings.insert(*net_id, table);
        }
        for (gone, net_id) in (0..).zip(&net_ids) {
            bindings.remove(*net_id);
            let expected = |table| (table > gone).then_some(table);
            for (table, net_id) in (0..).zip(&net_ids) {
                assert_eq!(bindings.table(*net_id), expected(table), "{gone} and before removed");
            }
        }
    }
}
