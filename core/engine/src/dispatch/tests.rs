//! The controls of touches, one by one and in their order.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::log::StreamKey;
use ensue_rule::{BinaryOp, Cap, Duration, Element, Expr, ExprKind, OutputKind, Pattern, Per, Policy, Rule};

const NOON: Timestamp = Timestamp(1_700_049_600_000); // 2023-11-15T12:00:00Z

fn task(id: &str, policy: Policy) -> Task {
    Task { policy, ..Task::of(id, Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() })) }
}

fn caps(caps: &[(u32, Per, Option<&str>)]) -> Policy {
    let cap = |(limit, per, shared): &(u32, Per, Option<&str>)| Cap {
        shared: shared.map(Arc::from),
        ..Cap::of(*limit, *per)
    };
    Policy { caps: caps.iter().map(cap).collect(), ..Policy::default() }
}

static NAMES: LazyLock<[Arc<str>; 5]> = LazyLock::new(|| ["s", "z", "u", "v", "popup"].map(Arc::from));

fn candidate(task: &Task, at: Timestamp) -> Candidate<'_> {
    Candidate {
        task,
        source: &NAMES[0],
        touch: &NAMES[4],
        user: Some(&NAMES[2]),
        since: at,
        at,
        now: at,
        held: false,
        utc_offset_min: 0,
        session: 1,
        documents: &[],
        install: 0,
    }
}

