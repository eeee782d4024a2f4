//! The engine against the brute-force oracle on streams of several users and partitions, out of order and late, with
//! triggers. `--bin oracle -- --worlds` asks for more of them.
#![allow(clippy::panic, reason = "test code")]

use ensue_tests::world::{Checked, World};

#[test]
fn each_user_and_partition_has_the_matches_of_its_own_stream() {
    let (mut checked, mut all) = (0, Checked::default());
    for seed in 0..600 {
        match World::new(seed).check(seed) {
            Ok(None) => {}
            Ok(Some(world)) => {
                checked += 1;
                all += world;
            }
            Err(complaints) => panic!("world {seed}: {}", complaints.join("\n")),
        }
    }
    assert!(checked > 500 && all.told > 1_000, "{checked} streams were checked: {all:?}");
    assert!(
        all.returns > 1_000 && all.bridged > 15 && all.reopened > 50,
        "users were put away, and came back: {all:?}"
    );
}
