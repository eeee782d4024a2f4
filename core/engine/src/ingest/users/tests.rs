//! Frontiers, sessions, and who is remembered.

use super::reach::UNDER_WAY;
use super::*;

fn given(users: &Users, user: Option<&str>, ts: i64) -> (i64, i64, u64) {
    let m = users.mark(user, Stamp::Given(Timestamp(ts)), 0);
    assert_eq!(m.user.as_deref(), user);
    (m.before.0, m.device_before.0, m.session)
}

#[test]
fn each_user_has_a_frontier_of_their_own() {
    let users = Users::new(Duration(100), 100);
    assert_eq!(given(&users, Some("a"), 10), (i64::MIN, i64::MIN, 1));
    assert_eq!(given(&users, None, 50), (i64::MIN, 10, 1));
    assert_eq!(given(&users, Some("a"), 5), (10, 50, 1));
    assert_eq!(given(&users, Some("a"), 20), (10, 50, 1));
    assert_eq!(users.events(), 4);
}

#[test]
fn a_pause_longer_than_the_gap_begins_a_session() {
    let users = Users::new(Duration(100), 100);
    let sessions: Vec<u64> = [0, 100, 201, 150, 301, 402].map(|ts| given(&users, Some("a"), ts).2).to_vec();
    assert_eq!(sessions, [1, 1, 2, 2, 2, 3]);
}

#[test]
fn a_stamp_is_never_before_the_frontier() {
    let users = Users::new(Duration(100), 100);
    given(&users, None, 70);
    assert_eq!(users.mark(None, Stamp::Now(Timestamp(60)), 0).ts, Timestamp(70));
    assert_eq!(users.mark(None, Stamp::Now(Timestamp(80)), 0).ts, Timestamp(80));
}

#[test]
fn who_is_forgotten_begins_anew_and_nobody_else() {
    let users = Users::new(Duration(100), 100);
    // One shard: the place of the last is taken by another when one goes.
    for (n, user) in ["a0", "b0", "c0"].into_iter().enumerate() {
        given(&users, Some(user), 10 + i64::try_from(n).unwrap());
    }
    users.remove(Some("a0"));
    users.remove(Some("unknown"));
    assert_eq!(given(&users, Some("c0"), 20), (12, 12, 1));
    assert_eq!(given(&users, Some("b0"), 20), (11, 20, 1));
    assert_eq!(given(&users, Some("a0"), 5), (i64::MIN, 20, 1));
    users.clear();
    assert_eq!(given(&users, Some("b0"), 20), (i64::MIN, i64::MIN, 1));
    assert_eq!(users.events(), 7);
}

#[test]
fn who_was_taken_out_is_new_until_joined_with_what_the_store_remembers() {
    let users = Users::new(Duration(100), 1);
    for (ts, user) in [(10, "a"), (500, "a"), (30, "b"), (20, "c")] {
        given(&users, Some(user), ts);
    }
    let done = UNDER_WAY + 1;
    assert_eq!(users.oldest(1, done), ["c".into(), "b".into()]);
    assert!(users.take("a", UNDER_WAY).is_none(), "an event may be on its way");
    assert!(users.take("a", done).is_none(), "nobody has said yet what came before");
    let newcomer = users.newcomer_of(Some("a")).unwrap();
    users.join(Some("a"), &newcomer, (Timestamp::MIN, 0));
    let reach = users.take("a", done).unwrap();
    assert_eq!((reach.frontier, reach.session), (Timestamp(500), 2));
    assert!(!users.has("a") && users.take("a", done).is_none());
    let again = users.mark(Some("a"), Stamp::Given(Timestamp(550)), 1_000);
    assert_eq!((again.before, again.session), (Timestamp::MIN, 1));
    // The second session goes on. Who was counted before they were put away is not they.
    let past = users.join(Some("a"), &newcomer, (Timestamp(9_000), 7));
    assert_eq!((past.frontier, past.session(1)), (Timestamp::MIN, 1));
    let past = users.join(Some("a"), &again.newcomer.unwrap(), (Timestamp(500), 2));
    assert_eq!((past.frontier, past.session(1)), (Timestamp(500), 2));
    let known = users.mark(Some("a"), Stamp::Given(Timestamp(700)), 1_000);
    assert_eq!((known.before, known.session, known.newcomer.is_none()), (Timestamp(550), 3, true));
}

