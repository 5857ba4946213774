//! Widths of what helpers give, and fields without bits.

use stagecoach_hdl::{Bundle, ModuleBuilder, bundle, index_width};

bundle! {
    /// Two fields, one of which a configuration may leave out.
    pub struct Pair {
        /// May have no bits.
        optional,
        /// Always there.
        always,
    }
}

#[test]
fn a_zero_width_field_has_no_port_and_no_bits() {
    let m = ModuleBuilder::new("narrowed", "");
    let pair = Pair::inputs(&m, "in", &[0, 8]);
    assert_eq!(pair.pack(&m).width(), 8);
    assert_eq!(Pair::unpack(pair.pack(&m), &[0, 8]).optional.width(), 0);
    let equal = pair.optional.equals(pair.optional);
    pair.delay(&m, "stage1").outputs(&m, "out");
    m.output("equal", m.delay("equal", equal));
    let module = m.finish().expect("sound");
    let ports: Vec<_> = module.ports.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(ports, ["in_always", "out_always", "equal"]);

    let parent = ModuleBuilder::new("parent", "");
    let child = parent.instance("child", &module);
    let pair = Pair::inputs(&parent, "in", &[0, 8]);
    pair.connect(&child, "in");
    Pair::of_instance(&child, "out", "child").outputs(&parent, "out");
    parent.output("equal", child.output("equal"));
    parent.finish().expect("zero-width fields connect to absent ports");
}

#[test]
fn helpers_have_the_shapes_they_say() {
    assert_eq!([0u64, 1, 2, 3, 4, 5, 4096].map(index_width), [0, 0, 1, 2, 2, 3, 12]);
    let m = ModuleBuilder::new("shapes", "");
    let word = m.input("word", 5);
    assert_eq!(word.decode(20).width(), 20);
    assert_eq!(word.one_hot_index().width(), 3);
    assert_eq!(word.priority_index().width(), 3);
    assert_eq!(word.add_carry(word).width(), 6);
    assert_eq!(word.sub_with_borrow(word, m.bit(true)).width(), 6);
    assert_eq!(word.repeat(3).width(), 15);
    assert_eq!(word.shifted_up(2).width(), 7);
}
