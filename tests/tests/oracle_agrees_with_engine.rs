//! The engine against the brute-force oracle on streams of several users and partitions, out of order and late, with
//! triggers. `--bin oracle -- --worlds` asks for more of them.
#![allow(clippy::panic, reason = "test code")]

use ensue_tests::world::World;

#[test]
fn each_user_and_partition_has_the_matches_of_its_own_stream() {
    let (mut checked, mut found) = (0, 0);
    for seed in 0..600 {
        match World::new(seed).check(seed) {
            Ok(told) => {
                checked += u32::from(told.is_some());
                found += told.unwrap_or(0);
            }
            Err(complaints) => panic!("world {seed}: {}", complaints.join("\n")),
        }
    }
    assert!(checked > 500 && found > 1_000, "{checked} streams were checked, with {found} matches and timeouts");
}
