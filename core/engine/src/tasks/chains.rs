//! Derived events feed tasks that derive events: such chains must end, and soon.

use ensue_rule::Remark;

use super::{Active, derives};

/// The longest chain of derived events.
const DEEPEST: usize = 8;

/// Whether `task`, beside those `accepted` before it, keeps every chain of derived events short and without a circle; else
/// what to tell its author.
pub(super) fn check(task: &Active, accepted: &[Active]) -> Result<(), Remark> {
    let all: Vec<&Active> = accepted.iter().filter(|a| a.id != task.id).chain([task]).collect();
    let last = all.len() - 1;
    let feeds: Vec<Vec<usize>> = all.iter().map(|t| fed_by(t, &all)).collect();
    let derives: Vec<bool> = all.iter().map(|t| derives(&t.task).next().is_some()).collect();
    match (circle(last, &feeds), longest(&derives, &feeds)) {
        (Some(round), _) => {
            let names: Vec<&str> = round.iter().filter_map(|i| all.get(*i)).map(|t| &*t.task.id).collect();
            Err(remark("E0903", format!("derived events would go in a circle: {}", names.join(" -> "))))
        }
        (None, n) if n > DEEPEST => {
            Err(remark("E0904", format!("with it derived events would chain more than {DEEPEST} deep")))
        }
        (None, _) => Ok(()),
    }
}

fn remark(code: &str, message: String) -> Remark {
    Remark { path: String::new(), code: code.to_owned(), message }
}

/// Whose streams the derived events of `task` join.
fn fed_by(task: &Active, all: &[&Active]) -> Vec<usize> {
    let joins = |t: &Active| derives(&task.task).any(|(action, scene)| t.joins(action, scene.map(|s| &**s)));
    all.iter().enumerate().filter(|(_, t)| joins(t)).map(|(i, _)| i).collect()
}

/// A way from `from` back to itself.
fn circle(from: usize, feeds: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut seen = vec![false; feeds.len()];
    let mut ways = vec![vec![from]];
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|at| feeds.get(*at)).into_iter().flatten() {
            let longer: Vec<usize> = way.iter().chain([next]).copied().collect();
            if *next == from {
                return Some(longer);
            }
            if let Some(seen) = seen.get_mut(*next).filter(|seen| !**seen) {
                *seen = true;
                ways.push(longer);
            }
        }
    }
    None
}

/// The most derived events in a row, found by letting chains grow until none does (at most one step over the limit, so
/// that circles elsewhere do not matter).
fn longest(derives: &[bool], feeds: &[Vec<usize>]) -> usize {
    let mut ends = derives.to_vec();
    for n in 0..=DEEPEST {
        if !ends.contains(&true) {
            return n;
        }
        let mut further = vec![false; feeds.len()];
        for (next, _) in feeds.iter().zip(&ends).filter(|(_, ends)| **ends) {
            for j in next {
                further.get_mut(*j).into_iter().for_each(|f| *f = derives.get(*j) == Some(&true));
            }
        }
        ends = further;
    }
    DEEPEST + 1
}
