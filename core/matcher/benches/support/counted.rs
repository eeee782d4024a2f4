//! Instructions of a scenario, counted by valgrind, beside those on file: for the benches that count.
//!
//! A bench runs itself under `valgrind --tool=callgrind` with `--count SCENARIO EVENTS`, twice; what the events between the
//! two cost is the same on every run of a build, whatever else the machine does.

use std::collections::BTreeMap;
use std::process::Command;

pub(crate) const FEW: usize = 30_000;
pub(crate) const MANY: usize = 50_000;
/// A count may be so much above the one on file.
const SLACK: f64 = 1.05;

/// The scenario and the number of events that this process is to run, where it is one that is counted.
pub(crate) fn asked() -> Option<(String, usize)> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [flag, name, n] if flag == "--count" => Some((name.clone(), n.parse().expect("a number of events"))),
        _ => None,
    }
}

/// The instructions of a scenario over so many events, and what comes before them; `None`: valgrind is not installed.
pub(crate) fn count(name: &str, n: usize) -> Option<u64> {
    let exe = std::env::current_exe().expect("the bench has a file");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(exe);
    let output = valgrind.args(["--count", name, &n.to_string()]).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find_map(|l| l.split_once("Collected :"));
    Some(line.and_then(|(_, n)| n.trim().parse().ok()).unwrap_or_else(|| panic!("valgrind said: {said}")))
}

/// What an event of a scenario costs.
pub(crate) fn each(name: &str) -> Option<f64> {
    Some((count(name, MANY)? - count(name, FEW)?) as f64 / (MANY - FEW) as f64)
}

/// Ends a bench that can't count.
pub(crate) fn cannot_count() -> ! {
    println!("valgrind is not installed: nothing was counted");
    std::process::exit(2)
}

/// Prints each count beside the one in `file`, or writes the file anew where the bench was called with `--write`; what is
/// too much above it.
pub(crate) fn compare(rows: Vec<(String, f64)>, file: &str) -> Vec<String> {
    let (expected, mut text, mut worse) = (on_file(file), String::new(), Vec::new());
    for (name, each) in rows {
        let before = expected.get(&name).copied();
        let change = before.map_or("new".to_owned(), |b| format!("{:+.1} %", (each / b - 1.0) * 100.0));
        println!("{name:<26} {each:>8.1}   {change}");
        text += &format!("{name:<26} {each:.1}\n");
        worse.extend(before.filter(|b| each > b * SLACK).map(|_| name));
    }
    if std::env::args().any(|a| a == "--write") {
        std::fs::write(file, text).expect("the file can be written");
        worse.clear();
    }
    worse
}

fn on_file(file: &str) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let row = |l: &str| l.rsplit_once(' ').and_then(|(name, n)| Some((name.trim().to_owned(), n.parse().ok()?)));
    text.lines().filter_map(row).collect()
}

/// Ends the bench, with exit code 1 where something is worse.
pub(crate) fn end(worse: &[String]) -> ! {
    if !worse.is_empty() {
        println!("more instructions than there may be: {}", worse.join(", "));
    }
    std::process::exit(i32::from(!worse.is_empty()))
}
