//! No text and no document panics, overflows the stack or takes long.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]
#![allow(clippy::disallowed_methods, reason = "the time that reading takes is what is measured")]

use std::time::{Duration, Instant};

use ensue_dsl::{ReadOptions, Schema, check, codes, compile, compile_expr, format, format_text, read_documents};
use ensue_rule::Dialect;
use proptest::prelude::*;

/// As long as a text may be.
const LONGEST: usize = 64 * 1024;

/// Text made of `unit`, not longer than a text may be.
fn full(head: &str, unit: &str, tail: &str) -> String {
    let times = (LONGEST - head.len() - tail.len()) / unit.len();
    format!("{head}{}{tail}", unit.repeat(times))
}

fn codes_of(text: &str) -> Vec<&'static str> {
    compile(text, Dialect::Ensue).diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn ten_thousand_levels_are_refused_by_name() {
    let many = |s: &str| s.repeat(10_000);
    let texts = [
        format!("EVENT: {}a{}", many("("), many(")")),
        format!("EVENT: a WHERE {}a.x = 1{}", many("("), many(")")),
        format!("EVENT: a WHERE {}a.ts = 1", many("NOT ")),
        format!("EVENT: a WHERE a.ts = {}1", many("- ")),
        format!("EVENT: a WHERE a.ts = 1{}", many(" + 1")),
        format!("EVENT: a WHERE {}a.ts{} = 1", many("ABS("), many(")")),
    ];
    for text in texts {
        let found = codes_of(&text);
        assert!(found.contains(&codes::TOO_DEEP), "{found:?} for {text:.40}");
    }
    assert!(compile_expr(&many("(")).is_err());
}

