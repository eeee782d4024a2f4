//! The examples of `docs/errors.md`: each is what its code is said about.

use crate::shell::{Shell, repository};

/// A heading `### CODE title` and the fenced blocks below it, each with its kind.
struct Section {
    code: String,
    blocks: Vec<(String, String)>,
}

fn sections() -> Vec<Section> {
    let page = std::fs::read_to_string(repository("docs/errors.md")).unwrap();
    let sections = page.split("\n### ").skip(1);
    sections.map(|s| Section { code: s.split(' ').next().unwrap().to_owned(), blocks: blocks(s) }).collect()
}

fn blocks(section: &str) -> Vec<(String, String)> {
    let fenced = section.split("```").skip(1).step_by(2);
    fenced.map(|b| b.split_once('\n').unwrap()).map(|(kind, text)| (kind.to_owned(), text.to_owned())).collect()
}

/// Without a block: longer than a page, said where Python runs, or (those of 09) by the engine when a set is applied;
/// `hostile.rs`, `documents.rs` and the tests of the engine have these.
fn has_a_block(code: &str) -> bool {
    !["E0101", "W0502", "E0514", "E0515", "E0516"].contains(&code)
        && !code.trim_start_matches(['E', 'W']).starts_with("09")
}

#[test]
fn every_example_is_what_its_code_is_said_about() {
    let all = sections();
    assert!(all.len() >= 100, "{}", all.len());
    for Section { code, blocks } in all.iter().filter(|s| has_a_block(&s.code)) {
        let sh = Shell::new();
        let mut args = "check --json example".to_owned();
        for (kind, text) in blocks {
            match kind.as_str() {
                "rule" | "json" => drop(sh.file("example", text)),
                "schema" | "events" => {
                    sh.file(kind, text);
                    args = format!("{args} --{kind} {kind}");
                }
                _ => panic!("{code}: what is a block of {kind}?"),
            }
        }
        assert!(!blocks.is_empty(), "{code} has no example");
        let ended = sh.ensue(&args);
        let found: Vec<_> =
            ended.of_kind("diagnostic").iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect();
        assert!(found.contains(code), "{code}: {found:?}\n{}", ended.stderr);
        assert_eq!(ended.code, i32::from(found.iter().any(|c| c.starts_with('E'))), "{code}: {found:?}");
    }
}
