//! A choice of mutations that leaves no rule, no module and no kind out.

use std::collections::HashMap;
use std::hash::Hash;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::mutate;

use super::kind::Kind;
use super::pool::{Pool, Subject};

/// At least `count` of the mutations that `wanted` holds for (all, if there are no more), and so many more as it takes
/// to have every rule, module and kind among them. Mutations that are provably none are passed over.
pub fn choose(pool: &Pool, count: usize, seed: u64, wanted: impl Fn(&Subject) -> bool) -> Vec<&Subject> {
    let mut left: Vec<&Subject> = pool.subjects.iter().filter(|subject| wanted(subject)).collect();
    left.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut tally = Tally::default();
    let mut chosen = Vec::new();
    loop {
        // The one that is most unlike those chosen so far; the shuffle decides among equals.
        let next = (0..left.len()).min_by_key(|position| tally.weight(left[*position]));
        let Some(next) = next else { return chosen };
        if chosen.len() >= count && !tally.is_new(left[next]) {
            return chosen;
        }
        let subject = left.remove(next);
        if changes_something(pool, subject) {
            tally.count(subject);
            chosen.push(subject);
        }
    }
}

/// Whether the mutant is another design in some configuration, as far as folding shows.
fn changes_something(pool: &Pool, subject: &Subject) -> bool {
    subject.sites.iter().any(|(entry, mutation)| {
        let sound = &pool.entries[*entry].module;
        !mutate::is_provably_same(sound, &mutate::apply(sound, mutation))
    })
}

/// How often each rule, module and kind was chosen.
#[derive(Default)]
struct Tally<'p> {
    rules: HashMap<mutate::Rule, usize>,
    modules: HashMap<&'p str, usize>,
    kinds: HashMap<Kind, usize>,
    places: HashMap<(&'p str, &'p str), usize>,
}

fn of<K: Hash + Eq>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

impl<'p> Tally<'p> {
    fn count(&mut self, subject: &'p Subject) {
        let mutation = subject.mutation();
        *self.rules.entry(mutation.rule).or_default() += 1;
        *self.modules.entry(&mutation.module).or_default() += 1;
        *self.places.entry((&mutation.module, &mutation.place)).or_default() += 1;
        if let Some(kind) = Kind::of(mutation) {
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    /// (what it would add that there is none of, most first; then how common its rule, module and place are).
    fn weight(&self, subject: &Subject) -> (usize, usize) {
        let mutation = subject.mutation();
        let rule = of(&self.rules, &mutation.rule);
        let module = of(&self.modules, &mutation.module.as_str());
        let kind = Kind::of(mutation).map_or(1, |kind| of(&self.kinds, &kind));
        let place = of(&self.places, &(mutation.module.as_str(), mutation.place.as_str()));
        let known = [rule, module, kind].iter().filter(|count| **count > 0).count();
        (known, rule + module + 4 * place)
    }

    fn is_new(&self, subject: &Subject) -> bool {
        self.weight(subject).0 < 3
    }
}
