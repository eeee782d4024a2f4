use super::*;
use crate::feedback::FeedbackKind;

fn event(user: &str, ts: i64) -> Box<Queued> {
    Queued::of(Event { user_id: Some(user.into()), ..Event::default() }, ts)
}

fn kinds(queue: &Queue, limit: usize) -> Vec<String> {
    let mut items = Vec::new();
    queue.take(limit, Some(Span::ZERO), &mut items);
    let kind = |i: &Item| match i {
        Item::Event(q) => q.ts.0.to_string(),
        Item::Gap(lost) => format!("gap {:?} {:?}", lost.users.values().collect::<Vec<_>>(), lost.everyone),
        Item::Feedback(f) => f.kind.to_string(),
        Item::Command(_) => "command".to_owned(),
    };
    items.iter().map(kind).collect()
}

#[test]
fn the_newest_is_dropped_and_its_place_marked() {
    let queue = Queue::new(0);
    queue.turn(1, 2, || {});
    for ts in 1..=4 {
        let pushed = queue.push(event("u", ts), 1, false);
        assert!(matches!(pushed, Push::Queued) == (ts <= 2), "{pushed:?}");
    }
    assert_eq!(kinds(&queue, 1), ["1"]);
    assert!(matches!(queue.push(event("u", 5), 1, false), Push::Queued));
    assert_eq!(kinds(&queue, 9), ["2", "gap [Timestamp(4)] None", "5"]);
    assert!(kinds(&queue, 9).is_empty());
}

#[test]
fn feedback_takes_room_and_keeps_its_place() {
    let queue = Queue::new(0);
    queue.turn(1, 2, || {});
    let feedback = || Feedback { decision: "d".into(), kind: FeedbackKind::Shown, ts: None, line: None };
    queue.push(event("u", 1), 1, false);
    assert!(matches!(queue.push_feedback(feedback(), false), Push::Queued));
    assert!(matches!(queue.push_feedback(feedback(), false), Push::Full));
    assert!(matches!(queue.push(event("u", 2), 1, false), Push::Full));
    assert_eq!(kinds(&queue, 9), ["1", "shown", "gap [Timestamp(2)] None"]);
}

#[test]
fn too_many_users_who_lost_events_are_everyone() {
    let queue = Queue::new(0);
    for i in 0..100 {
        queue.push(event(&format!("u{i}"), i), 0, false);
    }
    assert_eq!(kinds(&queue, 9), ["gap [] Some(Timestamp(99))"]);
}

#[test]
fn an_event_looked_up_before_the_demand_changed_is_looked_up_again() {
    let queue = Queue::new(2);
    queue.turn(7, 2, || {});
    assert!(matches!(queue.push(event("u", 1), 0, false), Push::Stale));
    assert!(matches!(queue.push(event("u", 1), 7, false), Push::Queued));
    queue.close();
    assert!(matches!(queue.push(event("u", 1), 7, false), Push::Closed));
}

#[test]
fn who_waits_for_room_goes_on_when_some_is_made() {
    let queue = Queue::new(0);
    queue.turn(1, 1, || {});
    queue.push(event("u", 1), 1, false);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.push(event("u", 2), 1, true));
        let mut taken = Vec::new();
        // Whether it waits already or has not begun to.
        while taken.len() < 2 {
            taken.extend(kinds(&queue, 9));
        }
        assert_eq!(taken, ["1", "2"]);
        assert!(matches!(waiting.join().unwrap(), Push::Queued));
    });
    assert_eq!(queue.lock().waiting, 0);
}
