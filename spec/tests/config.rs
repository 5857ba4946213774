//! Every way in which a configuration can be wrong, and the widths of right ones.

use stagecoach_spec::{Config, ConfigError, Preset, Stages};

fn refuse(text: &str) -> ConfigError {
    match Config::from_toml(text, "mine.toml") {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error,
    }
}

/// The field that a refusal blames, after checking that the text names file, field and value.
fn blamed(text: &str, value: &str) -> &'static str {
    let error = refuse(text);
    let words = error.to_string();
    assert!(words.starts_with("mine.toml: "), "{words}");
    assert!(words.contains("allowed"), "{words}");
    assert!(words.contains(value), "{words}");
    match error {
        ConfigError::In { error, .. } => match *error {
            ConfigError::Range { field, .. } | ConfigError::Combination { field, .. } => field,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_number_has_its_range() {
    let ranges: [(&str, u64, u64); 9] = [
        ("net_id_bits", 1, 160),
        ("bindings", 1, 4096),
        ("tables", 1, 4096),
        ("regions", 1, 1 << 24),
        ("slots", 1, 1 << 24),
        ("pd_bits", 0, 32),
        ("stream_bits", 0, 32),
        ("tag_bits", 0, 32),
        ("physical_address_bits", 30, 64),
    ];
    for (field, low, high) in ranges {
        for good in [low, high] {
            let text = format!("{field} = {good}");
            assert!(Config::from_toml(&text, "mine.toml").is_ok(), "{text}");
        }
        assert_eq!(blamed(&format!("{field} = {}", high + 1), &(high + 1).to_string()), field);
        if low == 1 {
            assert_eq!(blamed(&format!("{field} = 0"), "0"), field);
        }
    }
    assert_eq!(blamed("physical_address_bits = 12\npage_shifts = [12]", "12"), "physical_address_bits");
    assert!(Config::from_toml("physical_address_bits = 13\npage_shifts = [12]", "mine.toml").is_ok());
}

#[test]
fn request_bytes_are_a_power_of_two() {
    for bad in [0, 32, 63, 65, 4095, 131072] {
        assert_eq!(blamed(&format!("max_request_bytes = {bad}"), &bad.to_string()), "max_request_bytes");
    }
    for good in [64, 65536] {
        assert!(Config::from_toml(&format!("max_request_bytes = {good}"), "mine.toml").is_ok());
    }
}

#[test]
fn page_shifts_ascend_from_12_to_30() {
    for bad in ["[]", "[13]", "[12, 12]", "[12, 21, 16]", "[12, 31]", "[11, 12]"] {
        assert_eq!(blamed(&format!("page_shifts = {bad}"), bad), "page_shifts");
    }
    let too_many: Vec<u32> = (12..=28).collect();
    assert_eq!(blamed(&format!("page_shifts = {too_many:?}"), "at most 16"), "page_shifts");
    assert!(Config::from_toml("page_shifts = [12]", "mine.toml").is_ok());
    assert!(Config::from_toml(&format!("page_shifts = {:?}", &too_many[..16]), "mine.toml").is_ok());
}

#[test]
fn a_page_bigger_than_memory_is_impossible() {
    let error = refuse("physical_address_bits = 29").to_string();
    assert!(error.contains("[12, 16, 21, 30]") && error.contains("physical_address_bits = 29"), "{error}");
    assert!(Config::from_toml("physical_address_bits = 29\npage_shifts = [12, 21]", "mine.toml").is_ok());
}

#[test]
fn limits_of_what_issue_spans_and_pools_have() {
    for (field, bad) in [("max_in_flight", [0, 65_537]), ("dirty_words", [0, 1 << 20 | 1])] {
        for value in bad {
            assert_eq!(blamed(&format!("{field} = {value}"), &value.to_string()), field);
        }
    }
    for bad in [1, 3, 96, 512] {
        assert_eq!(blamed(&format!("fault_log_entries = {bad}"), "power of two"), "fault_log_entries");
    }
    for good in
        ["fault_log_entries = 0", "fault_log_entries = 256", "protection = \"secded\"", "target = \"ecp5\""]
    {
        assert!(Config::from_toml(good, "mine.toml").is_ok(), "{good}");
    }
}

#[test]
fn names_are_file_names() {
    for bad in ["", "Mine", "a b", "9lives", "a/b", "abcdefghijklmnopqrstuvwxyzabcdefg"] {
        assert_eq!(blamed(&format!("name = \"{bad}\""), bad), "name");
    }
    assert!(Config::from_toml("name = \"mine_2\"", "mine.toml").is_ok());
}

#[test]
fn text_that_is_not_a_configuration_names_file_and_line() {
    let cases = [
        ("tables = ", "line 1"),
        ("tables = 4\ntabels = 5", "line 2"),
        ("tables = -1", "-1"),
        ("tables = \"many\"", "many"),
        ("cam = \"magic\"", "magic"),
        ("frame_windows = \"shared\"", "shared"),
        ("protection = \"prayer\"", "prayer"),
        ("target = \"abacus\"", "abacus"),
    ];
    for (text, words) in cases {
        let error = refuse(text);
        assert!(matches!(error, ConfigError::Syntax { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.starts_with("mine.toml: ") && said.contains(words), "{said}");
    }
}

#[test]
fn a_configuration_survives_its_file() {
    for preset in Preset::all() {
        let config = preset.config();
        // The kind of CAM that was chosen is written out.
        let resolved = Config { cam: Some(config.cam_kind()), ..config.clone() };
        assert_eq!(Config::from_toml(&config.to_toml(), "again"), Ok(resolved));
    }
}

#[test]
fn widths_follow_from_sizes() {
    let roce = Preset::Roce.config();
    assert_eq!(
        (roce.table_bits(), roce.binding_bits(), roce.region_bits(), roce.slot_bits()),
        (6, 6, 12, 14)
    );
    assert_eq!((roce.region_count_bits(), roce.slot_count_bits()), (13, 15));
    assert_eq!((roce.frame_bits(), roce.frame_count_bits()), (36, 37));
    assert_eq!((roce.length_bits(), roce.span_bits(), roce.max_spans()), (13, 13, 2));
    assert_eq!((roce.page_size_bits(), roce.max_page_shift(), roce.position_bits()), (2, 30, 44));
    assert_eq!(
        (roce.page_size_index(21), roce.page_size_index(13), roce.page_shift(3)),
        (Some(2), None, Some(30))
    );
    assert_eq!(roce.page_shift(4), None);

    let odd = Config::from_toml(
        "tables = 1\nbindings = 3\nregions = 5\nslots = 7\npage_shifts = [12]\nmax_request_bytes = 64",
        "odd.toml",
    )
    .unwrap();
    assert_eq!((odd.table_bits(), odd.binding_bits(), odd.region_bits(), odd.slot_bits()), (1, 2, 3, 3));
    assert_eq!((odd.region_count_bits(), odd.slot_count_bits(), odd.page_size_bits()), (3, 3, 0));
    assert_eq!((odd.length_bits(), odd.span_bits(), odd.max_spans()), (7, 7, 2));

    let long = Config { max_request_bytes: 65536, ..Config::default() };
    assert_eq!((long.length_bits(), long.span_bits(), long.max_spans()), (17, 13, 17));
    assert!(Stages::of(&long).first_beat() > 0);
}
