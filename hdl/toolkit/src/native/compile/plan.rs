//! In which order a compiled cycle does things, and where it is cut into functions.
//!
//! A register is replaced in place as soon as everything that reads it has been computed. Sinks come in an order in
//! which that is mostly at once: see [`Flow::sinks`]. What remains (registers that read each other) is held in
//! machine registers and replaced at the end.

use std::ops::Range;

use crate::native::layout::limbs_of;
use crate::native::program::{Copy, Flow, MemoryPlan, Program, Sink};

/// Operations, roughly, of one function: the compiler's time grows faster than a function's length.
const CHUNK: u32 = 1_000;

/// Where a limb's contents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Nothing ever writes it.
    Zero,
    Constant(u64),
    /// An input, a register or a memory's read register.
    State,
    /// Computed: position in [`Flow::values`].
    Value(u32),
}

/// Something that a compiled cycle does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Computes a value: position in [`Flow::values`].
    Value(u32),
    /// Samples an output.
    Output(u32),
    /// Tells of a property.
    Property(u32),
    /// Saves state that a memory's port reads: position in [`Plan::saved`].
    Save(u32),
    /// Loads what a register becomes, as registers that it depends on are replaced before it.
    Hold(u32),
    /// Replaces a register: position in [`Flow::changes`].
    Commit(u32),
}

/// The plan of a compiled cycle.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The steps of each function.
    pub(super) chunks: Vec<Range<usize>>,
    /// Of each limb.
    pub(super) sources: Vec<Source>,
    /// Computed limbs that are read outside the function that computes them.
    pub(super) stored: Vec<bool>,
    /// See [`Step::Save`].
    pub(super) saved: Vec<Copy>,
    /// Memories; their ports lie where nothing changes during the edge.
    pub(super) memories: Vec<MemoryPlan>,
    /// Length of the limb array.
    pub(super) limbs: usize,
}

impl Plan {
    pub(super) fn of(program: &Program) -> Plan {
        let mut planner = Planner::new(program);
        planner.count_readers();
        for sink in &program.flow.sinks {
            planner.sink(*sink);
        }
        planner.finish()
    }
}

struct Planner<'p> {
    program: &'p Program,
    flow: &'p Flow,
    plan: Plan,
    /// The register that each limb belongs to.
    owners: Vec<Option<u32>>,
    /// How many times each register limb is still to be read.
    readers: Vec<u32>,
    /// Limbs of each register that are still to be read.
    unread: Vec<u32>,
    /// Registers whose next value has been computed.
    computed: Vec<bool>,
    committed: Vec<bool>,
    placed: Vec<bool>,
    /// Registers that may be replaced now.
    ready: Vec<u32>,
}

impl<'p> Planner<'p> {
    fn new(program: &'p Program) -> Planner<'p> {
        let flow = &program.flow;
        let mut sources = vec![Source::Zero; program.limbs];
        for (offset, limb) in &program.constants {
            sources[*offset as usize] = Source::Constant(*limb);
        }
        sources[..program.inputs as usize].fill(Source::State);
        for place in &program.state {
            sources[place.offset as usize..place.offset as usize + limbs_of(place.width)].fill(Source::State);
        }
        for (number, ops) in flow.values.iter().enumerate() {
            for op in &flow.ops[ops.start as usize..ops.end as usize] {
                let (first, count) = op.access().writes;
                sources[first as usize..(first + count) as usize].fill(Source::Value(number as u32));
            }
        }
        let mut owners = vec![None; program.limbs];
        for (number, change) in flow.changes.iter().enumerate() {
            owners[change.dst as usize..(change.dst + change.limbs) as usize].fill(Some(number as u32));
        }
        let plan = Plan {
            steps: Vec::new(),
            chunks: Vec::new(),
            stored: vec![false; sources.len()],
            sources,
            saved: Vec::new(),
            memories: flow.memories.clone(),
            limbs: program.limbs,
        };
        let registers = flow.changes.len();
        Planner {
            program,
            flow,
            plan,
            owners,
            readers: vec![0; program.limbs],
            unread: vec![0; registers],
            computed: vec![false; registers],
            committed: vec![false; registers],
            placed: vec![false; flow.values.len()],
            ready: Vec::new(),
        }
    }

    /// Every limb that a value reads, once for each time.
    fn operands(&self, value: u32) -> impl Iterator<Item = u32> + use<'p> {
        let ops = &self.flow.values[value as usize];
        let ops = &self.flow.ops[ops.start as usize..ops.end as usize];
        ops.iter().flat_map(|op| op.access().reads).flat_map(|(first, count)| first..first + count)
    }

