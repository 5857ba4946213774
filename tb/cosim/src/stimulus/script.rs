//! Lists of steps, to be played in order at both ports at once.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use stagecoach_spec::{Command, Config, Request, Slices, Update, UpdateError, UpdateOp};

use super::request::{self, Target};
use super::world::World;
use super::{flip, meeting, refusal, update};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// All commands of an update.
    Update(Update),
    /// A bare command.
    Command(Command),
    /// A request.
    Request(Request),
    /// Waits until everything before is over: nothing is queued, in flight, unanswered or unretired.
    Settle,
}

impl Step {
    /// The commands at the update port; none for a request or a wait.
    pub fn commands(&self) -> Vec<Command> {
        match self {
            Step::Update(update) => update.encode(),
            Step::Command(command) => vec![*command],
            Step::Request(_) | Step::Settle => Vec::new(),
        }
    }
}

/// How much stimulus, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Requests in all.
    pub requests: usize,
    /// Most requests between two updates.
    pub most_between: usize,
    /// How often all bindings are filled: a long row of updates where there are many bindings.
    pub fills: usize,
}

/// A configuration and what to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The configuration.
    pub config: Config,
    /// The seed that made the steps.
    pub seed: u64,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Script {
    /// Random steps.
    pub fn random(config: &Config, seed: u64, shape: Shape) -> Script {
        let mut maker = Maker {
            random: ChaCha8Rng::seed_from_u64(seed),
            world: World::new(config),
            steps: Vec::new(),
            hot: None,
            provoked: 0,
            met: 0,
            flips: flip::Flips::default(),
        };
        maker.set_tables();
        let mut requests = 0;
        let mut fills = shape.fills;
        while requests < shape.requests {
            let share = requests * (shape.fills + 1) / shape.requests.max(1);
            if fills > 0 && share > shape.fills - fills {
                fills -= 1;
                maker.provoke(UpdateError::BindingsFull);
            } else {
                // Cycles are foretold no more once a bit was flipped: the first half goes without.
                let flips = 2 * requests > shape.requests;
                requests += maker.change(flips);
            }
            let between = maker.random.random_range(0..=shape.most_between);
            for _ in 0..between {
                let request = request::random(&mut maker.random, &maker.world, maker.hot);
                maker.steps.push(Step::Request(request));
            }
            requests += between;
        }
        Script { config: config.clone(), seed, steps: maker.steps }
    }
}

struct Maker {
    random: ChaCha8Rng,
    world: World,
    steps: Vec<Step>,
    hot: Option<Target>,
    /// How many errors were aimed at.
    provoked: usize,
    /// How many races were.
    met: usize,
    flips: flip::Flips,
}

impl Maker {
    /// Most tables get parts of the pools; most of those an identifier.
    fn set_tables(&mut self) {
        let config = self.world.config().clone();
        let tables = config.tables.min(8);
        let share = |pool: u32, table: u32| {
            let (from, to) = (u64::from(pool) * u64::from(table), u64::from(pool) * u64::from(table + 1));
            ((from / u64::from(tables)) as u32, (to / u64::from(tables) - from / u64::from(tables)) as u32)
        };
        let frames = 1u64 << config.frame_bits();
        let window = frames / u64::from(tables);
        for part in 0..tables {
            if part > 0 && self.random.random_ratio(1, 10) {
                continue; // Left for later.
            }
            let table = if part + 1 == tables { config.tables - 1 } else { part } as u16;
            let (region_base, region_count) = share(config.regions, part);
            let (slot_base, slot_count) = share(config.slots, part);
            // Bases that are no round numbers, as large pages have to cope with.
            let inset = if window > 64 { u64::from(part) } else { 0 };
            let window_count = match self.random.random_range(0..5) {
                0 | 1 => window - inset,
                // Some are small enough to be tracked,
                2 => (window - inset).min(1 << 20),
                // some at the border of one word of a bitmap more.
                _ => update::window_of_words(&mut self.random, &config).min(window - inset),
            };
            let slices = Slices {
                region_base,
                region_count,
                slot_base,
                slot_count,
                window_base: window * u64::from(part) + inset,
                window_count,
            };
            self.play(Step::Update(Update::SetTable { table, slices }));
            if tables == 1 || self.random.random_ratio(7, 8) {
                let net_id = update::net_id(&mut self.random, &self.world);
                self.play(Step::Update(Update::Bind { table, net_id }));
            }
        }
    }

    /// The next updates, and what they make worth aiming at. Gives how many requests are among them.
    fn change(&mut self, flips: bool) -> usize {
        let before = self.steps.len();
        self.change_something(flips);
        self.steps[before..].iter().filter(|step| matches!(step, Step::Request(_))).count()
    }

    fn change_something(&mut self, flips: bool) {
        if flips && self.random.random_ratio(1, 8) {
            let steps = self.flips.steps(&mut self.random, &self.world);
            steps.into_iter().for_each(|step| self.play(step));
            return;
        }
        if self.random.random_ratio(1, 6) {
            self.met += 1;
            let steps = meeting::steps(&mut self.random, &self.world, self.met);
            steps.into_iter().for_each(|step| self.play(step));
            return;
        }
        if self.random.random_ratio(1, 3) {
            // In turn, so that each is met. Filling the bindings is for `Shape::fills`.
            let errors = UpdateError::ALL.iter().filter(|error| **error != UpdateError::BindingsFull);
            self.provoked += 1;
            if let Some(error) = errors.cycle().nth(self.provoked) {
                self.provoke(*error);
            }
            return;
        }
        for update in update::random(&mut self.random, &self.world) {
            self.aim(&update);
            self.play(Step::Update(update));
        }
    }

