//! The programs that the README begins with, `examples/first`: it has them word for word, and the Rust one decides. The tests
//! of the other faces run theirs.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::Path;
use std::process::Command;

const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/first");

#[test]
fn the_readme_has_the_programs_word_for_word() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    for (language, file) in [
        ("json", "tasks.json"),
        ("rust", "first.rs"),
        ("kotlin", "First.kt"),
        ("swift", "main.swift"),
        ("python", "first.py"),
    ] {
        let program = std::fs::read_to_string(Path::new(FIRST).join(file)).unwrap();
        // What is said to this repository's lints is nobody else's concern.
        let program = if program.starts_with("//!") { program.split_once("\n\n").unwrap().1 } else { &program };
        assert!(readme.contains(&format!("```{language}\n{program}```\n")), "{file}");
    }
}

#[test]
fn the_rust_one_decides() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(Path::new(FIRST).join("tasks.json"), folder.path().join("tasks.json")).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_first")).current_dir(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "coupon_popup {\"item\":42}\n", "{:?}", ran.stderr);
}