/// The sessions of events at these times, of a user who had come to 1,000 in their fourth session; what came before is
/// said after `met` of them.
fn sessions(times: &[i64], met: usize, device: i64) -> Vec<u64> {
    let users = Users::new(Duration(100), 1);
    users.know_device();
    given(&users, Some("other"), device);
    let mut marks = Vec::new();
    for (n, ts) in times.iter().enumerate() {
        if n == met {
            let newcomer = users.newcomer_of(Some("a")).unwrap();
            users.join(Some("a"), &newcomer, (Timestamp(1_000), 4));
        }
        marks.push(users.mark(Some("a"), Stamp::Given(Timestamp(*ts)), 0));
    }
    let number = |m: Mark| match m.newcomer {
        Some(newcomer) => users.join(Some("a"), &newcomer, (Timestamp(1_000), 4)).session(m.session),
        None => m.session,
    };
    marks.into_iter().map(number).collect()
}

#[test]
fn a_session_that_only_a_newcomer_would_begin_goes_on() {
    let cases: [(&[i64], &[u64]); 6] = [
        (&[950, 1_060, 1_161], &[4, 4, 5]),
        (&[300, 500, 700, 900, 1_100, 1_201], &[4, 4, 4, 4, 4, 5]),
        (&[300, 500, 400, 1_300, 1_350, 1_500], &[4, 4, 4, 5, 5, 6]),
        (&[1_100, 1_201], &[4, 5]),
        (&[1_101, 1_000, 1_202], &[5, 5, 6]),
        (&[1_100, 1_100, 1_300], &[4, 4, 5]),
    ];
    for (times, expected) in cases {
        for met in 1..=times.len() {
            assert_eq!(sessions(times, met, 1_000), expected, "{times:?}, said after {met}");
            assert_eq!(sessions(times, met, 100_000), expected, "{times:?}, said after {met}");
        }
    }
}

#[test]
fn who_could_not_be_put_away_goes_on_with_what_they_did_since() {
    let users = Users::new(Duration(100), 1);
    given(&users, Some("a"), 1_000);
    given(&users, Some("a"), 950);
    let queued = users.mark(Some("a"), Stamp::Given(Timestamp(1_060)), 0).newcomer.unwrap();
    users.remove(Some("a"));
    let since = [950, 1_060].map(|ts| users.mark(Some("a"), Stamp::Given(Timestamp(ts)), 0));
    users.restore(Some("a"), Timestamp(1_000), 4);
    assert_eq!(given(&users, Some("a"), 1_160), (1_060, 1_060, 4));
    assert_eq!(given(&users, Some("a"), 1_261), (1_160, 1_160, 5));
    for mark in since {
        let newcomer = mark.newcomer.unwrap();
        assert!(!Arc::ptr_eq(&newcomer, &queued));
        assert_eq!(newcomer.past().unwrap().session(mark.session), 4);
    }
    assert_eq!(queued.past(), None);
}

#[test]
fn so_many_sessions_may_prove_to_go_on_and_no_more() {
    let times: Vec<i64> = (0..80).map(|n| n * 101 - 10_000).collect();
    assert_eq!(sessions(&times, 1, 1_000), [4; 80]);
    let counted = sessions(&times, 80, 1_000);
    assert_eq!((counted[64], counted[65], counted[79]), (4, 5, 19));
}

#[test]
fn beyond_many_times_the_limit_nobody_new_is_remembered() {
    let users = Users::new(Duration(100), 2);
    for n in 0..1_000 {
        let mark = users.mark(Some(&format!("u{n}")), Stamp::Given(Timestamp(n)), 0);
        assert_eq!((mark.session, mark.user.unwrap()), (1, format!("u{n}").into()));
    }
    assert_eq!((users.len(), users.events()), (2 * HARD, 1_000));
    assert!(users.is_crowded());
    assert_eq!(given(&users, Some("u0"), 5_000).0, 0);
}

#[test]
fn what_moved_is_told_once() {
    let users = Users::new(Duration(100), 100);
    given(&users, Some("a"), 70);
    given(&users, None, 10);
    let mut moved: Vec<_> = users.take_moved().into_iter().map(|(u, r)| (u, r.frontier.0, r.session)).collect();
    moved.sort();
    assert_eq!(moved, [(None, 10, 1), (Some("a".into()), 70, 1)]);
    given(&users, Some("a"), 60);
    assert!(users.take_moved().is_empty());
}
