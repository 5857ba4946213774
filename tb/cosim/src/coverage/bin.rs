//! The kinds of requests that are told apart.

use serde::{Deserialize, Serialize};
use stagecoach_spec::{Config, Fault, Op, Protection, Region, Request};

/// Which of the configuration's page sizes the region has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageSize {
    /// No region was read.
    None,
    /// 4 KiB.
    Smallest,
    /// Between the two.
    Middle,
    /// The last of several.
    Largest,
}

impl PageSize {
    /// Every class.
    pub const ALL: [PageSize; 4] = [PageSize::None, PageSize::Smallest, PageSize::Middle, PageSize::Largest];

    /// The class of an index into `page_shifts`.
    pub fn of(config: &Config, index: u8) -> PageSize {
        let index = usize::from(index);
        match index {
            0 => PageSize::Smallest,
            _ if index + 1 < config.page_shifts.len() => PageSize::Middle,
            _ => PageSize::Largest,
        }
    }
}

/// Where in the region's pages the access lies. The first that applies, from the bottom of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// No region was read.
    None,
    /// Anywhere else in a page.
    Inside,
    /// It ends with a page's last byte.
    PageEnd,
    /// It begins with a page's first byte.
    PageStart,
    /// It crosses a border of 4 KiB within a page.
    CrossesFrame,
    /// It crosses a border of pages.
    CrossesPage,
    /// No byte is to be moved now.
    WithoutBytes,
    /// It does not lie in the region.
    Outside,
}

impl Position {
    /// Every class.
    pub const ALL: [Position; 8] = [
        Position::None,
        Position::Inside,
        Position::PageEnd,
        Position::PageStart,
        Position::CrossesFrame,
        Position::CrossesPage,
        Position::WithoutBytes,
        Position::Outside,
    ];

    /// The class of a request to a region whose pages have `1 << page_shift` bytes.
    pub fn of(request: &Request, region: &Region, page_shift: u32) -> Position {
        let (va, bound, length) =
            (u128::from(request.va), u128::from(request.bound), u128::from(request.length));
        let (base, limit) = (u128::from(region.base), u128::from(region.base) + u128::from(region.length));
        if va < base || va + bound > limit {
            return Position::Outside;
        }
        if length == 0 {
            return Position::WithoutBytes;
        }
        let start = va - base + u128::from(region.first_offset);
        let end = start + length;
        if start >> page_shift != (end - 1) >> page_shift {
            Position::CrossesPage
        } else if start >> 12 != (end - 1) >> 12 {
            Position::CrossesFrame
        } else if start.trailing_zeros() >= page_shift {
            Position::PageStart
        } else if end.trailing_zeros() >= page_shift {
            Position::PageEnd
        } else {
            Position::Inside
        }
    }
}

/// Whether the response port stalled between the request's acceptance and its last beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stall {
    /// Every beat was taken when it was shown.
    Free,
    /// Some beat had to wait.
    Stalled,
}

impl Stall {
    /// Both.
    pub const ALL: [Stall; 2] = [Stall::Free, Stall::Stalled];
}

/// A kind of request: the cross of everything that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bin {
    /// The fault of the request's last beat.
    pub fault: Fault,
    /// What the access does.
    pub op: Op,
    /// The page size of the region that was read.
    pub page_size: PageSize,
    /// Where in it the access lies.
    pub position: Position,
    /// Whether the output stalled.
    pub stall: Stall,
    /// The configuration's protection.
    pub protection: Protection,
}

/// Every protection.
pub const PROTECTIONS: [Protection; 3] = [Protection::None, Protection::Parity, Protection::Secded];

impl Bin {
    /// Every bin, impossible ones included.
    pub fn all() -> impl Iterator<Item = Bin> {
        cross(Fault::ALL).flat_map(|fault| {
            cross(Op::ALL).flat_map(move |op| {
                cross(PageSize::ALL).flat_map(move |page_size| {
                    cross(Position::ALL).flat_map(move |position| {
                        cross(Stall::ALL).flat_map(move |stall| {
                            cross(PROTECTIONS).map(move |protection| Bin {
                                fault,
                                op,
                                page_size,
                                position,
                                stall,
                                protection,
                            })
                        })
                    })
                })
            })
        })
    }
}

fn cross<T, const N: usize>(values: [T; N]) -> std::array::IntoIter<T, N> {
    values.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::{Access, NetId};

    #[test]
    fn positions_are_told_apart_at_their_borders() {
        let region = Region {
            base: 0x7_1000,
            length: 0x2_0000,
            first_offset: 0x1000,
            rights: Access::ALL,
            page_size: 1,
            first_slot: 0,
            pd: 0,
        };
        let request = |va, length, bound| Request {
            net_id: NetId::default(),
            key: 0,
            pd: 0,
            op: Op::LocalRead,
            va,
            length,
            bound,
            stream: 0,
            tag: 0,
        };
        // Pages of 64 KiB: the first border lies at 0x8_0000.
        let of = |va, length| Position::of(&request(va, length, length), &region, 16);
        assert_eq!(of(0x7_1000, 0x1000), Position::Inside);
        assert_eq!(of(0x7_1000, 0x1001), Position::CrossesFrame);
        assert_eq!(of(0x7_ffff, 1), Position::PageEnd);
        assert_eq!(of(0x7_ffff, 2), Position::CrossesPage);
        assert_eq!(of(0x8_0000, 1), Position::PageStart);
        assert_eq!(of(0x8_0000, 0), Position::WithoutBytes);
        assert_eq!(of(0x9_0fff, 1), Position::Inside);
        assert_eq!(of(0x9_0fff, 2), Position::Outside);
        assert_eq!(of(0x7_0fff, 1), Position::Outside);
        assert_eq!(Position::of(&request(0x8_0000, 0, 0x1_1000), &region, 16), Position::WithoutBytes);
        assert_eq!(Position::of(&request(0x8_0000, 0, 0x1_1001), &region, 16), Position::Outside);
        assert_eq!(Position::of(&request(u64::MAX, 2, 2), &region, 16), Position::Outside);
    }

    #[test]
    fn page_sizes_are_classed_by_their_index() {
        let of = |shifts: &[u32]| -> Vec<PageSize> {
            let config = Config { page_shifts: shifts.to_vec(), ..Config::default() };
            (0..shifts.len()).map(|index| PageSize::of(&config, index as u8)).collect()
        };
        use PageSize::{Largest, Middle, Smallest};
        assert_eq!(of(&[12]), [Smallest]);
        assert_eq!(of(&[12, 21]), [Smallest, Largest]);
        assert_eq!(of(&[12, 16, 21, 30]), [Smallest, Middle, Middle, Largest]);
    }
}
