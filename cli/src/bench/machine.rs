//! The stopwatch, and what the machine does while something is measured: its noise, this process's memory.
//!
//! Noise and memory come from `/proc`; where there is none, figures stand without them and only the spread of the
//! repeated passes tells noise.

use std::time::{Duration, Instant};

/// Others may use so much of all cores before a figure is not to be believed.
const OTHERS: f64 = 0.15;
/// So much longer than the best may the median pass be.
const SPREAD: f64 = 1.25;
/// Passes are repeated for so long.
const REPEAT: Duration = Duration::from_millis(1_500);

/// Now, for a stopwatch.
#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// What was seen of the machine while something was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    /// Whether the machine was too busy with other things.
    pub(super) noisy: bool,
    /// The largest resident memory of this process.
    pub(super) peak_rss_mb: Option<f64>,
}

/// Watches the machine from its making on.
#[derive(Debug)]
pub(super) struct Watch {
    before: Option<Ticks>,
}

/// Time since boot in hundredths of a second over all cores.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    all: f64,
    busy: f64,
    own: f64,
}

impl Watch {
    pub(super) fn start() -> Self {
        // Where it is not allowed, the peak is that of the process so far.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { before: Ticks::now() }
    }

    pub(super) fn end(&self) -> Watched {
        let noisy = self.before.zip(Ticks::now()).is_some_and(|(a, b)| {
            let (all, busy, own) = (b.all - a.all, b.busy - a.busy, b.own - a.own);
            // Of a few ticks nothing can be said.
            all >= 40.0 && (busy - own) / all > OTHERS
        });
        Watched { noisy, peak_rss_mb: memory("VmHWM:") }
    }
}

impl Ticks {
    fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let ticks: Vec<f64> =
            stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).take(8).collect();
        let all: f64 = ticks.iter().sum();
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        let own = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the process, which may hold anything, ends at the last parenthesis.
        let (_, own) = own.rsplit_once(')')?;
        let own: f64 = own.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
        Some(Self { all, busy: all - idle, own })
    }
}

/// The resident memory of this process in MB.
pub(super) fn resident_mb() -> Option<f64> {
    memory("VmRSS:")
}

/// The resident memory that holds data, in MB: without the pages of the program itself, which come as it is first run.
pub(super) fn data_mb() -> Option<f64> {
    memory("RssAnon:")
}

fn memory(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// What repeated passes came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes<T> {
    /// The best time in seconds.
    pub(super) seconds: f64,
    /// What every pass gave; of passes that differ the last.
    pub(super) result: T,
    /// Whether their times differ too much.
    pub(super) noisy: bool,
}

/// Repeats a pass, which gives the time it took and its result: three times at least, and for a second or two.
pub(super) fn repeat<T>(mut pass: impl FnMut() -> (Duration, T)) -> Passes<T> {
    let start = now();
    let (first, mut result) = pass();
    let mut times = vec![first];
    while times.len() < 3 || (start.elapsed() < REPEAT && times.len() < 50) {
        let (time, again) = pass();
        times.push(time);
        result = again;
    }
    times.sort_unstable();
    let at = |i: usize| times.get(i).map_or(0.0, Duration::as_secs_f64);
    Passes { seconds: at(0), result, noisy: at(times.len() / 2) > at(0) * SPREAD }
}

/// The time of one pass.
pub(super) fn time<T>(pass: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let result = pass();
    (start.elapsed(), result)
}

/// The value below which `share` of the sorted values lie.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_values() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(500.0));
        assert_eq!(quantile(&values, 0.999), Some(999.0));
        assert_eq!(quantile(&values, 1.0), Some(999.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn passes_that_differ_are_noise() {
        let mut times = [10, 20, 21].map(Duration::from_millis).into_iter().cycle();
        let mut n = 0;
        let passes = repeat(|| {
            n += 1;
            (times.next().unwrap() + Duration::from_secs(u64::from(n > 60)), n)
        });
        assert!(passes.noisy && passes.result >= 3);
        assert!((passes.seconds - 0.010).abs() < 1e-9);
    }
}
