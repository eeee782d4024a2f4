//! The arrows between crates (ARCHITECTURE): who may depend on whom, and which library lives where. A dependency that
//! is not in the table fails this test: add it there with the reason in the change that needs it.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on: outside of this workspace, and inside.
const MAY: &[(&str, &[&str], &[&str])] = &[
    ("ensue-rule", &["serde"], &[]),
    ("ensue-matcher", &["hashbrown", "once_cell", "regex-lite", "rustc-hash", "smallvec"], &["ensue-rule"]),
    (
        "ensue-engine",
        &[
            "arc-swap",
            "hashbrown",
            "ndarray",
            "once_cell",
            "rusqlite",
            "rustc-hash",
            "rustix",
            "serde",
            "serde_json",
            "sha2",
            "smallvec",
        ],
        &["ensue-rule", "ensue-matcher"],
    ),
    ("ensue-dsl", &["nom", "serde", "serde_json"], &["ensue-rule"]),
    (
        "ensue-cli",
        &[
            "chrono",
            "clap",
            "clap_complete",
            "memchr",
            "rustc-hash",
            "serde",
            "serde_json",
            "varpulis-core",
            "varpulis-sase",
        ],
        &["ensue-rule", "ensue-matcher", "ensue-engine", "ensue-dsl"],
    ),
    (
        "ensue-ffi",
        &["arc-swap", "jni", "serde_json", "smallvec", "uniffi"],
        &["ensue-rule", "ensue-engine", "ensue-dsl"],
    ),
    ("ensue-faults", &["libc", "rusqlite"], &[]),
    ("ensue-bindgen", &["uniffi"], &[]),
    // The matcher: notebooks draw the automaton of a rule.
    ("ensue-python", &["pyo3", "serde", "serde_json"], &["ensue-rule", "ensue-matcher", "ensue-engine", "ensue-dsl"]),
];

/// Libraries that live in one crate only, whoever else may come: even as a dependency of tests.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["ensue-engine", "ensue-faults"]),
    ("nom", &["ensue-dsl"]),
    ("uniffi", &["ensue-ffi", "ensue-bindgen"]),
    ("jni", &["ensue-ffi"]),
    ("pyo3", &["ensue-python"]),
];

/// What may be written in which files of the product only.
const WRITTEN_IN: &[(&[&str], &[&str])] = &[
    (&["SystemTime::now", "Instant::now"], &["core/engine/src/clock.rs", "cli/src/bench/machine.rs"]),
    (&["nom::"], &["dsl/src/"]),
    (&["rusqlite::"], &["core/engine/src/store.rs", "core/engine/src/store/"]),
    (&["uniffi::", "jni::"], &["bindings/"]),
    (&["pyo3::"], &["python-rules/"]),
];

#[test]
fn crates_depend_only_on_what_the_table_says() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = text(&package["name"]);
        if name == "ensue-tests" {
            continue;
        }
        let Some((_, outside, inside)) = MAY.iter().find(|(n, ..)| *n == name) else {
            wrong.push(format!("{name} has no row in the table"));
            continue;
        };
        let allowed: BTreeSet<&str> = outside.iter().chain(*inside).copied().collect();
        for dependency in dependencies(&package, &["normal", "build"]) {
            if !allowed.contains(dependency.as_str()) {
                wrong.push(format!("{name} depends on {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_in_the_workspace_is_depended_on_in_a_circle_or_upwards() {
    let inside: BTreeMap<&str, &[&str]> = MAY.iter().map(|(name, _, inside)| (*name, *inside)).collect();
    let reaches = |from: &str, to: &str| {
        let (mut todo, mut seen) = (vec![from], BTreeSet::new());
        while let Some(at) = todo.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                todo.extend(inside.get(at).copied().unwrap_or_default());
            }
        }
        false
    };
    for (from, to) in [
        ("ensue-dsl", "ensue-matcher"),
        ("ensue-dsl", "ensue-engine"),
        ("ensue-engine", "ensue-dsl"),
        ("ensue-matcher", "ensue-dsl"),
        ("ensue-matcher", "ensue-engine"),
        ("ensue-rule", "ensue-matcher"),
    ] {
        assert!(!reaches(from, to), "the table lets {from} reach {to}");
    }
}

#[test]
fn some_libraries_live_in_one_crate_only() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = text(&package["name"]);
        for dependency in dependencies(&package, &["normal", "build", "dev"]) {
            if let Some((_, homes)) = ONLY_IN.iter().find(|(library, _)| *library == dependency)
                && !homes.contains(&name.as_str())
            {
                wrong.push(format!("{name} depends on {dependency}, which lives in {homes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn some_words_are_written_in_their_place_only() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        let path = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        for (words, homes) in WRITTEN_IN {
            let at_home = homes.iter().any(|home| path == *home || (home.ends_with('/') && path.starts_with(home)));
            if at_home {
                continue;
            }
            for (n, line) in source.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in words.iter().filter(|word| says(code, word)) {
                    wrong.push(format!("{path}:{}: `{word}` belongs in {homes:?}", n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether `code` has `word`, not as the end of another name (`x_nom::` is not `nom::`).
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code
            .get(..at)
            .unwrap_or_default()
            .chars()
            .next_back()
            .is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace").to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The packages of the workspace, as cargo reads their manifests.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    assert!(packages.len() >= 6, "cargo names only {} packages", packages.len());
    packages
}

fn dependencies(package: &Value, kinds: &[&str]) -> Vec<String> {
    let all = package["dependencies"].as_array().cloned().unwrap_or_default();
    let wanted = |d: &&Value| kinds.contains(&d["kind"].as_str().unwrap_or("normal"));
    all.iter().filter(wanted).map(|d| text(&d["name"])).collect()
}

/// The sources of the product: not those of tests and benches, nor of this crate.
fn sources() -> Vec<(PathBuf, String)> {
    let (mut out, mut todo) = (Vec::new(), vec![root()]);
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let apart = ["tests", "benches", "examples"].contains(&name.as_str());
                if !apart && !name.starts_with("target") && !name.starts_with('.') {
                    todo.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source can be read");
                out.push((path, source));
            }
        }
    }
    assert!(out.len() > 40, "only {} sources found", out.len());
    out
}
