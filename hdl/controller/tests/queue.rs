//! The queue block alone, against the plainest queue there is, under arrivals and takes of every density.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::queue;
use stagecoach_hdl::native::{InputId, Options, OutputId, Simulator};

/// Cycles of each run.
const CYCLES: u32 = 10_000;
/// Bits of a word: wide enough that no two words are equal by chance.
const WIDTH: u32 = 64;

/// The block and its ports.
struct Queue {
    simulator: Simulator,
    in_valid: InputId,
    in_word: InputId,
    take: InputId,
    front_valid: OutputId,
    front_word: OutputId,
}

impl Queue {
    fn new(depth: u32, seed: u64) -> Queue {
        let module = queue::describe("queue_alone", WIDTH, depth).expect("sound");
        let simulator = Simulator::new(&module, Options::seeded(seed));
        let input = |name| simulator.input(name).expect("the block has this input");
        let output = |name| simulator.output(name).expect("the block has this output");
        let (in_valid, in_word, take) = (input("in_valid"), input("in_word"), input("take"));
        let (front_valid, front_word) = (output("front_valid"), output("front_word"));
        let mut queue = Queue { simulator, in_valid, in_word, take, front_valid, front_word };
        queue.reset();
        queue
    }

    fn reset(&mut self) {
        self.simulator.set_reset(true);
        self.simulator.step();
        self.simulator.set_reset(false);
    }

    /// One cycle; gives what `front_*` shows in it.
    fn cycle(&mut self, arrives: bool, word: u64, take: bool) -> Option<u64> {
        self.simulator.set(self.in_valid, u64::from(arrives));
        self.simulator.set(self.in_word, word);
        self.simulator.set(self.take, u64::from(take));
        let valid = self.simulator.get(self.front_valid) == 1;
        let front = valid.then(|| self.simulator.get(self.front_word));
        self.simulator.step();
        front
    }
}

/// How often the cases came that have a path of their own in the block.
#[derive(Debug, Default)]
struct Met {
    bypassed: u32,
    /// An arrival while a word was inside that did not leave in this cycle.
    waited: u32,
    /// An arrival in the cycle in which the only word inside left.
    replaced: u32,
    full: u32,
    /// Words that left in consecutive cycles, although they had waited.
    streamed: u32,
    left: u32,
}

/// Plays one run with a sender that holds `credits` and gets one back in the cycle after a word left.
fn run(depth: u32, credits: usize, seed: u64) -> Met {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut queue = Queue::new(depth, seed);
    let mut model = VecDeque::new();
    let mut met = Met::default();
    let (mut arrivals, mut takes, mut phase) = (50, 50, 0);
    let mut left_before = false;
    for cycle in 0..CYCLES {
        if phase == 0 {
            let percents = [0, 10, 50, 90, 100];
            arrivals = percents[random.random_range(0..percents.len())];
            takes = percents[random.random_range(0..percents.len())];
            phase = random.random_range(1..=60);
        }
        phase -= 1;
        let arrives = model.len() < credits && random.random_range(0..100) < arrivals;
        let take = random.random_range(0..100) < takes;
        // Noise when nothing arrives.
        let word: u64 = random.random();

        let waiting = model.len();
        if arrives {
            model.push_back(word);
        }
        let expected = model.front().copied();
        let shown = queue.cycle(arrives, word, take);
        assert_eq!(
            shown, expected,
            "depth {depth}, {credits} credits, seed {seed}, cycle {cycle}: \
             {waiting} waiting, arrives {arrives}, take {take}"
        );
        let leaves = take && expected.is_some();
        if leaves {
            model.pop_front();
        }
        met.bypassed += u32::from(waiting == 0 && arrives && take);
        met.waited += u32::from(waiting > 0 && arrives && !take);
        met.replaced += u32::from(waiting == 1 && arrives && take);
        met.full += u32::from(model.len() == credits);
        met.streamed += u32::from(waiting > 0 && leaves && left_before);
        met.left += u32::from(leaves);
        left_before = leaves;
    }
    // Nothing is lost: what is inside still comes, a word a cycle, and nothing behind it.
    while let Some(word) = model.pop_front() {
        assert_eq!(queue.cycle(false, !word, true), Some(word), "depth {depth}, seed {seed}: at the end");
    }
    assert_eq!(queue.cycle(false, 0, true), None, "depth {depth}, seed {seed}: empty");
    assert!(queue.simulator.failures().is_empty(), "{:?}", queue.simulator.failures());
    met
}

#[test]
fn equals_a_plain_queue_under_random_arrivals_and_takes() {
    for depth in [2, 4, 16] {
        for seed in 0..6 {
            // The memory's words, and the one more that waits in `next`.
            for credits in [depth as usize, depth as usize + 1] {
                let met = run(depth, credits, 100 * u64::from(depth) + seed);
                let rarest = [met.bypassed, met.waited, met.replaced, met.full, met.streamed];
                assert!(rarest.into_iter().all(|times| times >= 30), "depth {depth}: {met:?}");
                assert!(met.left > CYCLES / 5, "depth {depth}: {met:?}");
            }
        }
    }
}

#[test]
fn what_arrives_while_all_is_empty_shows_in_the_same_cycle() {
    let mut queue = Queue::new(4, 1);
    for word in 1..100 {
        assert_eq!(queue.cycle(true, word, true), Some(word));
        // It has left: nothing of it stays behind.
        assert_eq!(queue.cycle(false, 0, word % 2 == 0), None);
    }
    // Shown, but not taken: it waits, and is shown again.
    assert_eq!(queue.cycle(true, 7, false), Some(7));
    assert_eq!(queue.cycle(false, 8, false), Some(7));
    assert_eq!(queue.cycle(false, 9, true), Some(7));
    assert_eq!(queue.cycle(false, 9, true), None);
}

#[test]
fn a_full_queue_leaves_a_word_a_cycle() {
    for depth in [2, 4, 16] {
        let mut queue = Queue::new(depth, 2);
        let words = u64::from(depth) + 1;
        for word in 0..words {
            assert_eq!(queue.cycle(true, word, false), Some(0));
        }
        for word in 0..words {
            assert_eq!(queue.cycle(false, 99, true), Some(word), "depth {depth}");
        }
        assert_eq!(queue.cycle(false, 99, true), None);
    }
}

#[test]
fn reset_empties_it() {
    let mut queue = Queue::new(4, 3);
    for word in 0..4 {
        queue.cycle(true, word, false);
    }
    queue.cycle(false, 0, false);
    queue.reset();
    assert_eq!(queue.cycle(false, 0, true), None);
    assert_eq!(queue.cycle(true, 42, true), Some(42));
}
