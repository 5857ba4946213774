//! Random expression graphs in the native simulator against arithmetic on big integers.

use num_bigint::BigUint;
use proptest::prelude::*;
use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_hdl::{ModuleBuilder, Signal};

/// One random step of a graph: an operator and where it finds its operands.
#[derive(Clone, Debug)]
struct Step {
    operator: u8,
    picks: [u16; 4],
    width: u32,
    constant: Vec<u32>,
}

fn step() -> impl Strategy<Value = Step> {
    let width = prop_oneof![1u32..=8, 55u32..=70, 1u32..=300, 120u32..=136];
    (any::<u8>(), any::<[u16; 4]>(), width, prop::collection::vec(any::<u32>(), 10))
        .prop_map(|(operator, picks, width, constant)| Step { operator, picks, width, constant })
}

fn cut(value: &BigUint, width: u32) -> BigUint {
    value % (BigUint::from(1u32) << width)
}

fn integer(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64) | BigUint::from(*limb))
}

fn bit(value: bool) -> BigUint {
    BigUint::from(u32::from(value))
}

/// A signal and the value that it must have.
#[derive(Clone)]
struct Pair<'m>(Signal<'m>, BigUint);

impl<'m> Pair<'m> {
    /// The same value in another width, by slicing or extending.
    fn fit(&self, width: u32) -> Pair<'m> {
        if width <= self.0.width() {
            Pair(self.0.low(width), cut(&self.1, width))
        } else {
            Pair(self.0.zero_extend(width), self.1.clone())
        }
    }
}

