//! Prints what caps and the adaptive gap make of simulated users' clicks and dismissals.
#![allow(clippy::print_stdout, reason = "a tool")]

use ensue_tests::fatigue::{Tally, policies, simulate};

fn main() {
    println!("policy    | touches: like  hate | clicks: like  hate   all | dismissals: like  hate   all");
    for (name, policy) in policies() {
        let Tally { touches, clicks, dismissals } = simulate(&policy);
        println!(
            "{name:<9} | {:>13} {:>5} | {:>12} {:>5} {:>5} | {:>16} {:>5} {:>5}",
            touches[0],
            touches[1],
            clicks[0],
            clicks[1],
            Tally::total(clicks),
            dismissals[0],
            dismissals[1],
            Tally::total(dismissals),
        );
    }
}
