//! Writes the code of a function: its steps, and where operands come from.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::FunctionBuilder;

use super::plan::{Plan, Source, Step};
use crate::native::layout::limbs_of;
use crate::native::program::{Change, Copy, Program};

/// Writes functions, one after the other.
pub(super) struct Emitter<'p> {
    pub(super) plan: &'p Plan,
    pub(super) program: &'p Program,
    /// First output limb of each output.
    outputs: Vec<u32>,
    /// Limbs whose contents are in a machine register of the function at hand.
    known: Vec<Option<Value>>,
    /// Those of `known` that are not `None`.
    touched: Vec<u32>,
}

/// The function at hand.
pub(super) struct Body<'e, 'p, 'f, 'b> {
    pub(super) emitter: &'e mut Emitter<'p>,
    pub(super) builder: &'f mut FunctionBuilder<'b>,
    limbs: Value,
    outputs: Value,
    properties: Value,
}

impl<'p> Emitter<'p> {
    pub(super) fn new(plan: &'p Plan, program: &'p Program) -> Emitter<'p> {
        let mut next = 0;
        let outputs = program.outputs.iter().map(|place| {
            let first = next;
            next += limbs_of(place.width) as u32;
            first
        });
        let outputs = outputs.collect();
        Emitter { plan, program, outputs, known: vec![None; plan.limbs], touched: Vec::new() }
    }

    /// Writes a function that does `steps`.
    pub(super) fn function(&mut self, builder: &mut FunctionBuilder<'_>, steps: &[Step]) {
        for limb in self.touched.drain(..) {
            self.known[limb as usize] = None;
        }
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let &[limbs, outputs, properties] = builder.block_params(block) else {
            unreachable!("the signature has three parameters")
        };
        let mut body = Body { emitter: self, builder, limbs, outputs, properties };
        let mut rest = steps;
        while let Some((step, tail)) = rest.split_first() {
            let done = body.commits(rest);
            if done > 0 {
                rest = &rest[done..];
                continue;
            }
            body.step(*step);
            rest = tail;
        }
        builder.ins().return_(&[]);
        builder.seal_all_blocks();
    }
}

/// Byte offset of a limb.
pub(super) fn bytes(limb: u32) -> i32 {
    (limb * 8) as i32
}

impl Body<'_, '_, '_, '_> {
    fn step(&mut self, step: Step) {
        match step {
            Step::Value(value) => {
                let program = self.emitter.program;
                let ops = program.flow.values[value as usize].clone();
                let ops = &program.flow.ops[ops.start as usize..ops.end as usize];
                for op in ops {
                    self.operation(op);
                }
                for op in ops {
                    let access = op.access();
                    if !access.adds {
                        let (first, count) = access.writes;
                        (first..first + count).for_each(|limb| self.keep(limb));
                    }
                }
            }
            Step::Output(number) => {
                let place = self.emitter.program.outputs[number as usize];
                for limb in 0..limbs_of(place.width) as u32 {
                    let value = self.get(place.offset + limb);
                    let to = bytes(self.emitter.outputs[number as usize] + limb);
                    self.builder.ins().store(MemFlagsData::trusted(), value, self.outputs, to);
                }
            }
            Step::Property(number) => {
                let (assertions, covers) = (&self.emitter.program.assertions, &self.emitter.program.covers);
                let condition = assertions.iter().chain(covers).nth(number as usize).copied();
                let value = self.get(condition.unwrap_or(0));
                self.builder.ins().istore8(MemFlagsData::trusted(), value, self.properties, number as i32);
            }
            Step::Save(number) => {
                let copy = self.emitter.plan.saved[number as usize];
                self.copy(copy);
            }
            Step::Hold(number) => {
                let change = self.emitter.program.flow.changes[number as usize];
                for limb in (change.src..change.src + change.limbs).chain(change.enable) {
                    let value = self.get(limb);
                    self.put(limb, value);
                }
            }
            Step::Commit(_) => unreachable!("commits are written together"),
        }
    }

    /// Replaces the registers with which `steps` begin, as many as share an enable. Returns how many steps that is.
    fn commits(&mut self, steps: &[Step]) -> usize {
        let program = self.emitter.program;
        let changes = steps.iter().map_while(|step| match step {
            Step::Commit(number) => Some(&program.flow.changes[*number as usize]),
            _ => None,
        });
        let changes: Vec<&Change> = changes.collect();
        let Some(first) = changes.first() else { return 0 };
        let enable = first.enable;
        let same = changes.iter().take_while(|change| change.enable == enable).count();
        let copies = changes[..same].iter();
        let copies = copies.map(|change| Copy { dst: change.dst, src: change.src, limbs: change.limbs });
        if let Some(enable) = enable {
            let condition = self.get(enable);
            let (then, after) = (self.builder.create_block(), self.builder.create_block());
            self.builder.ins().brif(condition, then, &[], after, &[]);
            self.builder.switch_to_block(then);
            copies.for_each(|change| self.copy(change));
            self.builder.ins().jump(after, &[]);
            self.builder.switch_to_block(after);
        } else {
            self.copy_all(copies.collect());
        }
        same
    }