/// Adds the value that `step` describes, of the values so far.
fn apply<'m>(m: &'m ModuleBuilder, values: &[Pair<'m>], step: &Step, position: usize) -> Pair<'m> {
    let pick = |n: usize| values[usize::from(step.picks[n]) % values.len()].clone();
    let a = pick(0);
    let width = a.0.width();
    let b = pick(1).fit(width);
    let ones = (BigUint::from(1u32) << width) - 1u32;
    let modulus = BigUint::from(1u32) << width;
    match step.operator % 27 {
        0 => Pair(!a.0, &ones ^ &a.1),
        1 => Pair(a.0 & b.0, &a.1 & &b.1),
        2 => Pair(a.0 | b.0, &a.1 | &b.1),
        3 => Pair(a.0 ^ b.0, &a.1 ^ &b.1),
        4 => Pair(a.0 + b.0, (&a.1 + &b.1) % modulus),
        5 => Pair(a.0 - b.0, (&a.1 + &modulus - &b.1) % modulus),
        6 => Pair(a.0.equals(b.0), bit(a.1 == b.1)),
        7 => Pair(a.0.differs(b.0), bit(a.1 != b.1)),
        8 => Pair(a.0.less_than(b.0), bit(a.1 < b.1)),
        9 => Pair(a.0.at_most(b.0), bit(a.1 <= b.1)),
        10 | 11 => {
            let amount = pick(1).fit(1 + u32::from(step.picks[2]) % 10);
            let distance: u32 = (&amount.1).try_into().expect("ten bits");
            if step.operator % 27 == 10 {
                Pair(a.0.shift_left(amount.0), cut(&(&a.1 << distance), width))
            } else {
                Pair(a.0.shift_right(amount.0), &a.1 >> distance)
            }
        }
        12 => Pair(a.0.all(), bit(a.1 == ones)),
        13 => Pair(a.0.any(), bit(a.1 != BigUint::ZERO)),
        14 => Pair(a.0.parity(), bit(a.1.count_ones() % 2 == 1)),
        15 | 16 => {
            let condition = pick(2).fit(1);
            let value = if condition.1 == BigUint::ZERO { &b.1 } else { &a.1 }.clone();
            Pair(condition.0.select(a.0, b.0), value)
        }
        17 | 18 => {
            let low = u32::from(step.picks[1]) % width;
            let width = 1 + u32::from(step.picks[2]) % (width - low);
            Pair(a.0.bits(low..low + width), cut(&(&a.1 >> low), width))
        }
        19 | 20 => {
            let (b, c) = (pick(1), pick(2));
            if width + b.0.width() + c.0.width() > 700 {
                return a;
            }
            let value = (&a.1 << (b.0.width() + c.0.width())) | (&b.1 << c.0.width()) | &c.1;
            Pair(m.concat(&[a.0, b.0, c.0]), value)
        }
        21 => {
            let count = 1 + u32::from(step.picks[1]) % 80;
            let one = a.fit(1);
            let value =
                if one.1 == BigUint::ZERO { BigUint::ZERO } else { (BigUint::from(1u32) << count) - 1u32 };
            Pair(one.0.repeat(count), value)
        }
        22 => {
            let condition = pick(2).fit(1);
            let value = if condition.1 == BigUint::ZERO { BigUint::ZERO } else { a.1.clone() };
            Pair(a.0.gated_by(condition.0) | b.0, value | b.1)
        }
        23 => {
            let value = cut(&BigUint::new(step.constant.clone()), step.width);
            Pair(m.constant(step.width, value.clone()), value)
        }
        24 => {
            // Bits and comparisons gathered, then reduced: what a CAM is made of.
            let others: Vec<_> = (0..4).map(|n| pick(n).fit(width)).collect();
            let bits: Vec<_> = others.iter().map(|other| a.0.equals(other.0)).collect();
            let value = others.iter().fold(BigUint::ZERO, |value, other| (value << 1) | bit(a.1 == other.1));
            Pair(m.concat(&bits), value)
        }
        25 => {
            // Chunks of two values compared side by side, in either order.
            let chunk = 1 + u32::from(step.picks[2]) % 20;
            let other =
                if step.picks[3].is_multiple_of(2) { b.clone() } else { Pair(a.0 ^ b.0, &a.1 ^ &b.1) };
            let mut lows: Vec<_> = (0..width).step_by(chunk as usize).collect();
            if step.picks[3].is_multiple_of(3) {
                lows.reverse();
            }
            let (mut bits, mut value) = (Vec::new(), BigUint::ZERO);
            for low in lows {
                let high = (low + chunk).min(width);
                bits.push(a.0.bits(low..high).equals(other.0.bits(low..high)));
                let part = |value: &BigUint| cut(&(value >> low), high - low);
                value = (value << 1) | bit(part(&a.1) == part(&other.1));
            }
            Pair(m.concat(&bits), value)
        }
        _ => Pair(a.0.named(format!("named{position}")), a.1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn operators_mean_what_integers_say(
        inputs in prop::collection::vec((step(), any::<u8>()), 1..5),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let m = ModuleBuilder::new("expressions", "");
        let mut values = Vec::new();
        let mut stimuli = Vec::new();
        for (number, (input, kind)) in inputs.iter().enumerate() {
            let mut value = cut(&BigUint::new(input.constant.clone()), input.width);
            if kind % 4 == 0 {
                value = (BigUint::from(1u32) << input.width) - 1u32;
            }
            stimuli.push(value.clone());
            values.push(Pair(m.input(&format!("input{number}"), input.width), value));
        }
        for (position, step) in steps.iter().enumerate() {
            let value = apply(&m, &values, step, position);
            values.push(value);
        }
        // Few outputs, so that most values have one user and operations are fused.
        let mut expected = Vec::new();
        for (number, value) in values.iter().enumerate() {
            if number + 1 < values.len() && number % 7 != 0 {
                m.unused(value.0);
                continue;
            }
            let name = format!("o{number}");
            m.output(&name, value.0);
            for input in 0..inputs.len() {
                m.combinational_path(&format!("input{input}"), &name);
            }
            expected.push((name, value.1.clone()));
        }
        drop(values);
        let module = m.finish().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut simulator = Simulator::new(&module, Options::default());
        for (number, value) in stimuli.iter().enumerate() {
            let input = simulator.input(&format!("input{number}")).expect("a port");
            simulator.set_wide(input, &value.to_u64_digits());
        }
        for (name, expected) in expected {
            let output = simulator.output(&name).expect("a port");
            prop_assert_eq!(integer(simulator.get_wide(output)), expected.clone(), "{}", name);
            prop_assert_eq!(simulator.peek(&name), Some(expected), "{}", name);
        }
    }
}