    fn provoke(&mut self, error: UpdateError) {
        let steps = refusal::provoke(&mut self.random, &self.world, error);
        steps.into_iter().flatten().for_each(|step| self.play(step));
    }

    /// Requests follow what an update is about, also when that is gone afterwards.
    fn aim(&mut self, update: &Update) {
        let world = &self.world;
        let region_of = |table: u16| world.regions_of(table);
        let target = match *update {
            Update::Install { table, key, region } => Some((table, key, region)),
            Update::Invalidate { table, key } => {
                world.regions.get(&(table, key >> 8)).map(|(key, region)| (table, *key, *region))
            }
            Update::SetSlot { table, slot, .. } | Update::ClearSlot { table, slot } => region_of(table)
                .into_iter()
                .find(|(_, region)| (region.first_slot..region.first_slot + 6).contains(&slot))
                .map(|(key, region)| (table, key, region)),
            Update::Freeze { table } | Update::Thaw { table } | Update::Bind { table, .. } => {
                region_of(table).first().map(|(key, region)| (table, *key, *region))
            }
            _ => None,
        };
        self.hot = target.or(self.hot);
    }

    fn play(&mut self, step: Step) {
        match &step {
            Step::Update(update) => {
                let _ = self.world.update(update);
            }
            Step::Command(command) => {
                let _ = self.world.command(command);
            }
            Step::Request(_) | Step::Settle => {}
        }
        self.steps.push(step);
    }
}

/// As text that can be read and typed again: configuration, seed, then a line per step.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# configuration\n{}", self.config.to_toml().trim_end())?;
        writeln!(f, "# seed {}, {} steps", self.seed, self.steps.len())?;
        for step in &self.steps {
            match step {
                Step::Update(update) => writeln!(f, "{update:x?}")?,
                Step::Command(command) => {
                    let name = UpdateOp::from_code(command.op).map_or("unknown", UpdateOp::name);
                    writeln!(f, "{name} {command:x?}")?;
                }
                Step::Request(request) => writeln!(f, "{request:x?}")?,
                Step::Settle => writeln!(f, "Settle")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::configuration;
    use stagecoach_model::Golden;
    use stagecoach_spec::{Cam, Protection};

    /// How often scripts bring the golden model to each answer: by operation, or by error.
    fn answers(config: &Config, seeds: std::ops::Range<u64>) -> (Vec<usize>, Vec<usize>) {
        let (mut accepted, mut refused) = (vec![0; UpdateOp::ALL.len()], vec![0; UpdateError::ALL.len() + 1]);
        for seed in seeds {
            let shape = Shape { requests: 3_000, most_between: 30, fills: 1 };
            let mut golden = Golden::new(config);
            for command in Script::random(config, seed, shape).steps.iter().flat_map(Step::commands) {
                match golden.command(&command) {
                    Ok(_) => accepted[usize::from(command.op)] += 1,
                    Err(error) => refused[usize::from(error.code())] += 1,
                }
            }
        }
        (accepted, refused)
    }

    #[test]
    fn scripts_for_a_cuckoo_cam_move_re_seed_and_are_refused() {
        for (net_id_bits, bindings) in [(32, 40), (152, 12)] {
            let config =
                Config { cam: Some(Cam::Cuckoo), net_id_bits, bindings, tables: 6, ..Config::default() };
            let (accepted, refused) = answers(&config, 0..6);
            for op in [UpdateOp::Bind, UpdateOp::Unbind, UpdateOp::Move, UpdateOp::Reseed] {
                assert!(accepted[usize::from(op.code())] >= 12, "{}: {accepted:?}", op.name());
            }
            for error in [UpdateError::WayInUse, UpdateError::BindingsFull, UpdateError::NotBound] {
                assert!(refused[usize::from(error.code())] >= 6, "{error}: {refused:?}");
            }
        }
    }

    #[test]
    fn scripts_for_registers_meet_neither() {
        let config = Config { cam: Some(Cam::Register), tables: 6, bindings: 9, ..Config::default() };
        let (accepted, refused) = answers(&config, 0..3);
        assert_eq!(accepted[usize::from(UpdateOp::Move.code())], 0);
        assert_eq!(accepted[usize::from(UpdateOp::Reseed.code())], 0);
        assert_eq!(refused[usize::from(UpdateError::WayInUse.code())], 0);
    }

    /// The planner that the stimulus aims with follows the golden model in any configuration.
    #[test]
    fn scripts_can_be_made_for_any_configuration() {
        for seed in 0..40 {
            let config = configuration::random(&mut ChaCha8Rng::seed_from_u64(seed));
            let shape = Shape { requests: 600, most_between: 20, fills: 1 };
            let script = Script::random(&config, seed, shape);
            let flips = script.steps.iter().any(|step| matches!(step, Step::Update(Update::Inject { .. })));
            assert!(config.protection != Protection::None || !flips, "seed {seed}");
        }
    }
}
