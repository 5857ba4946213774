//! The configurations that mutants are played in.
//!
//! No configuration has everything: one has no protection, another only one page size. A mutation is therefore looked
//! for in all of them, and played in those that have it.

use std::collections::HashMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::Module;
use stagecoach_hdl::mutate::{self, Mutation, Rule};
use stagecoach_spec::{Cam, Config, Preset};

use crate::stimulus::configuration;
use crate::{Error, engine};

/// A configuration with its sound design.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The configuration.
    pub config: Config,
    /// How it is called in reports: a preset's name, or the seed of a random one.
    pub name: String,
    /// The sound design.
    pub module: Arc<Module>,
}

/// A mutation, wherever in the pool it applies.
#[derive(Clone, Debug)]
pub struct Subject {
    /// It, per configuration: (position in [`Pool::entries`], the mutation of that design). At least one.
    pub sites: Vec<(usize, Mutation)>,
}

impl Subject {
    /// The mutation, in words of the first configuration that has it.
    pub fn mutation(&self) -> &Mutation {
        &self.sites[0].1
    }

    /// Module and signal.
    pub fn place(&self) -> String {
        let mutation = self.mutation();
        format!("{}.{}", mutation.module, mutation.place)
    }
}

/// Configurations, and every mutation of any.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The configurations; the first is preset `tiny`.
    pub entries: Vec<Entry>,
    /// Every mutation once.
    pub subjects: Vec<Subject>,
}

impl Pool {
    /// Preset `tiny` and so many random configurations, of both kinds of CAM or of one alone.
    ///
    /// # Errors
    /// A configuration cannot be described.
    pub fn new(seed: u64, random: usize, cam: Option<Cam>) -> Result<Pool, Error> {
        let only = |config: Config| Config { cam: cam.or(config.cam), ..config };
        let mut configs = vec![("tiny".to_owned(), only(Preset::Tiny.config()))];
        for number in 0..random {
            let seed = seed.wrapping_add(number as u64);
            let config = configuration::random(&mut ChaCha8Rng::seed_from_u64(seed));
            configs.push((format!("random {seed}"), only(config)));
        }
        let mut entries = Vec::new();
        for (name, config) in configs {
            entries.push(Entry { module: engine::describe(&config)?, config, name });
        }
        let subjects = subjects(&entries);
        Ok(Pool { entries, subjects })
    }
}

/// What tells mutations of one design apart.
type Identity = (Rule, String, String, &'static str, u32, u32, usize);

fn subjects(entries: &[Entry]) -> Vec<Subject> {
    let mut places: HashMap<Identity, usize> = HashMap::new();
    let mut subjects: Vec<Subject> = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        for mutation in mutate::enumerate(&entry.module) {
            let Mutation { rule, source, occurrence, .. } = mutation;
            let (module, place) = (mutation.module.clone(), mutation.place.clone());
            let identity = (rule, module, place, source.file(), source.line(), source.column(), occurrence);
            let position = *places.entry(identity).or_insert_with(|| {
                subjects.push(Subject { sites: Vec::new() });
                subjects.len() - 1
            });
            subjects[position].sites.push((number, mutation));
        }
    }
    subjects
}