    /// Every limb that a sink reads itself.
    fn read_by(&self, sink: Sink) -> Vec<u32> {
        match sink {
            Sink::Output(number) => {
                let place = self.program.outputs[number as usize];
                (place.offset..place.offset + limbs_of(place.width) as u32).collect()
            }
            Sink::Property(number) => vec![self.condition(number)],
            Sink::Memory(number) => {
                let memory = &self.flow.memories[number as usize];
                let data = memory.write_data..memory.write_data + limbs_of(memory.width) as u32;
                let reads = memory.reads.iter();
                let reads = reads.flat_map(|read| [Some(read.address), read.enable]).flatten();
                data.chain([memory.write_enable, memory.write_address]).chain(reads).collect()
            }
            Sink::Register(number) => {
                let change = &self.flow.changes[number as usize];
                (change.src..change.src + change.limbs).chain(change.enable).collect()
            }
        }
    }

    fn condition(&self, property: u32) -> u32 {
        let (assertions, covers) = (&self.program.assertions, &self.program.covers);
        let property = property as usize;
        assertions.get(property).copied().unwrap_or_else(|| covers[property - assertions.len()])
    }

    fn count_readers(&mut self) {
        let mut reached = vec![false; self.flow.values.len()];
        let mut work: Vec<u32> = self.flow.sinks.iter().flat_map(|sink| self.read_by(*sink)).collect();
        while let Some(limb) = work.pop() {
            self.readers[limb as usize] += 1;
            if let Source::Value(value) = self.plan.sources[limb as usize]
                && !std::mem::replace(&mut reached[value as usize], true)
            {
                work.extend(self.operands(value));
            }
        }
        for (readers, owner) in self.readers.iter().zip(&self.owners) {
            if let Some(owner) = owner
                && *readers > 0
            {
                self.unread[*owner as usize] += 1;
            }
        }
    }

    fn sink(&mut self, sink: Sink) {
        let limbs = self.read_by(sink);
        for limb in &limbs {
            if let Source::Value(value) = self.plan.sources[*limb as usize] {
                self.value(value);
            }
        }
        match sink {
            Sink::Output(number) => self.plan.steps.push(Step::Output(number)),
            Sink::Property(number) => self.plan.steps.push(Step::Property(number)),
            Sink::Memory(number) => self.memory(number),
            Sink::Register(number) => {
                self.computed[number as usize] = true;
                if self.unread[number as usize] == 0 {
                    self.ready.push(number);
                }
            }
        }
        if !matches!(sink, Sink::Register(_)) {
            limbs.into_iter().for_each(|limb| self.read(limb));
        }
        self.commit_ready();
    }

    /// Computes a value and all it depends on. A stack of our own, as chains may be long.
    fn value(&mut self, value: u32) {
        let mut stack = vec![value];
        while let Some(&value) = stack.last() {
            let waiting = stack.len();
            if !self.placed[value as usize] {
                for limb in self.operands(value) {
                    if let Source::Value(operand) = self.plan.sources[limb as usize]
                        && !self.placed[operand as usize]
                    {
                        stack.push(operand);
                    }
                }
                if stack.len() > waiting {
                    continue;
                }
                self.placed[value as usize] = true;
                self.plan.steps.push(Step::Value(value));
                self.operands(value).for_each(|limb| self.read(limb));
            }
            stack.pop();
        }
    }

