//! The mutation campaign itself: it leaves nothing out, finds what it should, and says what it found.

use std::collections::HashSet;
use std::time::Duration;

use stagecoach_cosim::mutation::explained::ExplainedError;
use stagecoach_cosim::mutation::report::Campaign;
use stagecoach_cosim::mutation::{
    Effort, Explained, Finding, Kind, Pool, Subject, Trial, choice, trial, try_all,
};
use stagecoach_hdl::mutate::Rule;
use stagecoach_spec::Cam;

fn pool() -> Pool {
    Pool::new(1, 1, None).expect("both configurations can be described")
}

fn find<'p>(pool: &'p Pool, rule: Rule, place: &str) -> &'p Subject {
    let found = pool.subjects.iter().find(|subject| {
        subject.mutation().rule == rule && subject.place() == place && subject.sites[0].0 == 0
    });
    found.unwrap_or_else(|| panic!("no {rule} of {place}"))
}

#[test]
fn a_choice_has_every_rule_module_and_kind_and_is_the_same_again() {
    let pool = pool();
    let chosen = choice::choose(&pool, 10, 1, |_| true);
    let rules = |subjects: &[&Subject]| -> HashSet<Rule> {
        subjects.iter().map(|subject| subject.mutation().rule).collect()
    };
    let modules = |subjects: &[&Subject]| -> HashSet<String> {
        subjects.iter().map(|subject| subject.mutation().module.clone()).collect()
    };
    let kinds = |subjects: &[&Subject]| -> HashSet<Kind> {
        subjects.iter().filter_map(|subject| Kind::of(subject.mutation())).collect()
    };
    let all: Vec<&Subject> = pool.subjects.iter().collect();
    assert_eq!(rules(&chosen), rules(&all));
    assert_eq!(modules(&chosen), modules(&all));
    assert_eq!(kinds(&chosen), kinds(&all));
    assert!(rules(&all).len() > 20 && chosen.len() < 60, "{} rules, {}", rules(&all).len(), chosen.len());
    let words = |subjects: &[&Subject]| -> Vec<String> {
        subjects.iter().map(|subject| subject.mutation().to_string()).collect()
    };
    assert_eq!(words(&chosen), words(&choice::choose(&pool, 10, 1, |_| true)));
    assert_ne!(words(&chosen), words(&choice::choose(&pool, 10, 2, |_| true)));
}

#[test]
fn mistakes_of_several_kinds_are_caught_at_the_ports() {
    let pool = pool();
    let cases = [
        (Rule::SliceShifted, "mapping_update_check.page_frames"),
        (Rule::StageLater, "mapping_slot.slot2_tag"),
        (Rule::WriteNever, "mapping_region.region_memory0"),
        (Rule::EnableStuck, "mapping_scan.free_entry"),
    ];
    for (rule, place) in cases {
        let subject = find(&pool, rule, place);
        let play = || trial::resume(&pool, subject, Trial::default(), Duration::from_secs(60));
        let catch = play().expect("the sound design passes").catch;
        let catch = catch.unwrap_or_else(|| panic!("{rule} of {place} survived"));
        let is_at_the_ports = !matches!(catch.finding, Finding::Broken | Finding::Assertion);
        assert!(is_at_the_ports && catch.cycle > 0, "{rule} of {place}: {catch:?}");
        assert_eq!(play().expect("the sound design passes").catch, Some(catch), "it is the same again");
    }
}

/// Stage `binding` of either kind of CAM: the session finds what is wrong in it.
#[test]
fn mistakes_in_either_kind_of_cam_are_caught() {
    let cases = [
        (Cam::Register, Rule::ReductionSwapped, "match0"),
        (Cam::Register, Rule::EnableStuck, "entry1_net_id"),
        (Cam::Cuckoo, Rule::WriteNever, "way2_memory"),
        (Cam::Cuckoo, Rule::SelectStuck, "way2_place"),
        (Cam::Cuckoo, Rule::EnableStuck, "seed2"),
    ];
    for (cam, rule, place) in cases {
        let pool = Pool::new(1, 0, Some(cam)).expect("preset tiny has either kind");
        let subject = find(&pool, rule, &format!("mapping_binding.{place}"));
        let trial = trial::resume(&pool, subject, Trial::default(), Duration::from_secs(60));
        let catch = trial.expect("the sound design passes").catch;
        assert!(catch.is_some(), "{cam:?}: {rule} of {place} survived");
    }
}

#[test]
fn a_survivor_fails_the_campaign_unless_it_is_explained() {
    let pool = pool();
    let subjects = [find(&pool, Rule::WriteNever, "mapping_region.region_memory0")];
    let no_time = Effort { total: Duration::ZERO, threads: 1 };
    let play = |list: &str| {
        let explained = Explained::parse(list, "list").expect("a list");
        let trials = try_all(&pool, &subjects, &explained, no_time, |_, _| {}).expect("nothing is played");
        let campaign = Campaign {
            pool: &pool,
            subjects: &subjects,
            trials: &trials,
            explained: &explained,
            command: "again",
        };
        (campaign.unexplained().len(), campaign.markdown())
    };
    let (unexplained, page) = play("");
    assert_eq!(unexplained, 1);
    assert!(page.contains("| **nothing** |") && page.contains("**not explained**"), "{page}");
    let entry = "[[survivor]]\nrule = 'write-never'\nplace = 'mapping_region.*'\nreason = 'for this test'";
    let (unexplained, page) = play(entry);
    assert_eq!(unexplained, 0);
    assert!(page.contains("for this test") && page.contains("1 survived with a reason"), "{page}");
    assert_eq!(play(&entry.replace("write-never", "write-late")).0, 1, "another rule is not meant");
    assert_eq!(play(&format!("{entry}\nchange = 'elsewhere'")).0, 1, "another change is not meant");
}

#[test]
fn a_list_is_refused_where_it_means_nothing() {
    let refused = |text: &str| match Explained::parse(text, "list.toml") {
        Err(error @ (ExplainedError::Form { .. } | ExplainedError::Entry { .. })) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    let entry = "[[survivor]]\nrule = 'write-late'\nplace = 'nowhere.at_all'\nreason = 'why'";
    assert!(refused(&entry.replace("write-late", "write-slow")).contains("`write-slow`"));
    assert!(refused(&entry.replace("'why'", "' '")).contains("no reason"));
    assert!(refused(&entry.replace("reason", "because")).contains("because"));
    let list = Explained::parse(entry, "list.toml").expect("a list");
    assert_eq!(list.stale(&pool()).len(), 1, "there is no such place");
}

#[test]
fn the_committed_list_is_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/mutations.toml");
    Explained::read(path.as_ref()).expect("the list can be read");
}
