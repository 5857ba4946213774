//! How often each port is willing, and when granted spans are retired: patterns of stalls.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// When one side of a port is willing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// In every cycle.
    #[default]
    Always,
    /// In so many of 100 cycles, at random.
    Percent(u8),
    /// On and off in stretches of 1 to so many cycles each.
    Stretches(u8),
}

/// When granted spans go to the retirement port, at most one a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetirePace {
    /// In the first cycle after the beat was taken, or as soon as those before it have gone.
    #[default]
    AtOnce,
    /// So many cycles later than at once, in order.
    After(u16),
    /// Each after a time of its own, at random, thus in any order.
    Random {
        /// Most cycles later than at once.
        longest: u16,
    },
    /// None for up to so many cycles, then all that wait, one a cycle in random order; and again.
    Stretches(u16),
    /// Only when told: [`crate::Driver::release_retirements`].
    Held,
}

impl RetirePace {
    /// Cycles in which nothing may be retired although spans wait.
    pub(crate) const fn longest(self) -> u64 {
        match self {
            RetirePace::AtOnce | RetirePace::Held => 0,
            RetirePace::After(cycles) | RetirePace::Stretches(cycles) => cycles as u64,
            RetirePace::Random { longest } => longest as u64,
        }
    }
}

/// The patterns of the ports. A source's valid never drops once it is up: the pattern says when a new
/// offer may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalls {
    /// When a new request may be offered.
    pub request: Pace,
    /// When `rsp_ready` is high.
    pub response: Pace,
    /// When a new command may be offered.
    pub update: Pace,
    /// When granted spans are retired.
    pub retirement: RetirePace,
}

impl Stalls {
    /// Nobody ever stalls.
    pub const NONE: Stalls = Stalls {
        request: Pace::Always,
        response: Pace::Always,
        update: Pace::Always,
        retirement: RetirePace::AtOnce,
    };

    /// Patterns at random, each kind as likely.
    pub fn random(random: &mut impl Rng) -> Stalls {
        let mut pace = || match random.random_range(0..4) {
            0 | 1 => Pace::Always,
            2 => Pace::Percent(random.random_range(10..=95)),
            _ => Pace::Stretches(random.random_range(2..=60)),
        };
        let (request, response, update) = (pace(), pace(), pace());
        let retirement = match random.random_range(0..5) {
            0 => RetirePace::AtOnce,
            1 => RetirePace::After(random.random_range(1..=40)),
            2 => RetirePace::Stretches(random.random_range(2..=80)),
            // Short ones retire amid the fences, long ones make every fence wait.
            3 => RetirePace::Random { longest: random.random_range(1..=30) },
            _ => RetirePace::Random { longest: random.random_range(30..=150) },
        };
        Stalls { request, response, update, retirement }
    }
}

/// Plays a [`Pace`].
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pace: Pace,
    random: ChaCha8Rng,
    on: bool,
    left: u8,
}

impl Player {
    /// `port` keeps the ports' patterns apart.
    pub(crate) fn new(pace: Pace, seed: u64, port: u64) -> Player {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(port);
        Player { pace, random, on: false, left: 0 }
    }

    /// Whether the port is willing in the next cycle.
    pub(crate) fn next(&mut self) -> bool {
        match self.pace {
            Pace::Always => true,
            Pace::Percent(percent) => self.random.random_range(0..100) < percent.max(1),
            Pace::Stretches(longest) => {
                if self.left == 0 {
                    self.on = !self.on;
                    self.left = self.random.random_range(1..=longest.max(1));
                }
                self.left -= 1;
                self.on
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(pace: Pace) -> usize {
        let mut player = Player::new(pace, 1, 2);
        (0..10_000).filter(|_| player.next()).count()
    }

    #[test]
    fn each_pace_is_willing_as_often_as_it_says() {
        assert_eq!(share(Pace::Always), 10_000);
        assert!((2_800..3_200).contains(&share(Pace::Percent(30))));
        assert!((4_000..6_000).contains(&share(Pace::Stretches(20))));
        assert!(share(Pace::Percent(0)) > 0, "a pace that never comes would be a hang");
    }

    #[test]
    fn the_same_seed_plays_the_same() {
        let play = |seed, port| {
            let mut player = Player::new(Pace::Percent(50), seed, port);
            (0..64).fold(0u64, |bits, _| bits << 1 | u64::from(player.next()))
        };
        assert_eq!(play(7, 0), play(7, 0));
        assert_ne!(play(7, 0), play(7, 1));
        assert_ne!(play(7, 0), play(8, 0));
    }
}
