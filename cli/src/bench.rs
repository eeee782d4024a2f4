//! `ensue bench`: what this machine makes of the published workloads.
//!
//! The streams are those of the published generator; every count of matches is compared with one that is made without
//! the matcher, and a wrong one ends the command with exit code 1. Figures come from a stopwatch and `/proc`.

mod counts;
mod figure;
mod json;
mod latency;
mod load;
mod machine;
mod matching;
#[cfg(feature = "peers")]
mod peers;
mod record;
mod restart;
mod rules;
mod scratch;
mod store;
mod streams;
mod tasks;
mod users;

use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use figure::Figure;
use latency::Pace;

/// Measure this machine: events per second, latencies, restart, load
///
/// Exit code 0: every count is right; 1: a count is wrong (its line is still printed); 2: wrong arguments. Wants a release
/// build and a machine that is left alone; it says where the machine was too noisy to believe.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these benches
    #[arg(long, value_delimiter = ',', value_name = "BENCH,...")]
    only: Vec<Bench>,
    /// Events of a stream
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    events: u32,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Bench {
    /// A -> B -> C per user
    W1,
    /// A ->> B ->> C per user, all matches
    W1any,
    /// A ->> B+ ANY ->> C, up to 3,029,586,120,039 matches
    W2,
    /// 1 to 10,000 rules
    W3,
    /// 1 to 1,000 rules that begin alike
    Alike,
    /// JSON lines to matches of W1
    Json,
    /// The call that records an event
    Record,
    /// From that call to the decision, on a disk
    Latency,
    /// Wanted events to the disk, one after the other
    Sustained,
    /// Opening a store: the call, one that is there, a new one
    Open,
    /// Opening a full store
    Restart,
    /// Rules from text
    Load,
    /// What idle users, and users with a live run, hold in memory; what bringing one back costs
    Users,
}

const ALL: [Bench; 13] = [
    Bench::Load,
    Bench::Users,
    Bench::W1,
    Bench::W1any,
    Bench::W2,
    Bench::W3,
    Bench::Alike,
    Bench::Json,
    Bench::Record,
    Bench::Sustained,
    Bench::Open,
    Bench::Restart,
    Bench::Latency,
];

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    if cfg!(debug_assertions) {
        output::note("ensue: this is no release build; its figures mean nothing");
    }
    let (mut wrong, mut noisy) = (false, false);
    for bench in ALL.into_iter().filter(|b| args.only.is_empty() || args.only.contains(b)) {
        each(bench, args.size(), &mut |figure: &Figure| {
            wrong |= figure.wrong;
            noisy |= figure.noisy;
            if out.is_json() {
                out.object(figure)?;
            } else {
                out.line(&figure.to_string())?;
            }
            out.flush()
        })?;
    }
    if noisy {
        output::note("ensue: other work on this machine disturbed the figures marked noisy; do not believe them");
    }
    Ok(Outcome::refused(wrong))
}

impl Args {
    fn size(&self) -> usize {
        usize::try_from(self.events).unwrap_or(usize::MAX)
    }
}

/// Runs one bench and shows each figure as it comes.
fn each(bench: Bench, n: usize, show: &mut impl FnMut(&Figure) -> Result<(), Failure>) -> Result<(), Failure> {
    let uniform = |v_max| streams::uniform(v_max, n);
    let mut all = |figures: Vec<Figure>| figures.iter().try_for_each(&mut *show);
    match bench {
        Bench::W1 => {
            all(matching::w1(matching::W1, &uniform(1_000))?)?;
            #[cfg(feature = "peers")]
            all(vec![peers::w1(&uniform(1_000))])?;
            Ok(())
        }
        Bench::W1any => all(matching::w1(matching::W1_ANY, &uniform(1_000))?),
        Bench::W2 => [5, 10, 15, 25].into_iter().try_for_each(|k| all(matching::w2(k, &streams::kleene(k, n))?)),
        Bench::W3 => [1, 100, 1_000, 10_000].into_iter().try_for_each(|rules| {
            let records = uniform(rules.max(1_000));
            all(matching::w3(rules, &records)?)?;
            #[cfg(feature = "peers")]
            all(vec![peers::w3(rules, &records)])?;
            Ok(())
        }),
        Bench::Alike => [1, 100, 1_000].into_iter().try_for_each(|rules| {
            // Every A costs as much as there are rules.
            let records = streams::uniform(1_000, n.min(50_000));
            all(matching::alike(rules, &records)?)
        }),
        Bench::Json => all(vec![json::w1(&uniform(1_000))?]),
        Bench::Record => all(record::record()?),
        Bench::Latency => {
            all(vec![latency::latency(Pace::Poisson, n.min(6_000))?, latency::latency(Pace::Pauses, n.min(60))?])
        }
        Bench::Sustained => all(vec![store::sustained(n.min(100_000))?]),
        Bench::Open => all(store::open()?),
        Bench::Restart => all(vec![restart::restart(n.min(100_000))?]),
        Bench::Users => all(users::users(n)?),
        Bench::Load => {
            [1_000, 10_000].into_iter().try_for_each(|rules| all(vec![load::load(load::W3, rules)?]))?;
            all(vec![load::load(load::VARIED, 10_000)?])
        }
    }
}
