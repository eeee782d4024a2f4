//! Frontiers, sessions, and who is remembered.

use super::reach::UNDER_WAY;
use super::*;

fn given(users: &Users, user: Option<&str>, ts: i64) -> (i64, i64, u64) {
    let m = users.mark(user, Stamp::Given(Timestamp(ts)), Some(0));
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
    assert_eq!(users.mark(None, Stamp::Now(Timestamp(60)), None).ts, Timestamp(70));
    assert_eq!(users.mark(None, Stamp::Now(Timestamp(80)), None).ts, Timestamp(80));
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
    let reach = users.take("a", done).unwrap();
    assert_eq!((reach.frontier, reach.session, reach.first, reach.joined), (Timestamp(500), 2, Timestamp(10), false));
    assert!(!users.has("a") && users.take("a", done).is_none());
    let again = users.mark(Some("a"), Stamp::Given(Timestamp(550)), None);
    assert_eq!((again.before, again.session, again.first), (Timestamp::MIN, 1, Some(Timestamp(550))));
    // The second session goes on.
    assert!(!users.join(Some("a"), Timestamp(549), (Timestamp(9_000), 7)));
    assert!(users.join(Some("a"), Timestamp(550), (Timestamp(500), 1)));
    assert!(users.join(Some("a"), Timestamp(550), (Timestamp(9_000), 7)));
    let known = users.mark(Some("a"), Stamp::Given(Timestamp(700)), None);
    assert_eq!((known.before, known.session, known.first), (Timestamp(550), 3, None));
}

#[test]
fn beyond_many_times_the_limit_nobody_new_is_remembered() {
    let users = Users::new(Duration(100), 2);
    for n in 0..1_000 {
        let mark = users.mark(Some(&format!("u{n}")), Stamp::Given(Timestamp(n)), Some(0));
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
    assert_eq!(users.take_moved(), []);
}
