//! Events that were lost: nothing concludes that they were not there.

use std::sync::Arc;

use ensue_engine::{Config, ManualClock, Recorded};
use ensue_rule::Timestamp;

use crate::support::{Made, Site, at, file, rule, task, triggered};

fn of(user: &'static str, ts: i64, action: &'static str) -> Made {
    Made { user: Some(user), ..at(ts, action) }
}

#[test]
fn what_was_lost_before_the_first_set_is_a_gap_of_those_who_lost_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { early: 3, ..file(&dir) };
    let mut site = Site::open(config());
    site.engine.ready().unwrap();
    let early =
        [of("u", 1_000, "a"), of("v", 1_000, "a"), of("w", 1_000, "noise"), of("u", 1_001, "n"), of("w", 1_002, "x")];
    let recorded: Vec<Recorded> = early.iter().map(|e| site.record(e)).collect();
    assert_eq!(recorded[2..], [Recorded::Queued, Recorded::Full, Recorded::Full]);
    let absent = |id: &str| task(id, rule("a !n c", 100_000));
    site.apply(vec![absent("t"), triggered("go", absent("back"))]);
    assert_eq!(site.lines(), ["refusal t gap"]);
    assert_eq!(site.engine.stats().dropped, 2);
    for restart in [false, true] {
        if restart {
            site.engine.shutdown();
            site = Site::open(config());
        }
        let ts = if restart { 3_000 } else { 2_000 };
        site.record(&of("u", ts, "c"));
        site.record(&of("v", ts + 1, "c"));
        let v = format!("match t v @{} a=1000 c={}", ts + 1, ts + 1);
        assert_eq!(
            site.lines(),
            if restart { vec![] } else { vec![v] },
            "only u lost something that t might have seen"
        );
        site.record(&of("u", ts + 2, "go"));
        assert_eq!(site.lines(), ["refusal back gap"]);
    }
}

#[test]
fn a_run_that_begins_at_a_time_of_lost_events_cannot_wait_for_an_absence() {
    let dir = tempfile::tempdir().unwrap();
    let lateness = ensue_rule::Duration(5_000);
    let config = || Config { early: 1, lateness, ..file(&dir) };
    for restart in [false, true] {
        let dir_of = tempfile::tempdir().unwrap();
        let config = || Config { place: file(&dir_of).place, ..config() };
        let mut site = Site::open(config());
        site.engine.ready().unwrap();
        site.record(&of("w", 1_000, "noise"));
        assert_eq!(site.record(&of("u", 4_000, "n")), Recorded::Full);
        site.apply(vec![task("absent", rule("a !n c", 100_000)), task("plain", rule("a c", 100_000))]);
        // Out of order, and allowed: whether n came between nobody knows. After the gap all is known again.
        for (ts, action) in [(3_000, "a"), (3_900, "c"), (6_000, "a"), (6_001, "c")] {
            site.record(&of("u", ts, action));
            if restart {
                site.engine.shutdown();
                site = Site::open(config());
            }
        }
        site.engine.advance_to(Timestamp(20_000)).unwrap();
        let expected = [
            "refusal absent gap",
            "match plain u @3900 a=3000 c=3900",
            "match absent u @6001 a=6000 c=6001",
            "match plain u @6001 a=6000 c=6001",
        ];
        let mut told = site.lines();
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected, "restart {restart}");
    }
}

#[test]
fn when_too_many_users_lost_events_all_have_a_gap_also_those_who_come_later() {
    let site = Site::open(Config { early: 1, ..Config::in_memory().replay() });
    site.engine.ready().unwrap();
    let names: Vec<String> = (0..80).map(|n| format!("user{n}")).collect();
    for name in &names {
        let event = ensue_rule::EventRef {
            ts: Some(Timestamp(5_000)),
            action_type: "a",
            user_id: Some(name),
            ..ensue_rule::EventRef::default()
        };
        site.engine.record(&event);
    }
    site.apply(vec![task("absent", rule("a !n", 1_000))]);
    site.lines();
    site.record(&of("new", 4_000, "a"));
    site.record(&of("new", 5_500, "a"));
    site.engine.advance_to(Timestamp(9_000)).unwrap();
    assert_eq!(site.lines(), ["refusal absent gap", "match absent new @6500 a=5500"]);
}

#[test]
fn what_the_host_lost_before_is_a_gap_of_all_up_to_now() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(5_000)));
    let config = || file(&dir).clock(clock.clone());
    let mut site = Site::open(config());
    site.engine.ready().unwrap();
    site.record(&of("u", 4_000, "a"));
    site.engine.lose(3);
    site.apply(vec![task("t", rule("a !n c", 10_000))]);
    assert_eq!(site.wait_for(1), ["refusal t gap"], "it was lost before there were tasks");
    site.record(&of("u", 5_000, "a"));
    site.engine.flush().unwrap();
    clock.set(Timestamp(6_000));
    // Nothing need come behind it for the mark to stand.
    site.engine.lose(1);
    assert_eq!(site.wait_for(1), ["refusal t gap"]);
    site.engine.lose(0);
    assert_eq!(site.engine.stats().dropped, 4);
    site.engine.shutdown();
    site = Site::open(config());
    site.record(&of("u", 6_500, "c"));
    site.record(&of("u", 7_000, "a"));
    site.record(&of("u", 7_500, "c"));
    assert_eq!(site.wait_for(1), ["match t u @7500 a=7000 c=7500"], "what was ended stays so");
    site.engine.opt_out().unwrap();
    site.engine.lose(1);
    assert_eq!(site.engine.stats().dropped, 0, "who opted out leaves no trace");
}
