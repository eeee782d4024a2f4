//! The adaptive gap against fixed caps, on simulated users (`ensue_tests::fatigue`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use ensue_tests::fatigue::{Tally, policies, simulate};

#[test]
fn the_adaptive_gap_is_dismissed_less_at_equal_clicks_than_any_cap() {
    let all: Vec<(String, Tally)> = policies().into_iter().map(|(name, policy)| (name, simulate(&policy))).collect();
    let (caps, adaptive) = (&all[..all.len() - 1], all.last().unwrap().1);
    let (clicks, dismissals) = (Tally::total(adaptive.clicks), Tally::total(adaptive.dismissals));
    let as_many: Vec<_> = caps.iter().filter(|(_, cap)| Tally::total(cap.clicks) >= clicks).collect();
    assert!(as_many.len() < caps.len(), "there are caps with fewer clicks too: {all:?}");
    for (name, cap) in caps {
        let fewer_clicks = Tally::total(cap.clicks) < clicks;
        assert!(fewer_clicks || Tally::total(cap.dismissals) > dismissals, "{name}: {cap:?}, adaptive: {adaptive:?}");
    }
    // Who likes them gets more of them, who hates them fewer.
    assert!(adaptive.touches[0] > 3 * adaptive.touches[1], "{adaptive:?}");
}
