//! Loading: rules from text to programs, and the memory that they keep.

use ensue_matcher::{Limits, ProgramSet};

use super::figure::Figure;
use super::machine::{self, Watch};
use super::rules;
use crate::failure::Failure;

/// Which rules: those of W3, or others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) variant: Option<&'static str>,
    pub(super) text: fn(u32) -> String,
}

pub(super) const W3: Rules = Rules { variant: None, text: rules::w3 };
pub(super) const VARIED: Rules = Rules { variant: Some("varied"), text: rules::varied };

pub(super) fn load(of: Rules, rules: u32) -> Result<Figure, Failure> {
    let texts: Vec<String> = (0..rules).map(of.text).collect();
    let watch = Watch::start();
    let before = machine::data_mb();
    let first = machine::time(|| rules::programs(texts.iter().cloned(), Limits::default()));
    let kept: ProgramSet = first.1?;
    let after = machine::data_mb();
    let again = machine::repeat(|| machine::time(|| rules::programs(texts.iter().cloned(), Limits::default()).is_ok()));
    drop(kept);
    let figure = Figure { rules, ..Figure::new("load", of.variant, 0) }.watched(&watch.end());
    let bytes = before.zip(after).map(|(a, b)| (b - a).max(0.0) * 1024.0 * 1024.0 / f64::from(rules));
    let seconds = again.seconds.min(first.0.as_secs_f64());
    Ok(Figure {
        seconds: Some(seconds),
        load_ms: Some(seconds * 1_000.0),
        bytes_per_rule: bytes,
        noisy: figure.noisy || again.noisy,
        ..figure
    })
}