    /// Copies that are to be done one after the other, neighbours together.
    fn copy_all(&mut self, copies: Vec<Copy>) {
        let mut run: Option<Copy> = None;
        for copy in copies {
            run = Some(match run {
                // Registers are replaced from the last to the first, mostly.
                Some(run)
                    if copy.dst + copy.limbs == run.dst
                        && copy.src + copy.limbs == run.src
                        && apart(run, copy) =>
                {
                    Copy { dst: copy.dst, src: copy.src, limbs: copy.limbs + run.limbs }
                }
                Some(run)
                    if run.dst + run.limbs == copy.dst
                        && run.src + run.limbs == copy.src
                        && apart(run, copy) =>
                {
                    Copy { limbs: run.limbs + copy.limbs, ..run }
                }
                Some(run) => {
                    self.copy(run);
                    copy
                }
                None => copy,
            });
        }
        run.into_iter().for_each(|run| self.copy(run));
    }

    /// Copies limbs, two at once where they are in memory.
    fn copy(&mut self, Copy { dst, src, limbs }: Copy) {
        if dst == src {
            return;
        }
        let mut limb = 0;
        while limb < limbs {
            let pair = limb + 1 < limbs && self.in_memory(src + limb) && self.in_memory(src + limb + 1);
            let (value, step) = if pair {
                let from = bytes(src + limb);
                (
                    self.builder.ins().load(
                        types::I64X2,
                        MemFlagsData::new().with_notrap(),
                        self.limbs,
                        from,
                    ),
                    2,
                )
            } else {
                (self.get(src + limb), 1)
            };
            self.builder.ins().store(MemFlagsData::new().with_notrap(), value, self.limbs, bytes(dst + limb));
            limb += step;
        }
    }

    /// The limb is read from memory where it is read.
    fn in_memory(&self, limb: u32) -> bool {
        let stored = matches!(self.emitter.plan.sources[limb as usize], Source::State | Source::Value(_));
        stored && self.emitter.known[limb as usize].is_none()
    }

    /// A limb's contents, if they never change.
    pub(super) fn constant(&self, limb: u32) -> Option<u64> {
        match self.emitter.plan.sources[limb as usize] {
            Source::Zero => Some(0),
            Source::Constant(value) => Some(value),
            Source::State | Source::Value(_) => None,
        }
    }

    /// A limb's contents.
    pub(super) fn get(&mut self, limb: u32) -> Value {
        if let Some(value) = self.emitter.known[limb as usize] {
            return value;
        }
        match self.constant(limb) {
            Some(value) => self.number(value),
            None => self.builder.ins().load(types::I64, MemFlagsData::trusted(), self.limbs, bytes(limb)),
        }
    }

    /// Limbs in a row.
    pub(super) fn get_all(&mut self, first: u32, limbs: u8) -> Vec<Value> {
        (first..first + u32::from(limbs)).map(|limb| self.get(limb)).collect()
    }

    /// From now on in this function the limb's contents are `value`.
    pub(super) fn put(&mut self, limb: u32, value: Value) {
        if self.emitter.known[limb as usize].replace(value).is_none() {
            self.emitter.touched.push(limb);
        }
    }

    /// Stores a finished limb if another function reads it.
    fn keep(&mut self, limb: u32) {
        if self.emitter.plan.stored[limb as usize] {
            let value = self.get(limb);
            self.builder.ins().store(MemFlagsData::trusted(), value, self.limbs, bytes(limb));
        }
    }

    pub(super) fn number(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    /// 0 or 1.
    pub(super) fn compare(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let bit = self.builder.ins().icmp(condition, a, b);
        self.builder.ins().uextend(types::I64, bit)
    }
}

/// Neither copy reads what the other writes.
fn apart(a: Copy, b: Copy) -> bool {
    let meet = |dst: u32, src: u32, written: u32, read: u32| dst < src + read && src < dst + written;
    !meet(a.dst, b.src, a.limbs, b.limbs) && !meet(b.dst, a.src, b.limbs, a.limbs)
}
