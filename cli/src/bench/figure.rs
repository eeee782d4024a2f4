//! One measurement: a row of the table, an object of `--json` (`docs/benchmarks.md` says what each field is).

use std::fmt;

use serde::Serialize;

use super::machine::Watched;

/// One measurement; what does not apply, or cannot be had on this machine, is null.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "each is explained in docs/benchmarks.md")]
pub(super) struct Figure {
    pub(super) bench: &'static str,
    pub(super) variant: Option<&'static str>,
    pub(super) rules: u32,
    pub(super) k: Option<u32>,
    pub(super) events: u64,
    pub(super) seconds: Option<f64>,
    pub(super) events_per_s: Option<f64>,
    pub(super) instructions_per_event: Option<f64>,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    pub(super) p999_us: Option<f64>,
    pub(super) worst_checkpoint_us: Option<f64>,
    pub(super) wake_probe_p50_us: Option<f64>,
    pub(super) wake_probe_p99_us: Option<f64>,
    pub(super) ns_per_op: Option<f64>,
    pub(super) matches: Option<i64>,
    pub(super) expected: Option<i64>,
    pub(super) wrong: bool,
    pub(super) peak_rss_mb: Option<f64>,
    pub(super) above_input_mb: Option<f64>,
    pub(super) load_ms: Option<f64>,
    pub(super) bytes_per_rule: Option<f64>,
    pub(super) bytes_per_user: Option<f64>,
    pub(super) noisy: bool,
}

impl Figure {
    pub(super) fn new(bench: &'static str, variant: Option<&'static str>, events: usize) -> Self {
        Self { bench, variant, rules: 1, events: events as u64, ..Self::default() }
    }

    /// The time of one pass over all events.
    pub(super) fn timed(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        #[allow(clippy::cast_precision_loss, reason = "counts of events are far below 2^53")]
        let events = self.events as f64;
        self.events_per_s = (seconds > 0.0).then(|| events / seconds);
        self
    }

    /// What came out beside what is right.
    pub(super) fn counted(mut self, matches: i64, expected: i64) -> Self {
        (self.matches, self.expected, self.wrong) = (Some(matches), Some(expected), matches != expected);
        self
    }

    /// What the machine did meanwhile.
    pub(super) fn watched(mut self, watched: &Watched) -> Self {
        self.noisy |= watched.noisy;
        self.peak_rss_mb = watched.peak_rss_mb;
        self
    }

    fn name(&self) -> String {
        let variant = self.variant.map(str::to_owned);
        let k = self.k.map(|k| format!("k={k}"));
        let rules = (self.rules > 1).then(|| format!("{} rules", grouped(self.rules.into())));
        let parts = [Some(self.bench.to_owned()), variant, k, rules];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A row for a person.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<24}", self.name())?;
        if let Some(rate) = self.events_per_s {
            write!(f, "  {:>10} ev/s", rated(rate))?;
        }
        let plain = [
            ("s", self.seconds, 3),
            ("instr/ev", self.instructions_per_event, 1),
            ("ns/op", self.ns_per_op, 1),
            ("us p50", self.p50_us, 1),
            ("us p99", self.p99_us, 1),
            ("us p99.9", self.p999_us, 1),
            ("us worst checkpoint", self.worst_checkpoint_us, 1),
            ("us wake probe p50", self.wake_probe_p50_us, 1),
            ("us wake probe p99", self.wake_probe_p99_us, 1),
            ("ms load", self.load_ms, 1),
            ("B/rule", self.bytes_per_rule, 0),
            ("B/user", self.bytes_per_user, 0),
            ("MB peak", self.peak_rss_mb, 1),
            ("MB above its input", self.above_input_mb, 1),
        ];
        for (unit, value, digits) in plain {
            if let Some(value) = value {
                write!(f, "  {value:.digits$} {unit}")?;
            }
        }
        if let (Some(matches), Some(expected)) = (self.matches, self.expected) {
            write!(f, "  {} matches", grouped(matches))?;
            if self.wrong {
                write!(f, ", WRONG: {} are right", grouped(expected))?;
            }
        }
        f.write_str(if self.noisy { "  (noisy)" } else { "" })
    }
}

/// `1,234,567`.
fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("-{out}") } else { out }
}

fn rated(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.2} M", r / 1e6),
        r if r >= 1e3 => format!("{:.1} k", r / 1e3),
        r => format!("{r:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_is_wrong() {
        let figure = Figure { rules: 1_000, ..Figure::new("w3", Some("owned"), 1_000_000) }.timed(0.5).counted(5, 7);
        assert!(figure.wrong);
        let row = figure.to_string();
        assert!(row.starts_with("w3 owned 1,000 rules"), "{row}");
        assert!(row.contains("2.00 M ev/s") && row.ends_with("5 matches, WRONG: 7 are right"), "{row}");
    }

    #[test]
    fn every_field_of_the_format_is_there() {
        let json = serde_json::to_value(Figure::new("w1", None, 1)).unwrap();
        let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut format: Vec<&str> = "bench variant rules k events seconds events_per_s instructions_per_event p50_us \
             p99_us p999_us worst_checkpoint_us wake_probe_p50_us wake_probe_p99_us ns_per_op matches expected wrong \
             peak_rss_mb above_input_mb load_ms bytes_per_rule bytes_per_user noisy"
            .split_whitespace()
            .collect();
        format.sort_unstable();
        assert_eq!(names, format);
    }
}
