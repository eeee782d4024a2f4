//! The reader agrees with `serde_json` on what is JSON and what it says, over random texts and over broken ones.

use ensue_rule::Value;
use proptest::prelude::*;

use super::Reader;

fn read(text: &str) -> Option<Value> {
    let mut reader = Reader::new(text);
    reader.space();
    let value = reader.value().ok()?;
    reader.end().ok()?;
    assert_eq!(reader.depth, 0);
    Some(value)
}

fn passes(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.space();
    reader.pass().and_then(|()| reader.end()).is_ok()
}

/// The same, but for the last bits of a float, in which `serde_json` may err; ours are those of the standard library.
fn alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Float(a), Value::Float(b)) => a.to_bits().abs_diff(b.to_bits()) <= 16,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((k, a), (l, b))| k == l && alike(a, b))
        }
        _ => ours == theirs,
    }
}

fn agree(text: &str) {
    let theirs: Option<Value> = serde_json::from_str(text).ok();
    let ours = read(text);
    match (&ours, &theirs) {
        (Some(a), Some(b)) => assert!(alike(a, b), "{text}: {a:?}, {b:?}"),
        _ => assert_eq!(ours, theirs, "{text}"),
    }
    assert_eq!(passes(text), theirs.is_some(), "{text}");
}

#[test]
fn numbers() {
    for text in [
        "0",
        "-0",
        "00",
        "01",
        "-",
        "-1",
        "1.",
        ".5",
        "1.5",
        "1e3",
        "1E+3",
        "1e-3",
        "1e",
        "1e+",
        "+1",
        "0x1",
        "1.5e308",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e999",
        "-1e999",
        "1e-999",
        "-2.418245489596472e-309",
        "0.1",
        "123456789012345678901234567890.5",
        "NaN",
        "Infinity",
    ] {
        agree(text);
        agree(&format!("[{text}]"));
    }
    assert_eq!(read("0.30000000000000004"), Some(Value::Float(0.1 + 0.2)), "to the last bit");
}

#[test]
fn texts() {
    for text in [
        r#""""#,
        r#""a"#,
        r#""\"""#,
        r#""\\\/\b\f\n\r\t""#,
        r#""\u0041""#,
        r#""\ud83c\udfe0""#,
        r#""\ud83c""#,
        r#""\udfe0""#,
        r#""\ud83cx""#,
        r#""\ud83c\u0041""#,
        r#""\u00g0""#,
        r#""\u00""#,
        r#""\x""#,
        "\"\t\"",
        "\"\u{7f}\"",
        r#""租房\n🏠""#,
        "\"\\",
        "\"\\\"",
        "'a'",
    ] {
        agree(text);
    }
}

#[test]
fn shapes() {
    for text in [
        "",
        " ",
        "[]",
        "[ ]",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,2]]",
        "{}",
        "{ }",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a" : 1 , "b":[]}"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        r"{a:1}",
        r#"{"a":1,"a":2}"#,
        "tru",
        "true",
        "truex",
        "nul",
        "null null",
        "[true,false,null]",
        "\u{feff}[]",
        "[1]\u{a0}",
        "\r\n\t [1]\n",
        "/**/1",
    ] {
        agree(text);
    }
    for depth in [126, 127, 128, 129, 5_000] {
        agree(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        agree(&format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)));
    }
}

pub(in super::super) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(".{0,3}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_texts(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        agree(&text);
        prop_assert!(read(&text).is_some());
    }

    #[test]
    fn broken_texts(value in json(), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..26_usize), 1..4)) {
        let mut text: Vec<char> = serde_json::to_string(&value).unwrap().chars().collect();
        for (at, with) in cuts {
            let at = at.index(text.len().max(1)).min(text.len());
            // Beyond the others: the character there goes.
            match "{}[],:\"\\ u0e.-+19tfn\t\u{1}d".chars().nth(with) {
                Some(c) => text.insert(at, c),
                None if at < text.len() => drop(text.remove(at)),
                None => {}
            }
        }
        agree(&text.into_iter().collect::<String>());
    }
}