#[test]
fn legal_depth_is_read_printed_and_carried_by_json() {
    let open = "(".repeat(48);
    let close = ")".repeat(48);
    let text = format!("EVENT: {open}a -> b{close} WHERE {open}a.ts = 1 OR b.ts = 2{close} WITHIN 1 S");
    let rule = compile(&text, Dialect::Ensue).rule.unwrap();
    assert_eq!(compile(&format(&rule), Dialect::Ensue).rule.unwrap(), rule);
    let document = serde_json::json!({"taskArray": [{"id": "deep", "rule": rule}]}).to_string();
    let sets = read_documents(document.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(sets[0].tasks[0].task.as_ref().unwrap().rule, rule);
}

#[test]
fn long_chains_stay_shallow() {
    let chain = format!("EVENT: a WHERE {}a.ts = 1 WITHIN 1 S", "a.args.x = 1 OR ".repeat(4_000));
    let rule = compile(&chain, Dialect::Ensue).rule.unwrap();
    assert_eq!(compile(&format(&rule), Dialect::Ensue).rule.as_ref(), Some(&rule));
    serde_json::to_string(&rule).unwrap();
}

#[test]
fn a_megabyte_is_refused_unread() {
    assert_eq!(codes_of(&"a -> ".repeat(200_000)), [codes::TOO_LONG]);
    assert_eq!(codes_of(&format!("EVENT: a{}", " ".repeat(LONGEST))), [codes::TOO_LONG]);
}

#[test]
fn no_text_takes_long() {
    let texts = [
        full("EVENT: ", "a -> ", "b"),
        full("EVENT: a WHERE ", "a.x = b.y AND ", "a.z = 1"),
        full("EVENT: a WHERE ", "a.args.x = 1 AND ", "a.ts = 1"),
        full("EVENT: a WHERE ", "b.x AND ", "1"),
        full("EVENT: a WHERE a.ts IN (", "1, ", "1)"),
        full("EVENT: a WHERE a.ts = ", "(", ""),
        full("EVENT: a WHERE a.ts = ", "F(", ""),
        full("EVENT: a RETURN ", "COUNT(a) AS x, ", "1 AS y"),
        full("EVENT: ", "(a|", "b"),
        full("", "EVENT ", ""),
        full("", "WHERE ", ""),
        full("", "'", ""),
        full("", "\"", ""),
        full("", "`x", ""),
        full("", "\u{202e}a", ""),
        full("EVENT: a -- ", "-", "\n"),
        full("EVENT: a WITHIN ", "1 D ", ""),
        full("EVENT: a", "{2}", ""),
        full("EVENT: a+ ", "UNTIL (ts = 1) ", ""),
        full("EVENT: a WHERE a.args", ".x", " = 1"),
        format!(
            "{}WHERE {}",
            full("EVENT: a0", " | a", "").get(..LONGEST / 2).unwrap(),
            "a0.ts = 1 AND ".repeat(2_000)
        ),
        distinct_stages(),
        distinct_terms(),
    ];
    // Optimised builds keep 50 ms; tests run unoptimised and beside others.
    let allowed = if cfg!(debug_assertions) { Duration::from_secs(1) } else { Duration::from_millis(50) };
    for text in texts {
        assert!(text.len() <= LONGEST, "refused unread: {text:.60}");
        let took = (0..3).map(|_| time_to_read(&text)).min().unwrap();
        assert!(took < allowed, "{took:?} for {text:.60}");
    }
}

fn time_to_read(text: &str) -> Duration {
    let start = Instant::now();
    let schema = Schema::read(br#"{"schema": {"pv": {"item": "string"}, "leave": {"ms": "int"}}}"#).unwrap();
    let checked = check(text, Dialect::Ensue, Some(&schema));
    checked.diagnostics.iter().for_each(|d| drop(d.render("rule")));
    start.elapsed()
}

/// As many stages as are legal, and conditions over all of them.
fn distinct_stages() -> String {
    let stages: Vec<_> = (0..512).map(|n| format!("s{n}")).collect();
    let conditions: Vec<_> = (0..2_000).map(|n| format!("s{}.ts > s{}.ts", n % 512, n % 500)).collect();
    format!("EVENT: {} WHERE {} WITHIN 1 H", stages.join(" -> "), conditions.join(" AND "))
}

/// One stage, and as many conditions as there is room for, no two of them on the same.
fn distinct_terms() -> String {
    let conditions: Vec<_> = (0..2_500).map(|n| format!("a.args.x{n} = {n}")).collect();
    format!("EVENT: a WHERE {} WITHIN 1 H", conditions.join(" AND "))
}

/// Every word of the language may be the name of an attribute, a stage and a value: in backticks, and after a dot or AS
/// also without.
#[test]
fn every_word_may_be_a_name_in_backticks() {
    let words = "RULE EVENT STRICT ANY UNTIL OPTIONAL GREEDY WHERE WITHIN OF SESSION PREVIOUS PARTITION BY AFTER MATCH \
                 CONSUME NO SKIP LIMIT PAST TO NEXT ERROR RETURN AS ON TIMEOUT AND OR NOT IN BETWEEN LIKE MATCHES IS NULL TRUE \
                 FALSE MS S SEC MIN H HOUR D DAY COUNT SUM AVG MAX FIRST LAST DISTINCT RUNNING PRIOR TRENDS PREV LOWER ABS";
    for word in words.split(' ') {
        let text = format!(
            "EVENT: `{word}` -> b WHERE `{word}`.args.`{word}` = 1 AND b.args.{word} = `{word}`.args.{word} WITHIN 1 H \
             PARTITION BY args.`{word}`.{word} RETURN `{word}`.args.{word}.`{word}` AS {word}"
        );
        let compiled = compile(&text, Dialect::Ensue);
        let rule = compiled.rule.unwrap_or_else(|| panic!("{}", compiled.diagnostics[0].render(word)));
        assert_eq!(compile(&format(&rule), Dialect::Ensue).rule, Some(rule), "{text}");
    }
}

#[test]
fn hostile_documents_are_refused() {
    let options = ReadOptions::default();
    let deep = "[".repeat(100_000);
    for bytes in
        [b"" as &[u8], b"\0", b"\xff\xfe", b"nul", b"{", b"[1]", b"\"x\"", b"{\"taskArray\": 1}", deep.as_bytes()]
    {
        let d = read_documents(bytes, &options).unwrap_err();
        assert!(d.is_error() && !d.message.is_empty(), "{d}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_characters_are_read_without_panic(text in any::<String>()) {
        let compiled = compile(&text, Dialect::Ensue);
        prop_assert_eq!(compiled.rule.is_none(), compiled.diagnostics.iter().any(ensue_dsl::Diagnostic::is_error));
        compiled.diagnostics.iter().for_each(|d| drop(d.render("rule")));
        let _ = compile_expr(&text);
    }

    /// Random rows of what the language is made of come deeper than random characters.
    #[test]
    fn any_words_are_read_without_panic(words in prop::collection::vec(words(), 0..40)) {
        let text = words.join(" ");
        let compiled = compile(&format!("EVENT: {text}"), Dialect::Flink);
        compiled.diagnostics.iter().for_each(|d| drop(d.render("rule")));
        let conditions = check(&format!("EVENT: a -> b+ -> !c -> (d | e) WHERE {text}"), Dialect::Ensue, None);
        conditions.diagnostics.iter().for_each(|d| drop(d.render("rule")));
        if let Some(rule) = conditions.rule {
            let again = compile(&format(&rule), Dialect::Ensue).rule;
            prop_assert_eq!(again, Some(rule));
        }
        let _ = format_text(&text);
    }

    #[test]
    fn any_bytes_are_read_as_documents_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_documents(&bytes, &ReadOptions::default());
    }
}

const WORDS: [&str; 71] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "->",
    "->>",
    "=>",
    "!",
    "|",
    "&",
    "(",
    ")",
    "+",
    "*",
    "?",
    "{2,}",
    "{1,3}",
    "STRICT",
    "ANY",
    "GREEDY",
    "OPTIONAL",
    "UNTIL (ts > 1)",
    "[< 5 S]",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "a.ts",
    "b.args.x",
    "c.scene",
    "d.extra_info.scene",
    "=",
    "<",
    "IN",
    "BETWEEN",
    "LIKE",
    "IS",
    "NULL",
    "1",
    "2.5",
    "'x'",
    "TRUE",
    "-",
    "/",
    "COUNT(b)",
    "SUM(b.args.p)",
    "RUNNING",
    "PRIOR",
    "PREV(b.args.p)",
    "HOUR(a)",
    ",",
    ".",
    "WITHIN 5 MIN",
    "OF SESSION",
    "PARTITION BY args.x",
    "AFTER MATCH",
    "CONSUME",
    "NO SKIP",
    "SKIP TO LAST b",
    "RETURN",
    "AS",
    "x",
    "ON TIMEOUT RETURN",
    "TRENDS",
    "COUNT(*)",
    "--\n",
    "'",
    "`",
    "\u{202e}",
    "\0",
];

fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&WORDS[..])
}