fn other_source(c: Candidate<'_>) -> Candidate<'_> {
    Candidate { source: &NAMES[1], ..c }
}

fn other_user(c: Candidate<'_>) -> Candidate<'_> {
    Candidate { user: Some(&NAMES[3]), ..c }
}

/// What is remembered of a candidate, under an id of its own.
fn entry(c: &Candidate<'_>) -> LedgerEntry {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let id = IDS.fetch_add(1, Ordering::Relaxed).to_string().into();
    LedgerEntry::of(c, &id, &StreamKey::User(c.user.cloned()))
}

fn note(ledger: &mut Ledger, c: &Candidate<'_>) {
    ledger.note(entry(c));
}

fn after(ms: i64) -> Timestamp {
    NOON.plus(Duration(ms))
}

/// The reason and detail, or nothing where it passes.
fn refusal(ledger: &Ledger, c: &Candidate<'_>) -> Option<(Reason, String)> {
    match judge(c, ledger) {
        Verdict::Pass => None,
        Verdict::Refuse(reason, detail) => Some((reason, detail)),
        Verdict::Hold(until) => panic!("held until {until:?}"),
    }
}

#[test]
fn without_policy_everything_passes() {
    let (mut ledger, t) = (Ledger::default(), task("t", Policy::default()));
    for _ in 0..3 {
        let c = candidate(&t, NOON);
        assert_eq!((judge(&c, &ledger), c.expires_at()), (Verdict::Pass, None));
        note(&mut ledger, &c);
    }
}

#[test]
fn a_task_is_over_at_its_end() {
    let ledger = Ledger::default();
    let t = Task { expires: Some(NOON), ..task("t", Policy::default()) };
    assert_eq!(refusal(&ledger, &candidate(&t, after(-1))), None);
    let expected = Some((Reason::Expired, "the task ended at 2023-11-15T12:00:00Z".to_owned()));
    assert_eq!(refusal(&ledger, &candidate(&t, NOON)), expected);
    let late = Candidate { now: NOON, ..candidate(&t, after(-1)) };
    assert_eq!(refusal(&ledger, &late), expected, "judged after the end");
}

#[test]
fn a_decision_is_good_for_its_ttl() {
    let ledger = Ledger::default();
    let t = task("t", Policy { ttl: Some(Duration::MINUTE), ..Policy::default() });
    let fresh = Candidate { now: after(59_999), ..candidate(&t, NOON) };
    assert_eq!((judge(&fresh, &ledger), fresh.expires_at()), (Verdict::Pass, Some(after(60_000))));
    let stale = Candidate { now: after(60_000), ..candidate(&t, NOON) };
    let detail = "the decision was good for 1m, until 2023-11-15T12:01:00Z".to_owned();
    assert_eq!(
        (judge(&stale, &ledger), stale.expires_at()),
        (Verdict::Refuse(Reason::Ttl, detail), Some(after(60_000)))
    );
}

#[test]
fn a_cooldown_is_over_when_it_is_over() {
    let (mut ledger, t) =
        (Ledger::default(), task("t", Policy { cooldown: Some(Duration::HOUR), ..Policy::default() }));
    note(&mut ledger, &candidate(&t, NOON));
    let detail = "cooldown of 1h after the decision at 2023-11-15T12:00:00Z, until 2023-11-15T13:00:00Z".to_owned();
    assert_eq!(refusal(&ledger, &candidate(&t, after(3_599_999))), Some((Reason::Cooldown, detail)));
    assert_eq!(refusal(&ledger, &candidate(&t, after(3_600_000))), None);
}

#[test]
fn users_tasks_and_sources_cool_down_apart() {
    let policy = Policy { cooldown: Some(Duration::HOUR), ..Policy::default() };
    let (mut ledger, t, other) = (Ledger::default(), task("t", policy.clone()), task("other", policy));
    note(&mut ledger, &candidate(&t, NOON));
    assert_eq!(refusal(&ledger, &other_user(candidate(&t, NOON))), None);
    assert_eq!(refusal(&ledger, &Candidate { user: None, ..candidate(&t, NOON) }), None);
    assert_eq!(refusal(&ledger, &other_source(candidate(&t, NOON))), None);
    assert_eq!(refusal(&ledger, &candidate(&other, NOON)), None);
    assert!(refusal(&ledger, &candidate(&t, NOON)).is_some());
}

#[test]
fn a_cap_over_a_span_slides() {
    let (mut ledger, t) = (Ledger::default(), task("t", caps(&[(2, Per::Span(Duration::MINUTE), None)])));
    note(&mut ledger, &candidate(&t, NOON));
    note(&mut ledger, &candidate(&t, after(20_000)));
    let detail = "caps[0]: 2 of 2 in the last 1m, until 2023-11-15T12:01:00Z".to_owned();
    assert_eq!(refusal(&ledger, &candidate(&t, after(59_999))), Some((Reason::Cap, detail)));
    assert_eq!(refusal(&ledger, &candidate(&t, after(60_000))), None);
    note(&mut ledger, &candidate(&t, after(60_000)));
    let (_, detail) = refusal(&ledger, &candidate(&t, after(60_000))).unwrap();
    assert!(detail.ends_with("until 2023-11-15T12:01:20Z"), "{detail}");
}

#[test]
fn a_cap_over_a_day_is_by_the_local_calendar() {
    let (mut ledger, t) = (Ledger::default(), task("t", caps(&[(1, Per::Day, None)])));
    let in_china = |at| Candidate { utc_offset_min: 480, ..candidate(&t, at) };
    note(&mut ledger, &in_china(NOON)); // 20:00 local
    let detail = "caps[0]: 1 of 1 in this local day, until 2023-11-15T16:00:00Z".to_owned();
    assert_eq!(refusal(&ledger, &in_china(after(4 * 3_600_000 - 1))), Some((Reason::Cap, detail)));
    assert_eq!(refusal(&ledger, &in_china(after(4 * 3_600_000))), None, "local midnight");
    let west = Candidate { utc_offset_min: -300, ..candidate(&t, after(12 * 3_600_000)) };
    assert!(refusal(&ledger, &west).is_some(), "still the fifteenth in New York");
}

#[test]
fn a_cap_of_nothing_lets_nothing_through() {
    for per in [Per::Day, Per::Span(Duration::DAY)] {
        let t = task("t", caps(&[(0, per, None)]));
        let (reason, detail) = refusal(&Ledger::default(), &candidate(&t, NOON)).unwrap();
        assert_eq!(reason, Reason::Cap);
        assert!(detail.ends_with("never lets one through"), "{detail}");
    }
}

#[test]
fn a_shared_cap_counts_every_task_of_that_name() {
    let shared = caps(&[(5, Per::Day, None), (2, Per::Span(Duration::DAY), Some("promo"))]);
    let (mut ledger, a, b) = (Ledger::default(), task("a", shared.clone()), task("b", shared));
    let alone = task("c", caps(&[(2, Per::Span(Duration::DAY), None)]));
    note(&mut ledger, &candidate(&a, NOON));
    note(&mut ledger, &other_source(candidate(&b, NOON)));
    note(&mut ledger, &candidate(&alone, NOON));
    let detail = "caps[1]: 2 of 2 of `promo` in the last 1d, until 2023-11-16T12:00:00Z".to_owned();
    assert_eq!(refusal(&ledger, &candidate(&a, NOON)), Some((Reason::Cap, detail)));
    assert_eq!(refusal(&ledger, &candidate(&alone, NOON)), None);
}

#[test]
fn a_name_that_two_caps_share_counts_a_decision_once() {
    let policy = caps(&[(3, Per::Day, Some("p")), (2, Per::Span(Duration::HOUR), Some("p"))]);
    let (mut ledger, t) = (Ledger::default(), task("t", policy));
    note(&mut ledger, &candidate(&t, NOON));
    assert_eq!(refusal(&ledger, &candidate(&t, NOON)), None);
}

#[test]
fn the_first_control_in_order_gives_the_reason() {
    let policy = Policy { ttl: Some(Duration::SECOND), cooldown: Some(Duration::HOUR), ..caps(&[(0, Per::Day, None)]) };
    let mut ledger = Ledger::default();
    let mut t = Task { expires: Some(after(5_000)), ..task("t", policy) };
    note(&mut ledger, &candidate(&t, NOON));
    let reason = |t: &Task, now| refusal(&ledger, &Candidate { now, ..candidate(t, NOON) }).map(|(reason, _)| reason);
    assert_eq!(reason(&t, after(5_000)), Some(Reason::Expired));
    assert_eq!(reason(&t, after(1_000)), Some(Reason::Ttl));
    assert_eq!(reason(&t, NOON), Some(Reason::Cooldown));
    t.policy.cooldown = None;
    assert_eq!(reason(&t, NOON), Some(Reason::Cap));
}

#[test]
fn the_store_gives_back_what_was_noted() {
    let policy = Policy { cooldown: Some(Duration::HOUR), ..caps(&[(1, Per::Day, Some("p"))]) };
    let (t, mut restored) = (task("t", policy), Ledger::default());
    restored.restore(vec![entry(&candidate(&t, NOON))]);
    let mut noted = Ledger::default();
    note(&mut noted, &candidate(&t, NOON));
    for at in [NOON, after(3_600_000), after(24 * 3_600_000)] {
        assert_eq!(judge(&candidate(&t, at), &restored), judge(&candidate(&t, at), &noted));
    }
}

#[test]
fn what_the_store_gives_back_late_stands_before_what_was_noted_since() {
    let policy = Policy { cooldown: Some(Duration::HOUR), ..Policy::default() };
    let (mut ledger, t) = (Ledger::default(), task("t", policy));
    note(&mut ledger, &candidate(&t, after(3_600_000)));
    assert!(!ledger.is_whole());
    ledger.restore([NOON, after(3_600_000)].map(|at| entry(&candidate(&t, at))).into());
    assert!(ledger.is_whole());
    let (_, detail) = refusal(&ledger, &candidate(&t, after(3_600_001))).unwrap();
    assert!(detail.contains("13:00"), "the later one is the last: {detail}");
}

#[test]
fn what_was_decided_lately_is_in_the_ledger_when_that_is_asked() {
    let t = task("t", Policy { cooldown: Some(Duration::HOUR), ..Policy::default() });
    let mut daybook = Daybook::default();
    daybook.note(entry(&candidate(&t, NOON)));
    assert!(refusal(daybook.ledger(), &candidate(&t, after(1))).is_some());
    daybook.note(entry(&candidate(&t, after(3_600_000))));
    daybook.post();
    let (_, detail) = refusal(daybook.ledger(), &candidate(&t, after(3_600_001))).unwrap();
    assert!(detail.contains("13:00"), "{detail}");
}

#[test]
fn a_policy_looks_back_if_some_control_does() {
    let ttl = Some(Duration::SECOND);
    let none = [
        Policy::default(),
        Policy { ttl, ..Policy::default() },
        Policy { holdout: ensue_rule::Share(10), ..Policy::default() },
    ];
    for policy in none {
        assert!(!looks_back(&policy, &[]), "{policy:?}");
    }
    let some = [
        Policy { cooldown: Some(Duration::HOUR), ..Policy::default() },
        Policy { exclusive: Some("g".into()), ..Policy::default() },
        Policy { backoff: vec![ensue_rule::Backoff::Adaptive], ..Policy::default() },
        caps(&[(1, Per::Session, None)]),
    ];
    for policy in some {
        assert!(looks_back(&policy, &[]), "{policy:?}");
    }
    for all in [
        TouchPolicy { one_per_moment: true, ..TouchPolicy::default() },
        TouchPolicy { min_gap: Some(Duration::HOUR), ..TouchPolicy::default() },
    ] {
        assert!(looks_back(&Policy::default(), &[("s".into(), all)]));
    }
}

#[test]
fn what_is_pruned_counts_no_more() {
    let policy = caps(&[(1, Per::Span(Duration(i64::MAX)), None), (9, Per::Day, Some("p"))]);
    let (mut ledger, t) = (Ledger::default(), task("t", policy));
    note(&mut ledger, &candidate(&t, NOON));
    ledger.prune(Duration(0), |_| NOON);
    assert!(refusal(&ledger, &candidate(&t, NOON)).is_some());
    ledger.prune(Duration(0), |_| after(1));
    assert_eq!(refusal(&ledger, &candidate(&t, NOON)), None);
    assert_eq!(format!("{ledger:?}"), format!("{:?}", Ledger::default()), "nothing is left behind");
}

#[test]
fn a_session_of_many_days_is_one() {
    let (mut ledger, t) = (Ledger::default(), task("t", caps(&[(1, Per::Session, None)])));
    let of_session = |at| Candidate { session: 4, ..candidate(&t, at) };
    note(&mut ledger, &of_session(NOON));
    let later = after(8 * 24 * 3_600_000);
    assert_eq!(refusal(&ledger, &of_session(later)).map(|(reason, _)| reason), Some(Reason::Cap));
    assert_eq!(refusal(&ledger, &Candidate { session: 5, ..of_session(later) }), None);
}

#[test]
fn what_was_shown_since_or_keeps_a_place_is_not_pruned() {
    let shown = Cap { count: ensue_rule::Counted::Shown, ..Cap::of(1, Per::Span(Duration::HOUR)) };
    let policy = Policy { caps: vec![shown], ttl: Some(Duration::DAY), ..Policy::default() };
    let (mut ledger, t) = (Ledger::default(), task("t", policy.clone()));
    let made = entry(&candidate(&t, NOON));
    ledger.note(made.clone());
    ledger.answer(&made.id, crate::feedback::FeedbackKind::Shown, Some(after(7_200_000)), |_| NOON).unwrap();
    ledger.prune(Duration::HOUR, |_| after(2 * 3_600_000));
    assert!(refusal(&ledger, &candidate(&t, after(2 * 3_600_000 + 1))).is_some());
    let (mut ledger, g) = (Ledger::default(), task("g", Policy { exclusive: Some("g".into()), ..policy }));
    note(&mut ledger, &candidate(&g, NOON));
    ledger.prune(Duration(0), |_| after(24 * 3_600_000 - 1));
    let other = Task { id: "other".into(), ..g.clone() };
    let reason = |at| refusal(&ledger, &candidate(&other, at)).map(|(reason, _)| reason);
    assert_eq!((reason(after(1)), reason(after(24 * 3_600_000))), (Some(Reason::Exclusive), None));
}

fn output(on: On, when: Option<Expr>) -> Output {
    Output { on, when, kind: OutputKind::Touch { touch: "x".into(), payload: Value::Null } }
}

#[test]
fn outputs_open_by_occasion_and_when() {
    let value = |name: &str| Expr::from(ExprKind::Value(name.into()));
    let few = Expr::binary(BinaryOp::Lt, value("views"), Expr::literal(10));
    let mut t = task("t", Policy::default());
    let many = few.clone().negate();
    t.outputs = vec![
        output(On::Match, None),
        output(On::Timeout, None),
        output(On::Match, Some(few)),
        output(On::Match, Some(many)),
        output(On::Match, Some(value("views"))),
    ];
    let open = |on, views: i64| -> Vec<usize> {
        open_outputs(&t, on, &[("views".into(), views.into())]).into_iter().map(|(i, _)| i).collect()
    };
    assert_eq!(open(On::Match, 3), [0, 2]);
    assert_eq!(open(On::Match, 30), [0, 3]);
    assert_eq!(open(On::Timeout, 3), [1]);
}
