//! Examples as the page has them: a rule, a stream, and the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_dsl::{compile, refused_when_continuous};
use ensue_rule::{Attr, BinaryOp, Condition, Dialect, Event, Expr, Moment, Rule, Source, Timestamp, Value};

/// One fenced block.
#[derive(Debug)]
pub(crate) struct Example {
    /// Where it begins in the page.
    pub(crate) line: usize,
    pub(crate) rule: String,
    settings: BTreeMap<String, String>,
    /// The lines of the answer.
    pub(crate) expected: Vec<String>,
}

/// What a line under the rule may begin with, besides the lines of the answer.
const SETTINGS: [&str; 7] = ["events", "advance", "lateness", "session gap", "trigger", "filter", "case"];
const ANSWERS: [&str; 7] = ["match", "timeout", "capped", "error", "late", "no key", "refused"];

impl Example {
    /// All examples of a page.
    pub(crate) fn all(page: &str) -> Vec<Self> {
        let mut out = Vec::new();
        let mut lines = page.lines().enumerate();
        while let Some((line, text)) = lines.next() {
            if text.trim() == "```example" {
                let inside = lines.by_ref().map(|(_, text)| text.trim()).take_while(|text| *text != "```");
                out.push(Self::read(line + 1, inside));
            }
        }
        out
    }

    fn read<'t>(line: usize, text: impl Iterator<Item = &'t str>) -> Self {
        let mut example = Self { line, rule: String::new(), settings: BTreeMap::new(), expected: Vec::new() };
        for text in text.filter(|t| !t.is_empty()) {
            let (key, rest) = text.split_once(':').unwrap_or((text, ""));
            if SETTINGS.contains(&key) {
                assert!(example.setting(key).is_none(), "line {line}: `{key}` comes twice");
                example.settings.insert(key.into(), rest.trim().into());
            } else if ANSWERS.contains(&key) {
                example.expected.extend((text != "match: none").then(|| text.to_owned()));
            } else if key != "flink" {
                assert!(example.settings.is_empty(), "line {line}: what is `{text}`?");
                example.rule.push_str(text);
                example.rule.push('\n');
            } else {
                example.settings.entry(key.into()).or_default().extend([rest.trim(), "\n"]);
            }
        }
        example
    }

    /// What the line of that key says.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.setting(key).map(|n| n.parse().unwrap_or_else(|_| panic!("line {}: `{key}: {n}`", self.line)))
    }
}

/// An event of an example.
#[derive(Debug)]
pub(crate) struct Happened {
    /// How the answer calls it: by its time, the second of one time `4#2`.
    pub(crate) name: String,
    pub(crate) ts: i64,
    pub(crate) session: u64,
    pub(crate) event: Event,
}

/// An example ready to run.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) example: &'a Example,
    pub(crate) rule: Rule,
    pub(crate) events: Vec<Happened>,
}

impl<'a> Subject<'a> {
    /// Compiles the rule and reads the stream; else the line that says why the rule is refused.
    pub(crate) fn new(example: &'a Example) -> Result<Self, String> {
        let refused = |code: &str| format!("refused: {code}");
        let compiled = compile(&example.rule, Dialect::Ensue);
        let Some(mut rule) = compiled.rule else {
            let errors = compiled.diagnostics.iter().filter(|d| d.is_error());
            return Err(refused(&errors.map(|d| d.code).collect::<Vec<_>>().join(" ")));
        };
        if let Some(d) = refused_when_continuous(&rule).filter(|_| example.setting("trigger").is_none()) {
            return Err(refused(d.code));
        }
        let Some(stream) = example.setting("events") else { return Err("accepted".into()) };
        say_types(&mut rule);
        Ok(Self { example, rule, events: read_events(stream, example.number("session gap")) })
    }

    pub(crate) fn advance_to(&self) -> Option<Timestamp> {
        self.example.number("advance").map(Timestamp)
    }

    /// Whether the example is about more than one stream in order.
    pub(crate) fn needs_host(&self) -> bool {
        let host = ["lateness", "trigger", "filter"].iter().any(|key| self.example.setting(key).is_some());
        let users = self.events.iter().any(|e| e.event.user_id.is_some());
        host || users || !self.rule.partition_by.is_empty() || self.events.windows(2).any(|w| w[0].ts > w[1].ts)
    }
}

/// A stage of one letter, with a number or without, takes the events whose type is that letter.
fn say_types(rule: &mut Rule) {
    let named: Vec<(Arc<str>, String)> =
        rule.pattern.stages().iter().filter_map(|s| Some((s.name.clone(), letter(s.name)?))).collect();
    for (stage, letter) in named {
        let expr = Expr::binary(BinaryOp::Eq, Expr::attr(&stage, Attr::ActionType), Expr::literal(letter.as_str()));
        rule.conditions.push(Condition { stage, moment: Moment::Take, expr });
    }
}

fn letter(stage: &str) -> Option<String> {
    let (letter, number) = stage.split_at_checked(1)?;
    let fits = letter.bytes().all(|b| b.is_ascii_lowercase()) && number.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| letter.to_uppercase())
}

fn read_events(stream: &str, gap: Option<i64>) -> Vec<Happened> {
    let mut out: Vec<Happened> = Vec::new();
    let mut session = 0;
    for text in stream.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let mut words = text.split_whitespace();
        let ts: i64 = words.next().and_then(|w| w.parse().ok()).unwrap_or_else(|| panic!("`{text}` has no time"));
        let event = event(words.next().unwrap_or_else(|| panic!("`{text}` has no type")), words);
        let same = out.iter().filter(|e| e.ts == ts).count();
        let name = if same == 0 { ts.to_string() } else { format!("{ts}#{}", same + 1) };
        let frontier = out.iter().map(|e| e.ts).max();
        session += u64::from(gap.is_some_and(|gap| frontier.is_some_and(|f| ts > f + gap)));
        out.push(Happened { name, ts, session, event: Event { ts: Some(Timestamp(ts)), ..event } });
    }
    out
}

fn event<'t>(action_type: &str, attributes: impl Iterator<Item = &'t str>) -> Event {
    let mut event = Event { action_type: action_type.into(), ..Event::default() };
    for text in attributes {
        let (name, written) = text.split_once('=').unwrap_or_else(|| panic!("`{text}` is no attribute"));
        match name {
            "user" => event.user_id = Some(written.into()),
            "scene" => event.scene = Some(written.into()),
            "source" => event.source = Source::from_name(written).unwrap_or_else(|| panic!("no source `{written}`")),
            "utcOffsetMin" => event.utc_offset_min = written.parse().ok(),
            _ => {
                event.args.insert(name.into(), value(written));
            }
        }
    }
    event
}

/// A JSON value; other words are text.
fn value(written: &str) -> Value {
    serde_json::from_str(written).unwrap_or_else(|_| written.into())
}