    /// A limb has been read once more.
    fn read(&mut self, limb: u32) {
        let Some(owner) = self.owners[limb as usize] else { return };
        self.readers[limb as usize] -= 1;
        if self.readers[limb as usize] == 0 {
            self.unread[owner as usize] -= 1;
            if self.unread[owner as usize] == 0 && self.computed[owner as usize] {
                self.ready.push(owner);
            }
        }
    }

    fn commit_ready(&mut self) {
        while let Some(number) = self.ready.pop() {
            self.committed[number as usize] = true;
            self.plan.steps.push(Step::Commit(number));
            self.read_by(Sink::Register(number)).into_iter().for_each(|limb| self.read(limb));
        }
    }

    /// Memories change last: what their ports read and the edge changes before is saved.
    fn memory(&mut self, number: u32) {
        let mut memory = self.flow.memories[number as usize].clone();
        let word = limbs_of(memory.width) as u32;
        let ports = memory.reads.iter_mut().flat_map(|read| [Some(&mut read.address), read.enable.as_mut()]);
        let ports = ports.flatten().map(|port| (port, 1));
        let write =
            [(&mut memory.write_enable, 1), (&mut memory.write_address, 1), (&mut memory.write_data, word)];
        for (port, limbs) in write.into_iter().chain(ports) {
            let (first, end) = (*port as usize, (*port + limbs) as usize);
            if self.plan.sources[first..end].contains(&Source::State) {
                let dst = self.plan.limbs as u32;
                self.plan.limbs += limbs as usize;
                self.plan.steps.push(Step::Save(self.plan.saved.len() as u32));
                self.plan.saved.push(Copy { dst, src: *port, limbs });
                *port = dst;
            } else {
                self.plan.stored[first..end].fill(true);
            }
        }
        self.plan.memories[number as usize] = memory;
    }

    fn finish(mut self) -> Plan {
        let rest: Vec<u32> =
            (0..self.committed.len() as u32).filter(|number| !self.committed[*number as usize]).collect();
        let first_held = self.plan.steps.len();
        self.plan.steps.extend(rest.iter().map(|number| Step::Hold(*number)));
        self.plan.steps.extend(rest.iter().map(|number| Step::Commit(*number)));
        self.cut(first_held);
        self.find_stored();
        self.plan
    }

    /// Cuts the steps before `first_held` anywhere, those behind it nowhere.
    fn cut(&mut self, first_held: usize) {
        let (mut start, mut weight) = (0, 0);
        for (position, step) in self.plan.steps.iter().enumerate() {
            if weight >= CHUNK && position <= first_held {
                self.plan.chunks.push(start..position);
                (start, weight) = (position, 0);
            }
            weight += match step {
                Step::Value(value) => {
                    let ops = &self.flow.values[*value as usize];
                    let ops = &self.flow.ops[ops.start as usize..ops.end as usize];
                    ops.iter().map(|op| op.access().writes.1.max(op.access().reads[0].1)).sum()
                }
                Step::Commit(number) => self.flow.changes[*number as usize].limbs,
                Step::Output(_) | Step::Property(_) | Step::Save(_) | Step::Hold(_) => 1,
            };
        }
        self.plan.chunks.push(start..self.plan.steps.len());
    }

    fn find_stored(&mut self) {
        let mut computed_in = vec![0; self.flow.values.len()];
        for (chunk, steps) in self.plan.chunks.clone().into_iter().enumerate() {
            for position in steps {
                let step = self.plan.steps[position];
                let read: Vec<u32> = match step {
                    Step::Value(value) => {
                        computed_in[value as usize] = chunk;
                        self.operands(value).collect()
                    }
                    Step::Output(number) => self.read_by(Sink::Output(number)),
                    Step::Property(number) => self.read_by(Sink::Property(number)),
                    Step::Hold(number) | Step::Commit(number) => self.read_by(Sink::Register(number)),
                    Step::Save(number) => {
                        let Copy { src, limbs, .. } = self.plan.saved[number as usize];
                        (src..src + limbs).collect()
                    }
                };
                for limb in read {
                    if let Source::Value(value) = self.plan.sources[limb as usize]
                        && computed_in[value as usize] != chunk
                    {
                        self.plan.stored[limb as usize] = true;
                    }
                }
            }
        }
    }
}
