//! The notation of the grammar: `name = alternatives`, with `"literal"`, `[option]`, `{repetition}`, `( )` and `|`.

use std::collections::BTreeMap;

/// What a production says.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A literal, as it is written.
    Literal(String),
    /// Another production, or one of the ends: stage, name, n, number, text.
    Name(String),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Option(Box<Node>),
    Repeat(Box<Node>),
}

/// The productions by name.
#[derive(Debug)]
pub(crate) struct Grammar {
    pub(crate) productions: BTreeMap<String, Node>,
}

pub(crate) const ENDS: [&str; 5] = ["stage", "name", "n", "number", "text"];

impl Grammar {
    pub(crate) fn read(block: &str) -> Self {
        let mut productions = BTreeMap::new();
        let mut left: Vec<String> = tokens(block);
        left.reverse();
        while let Some(name) = left.pop() {
            assert_eq!(left.pop().as_deref(), Some("="), "behind {name}");
            let node = choice(&mut left);
            assert!(productions.insert(name.clone(), node).is_none(), "{name} twice");
        }
        let grammar = Self { productions };
        grammar.productions.values().for_each(|n| grammar.check(n));
        grammar
    }

    fn check(&self, node: &Node) {
        match node {
            Node::Literal(_) => {}
            Node::Name(n) => assert!(self.productions.contains_key(n) || ENDS.contains(&n.as_str()), "what is {n}?"),
            Node::Sequence(all) | Node::Choice(all) => all.iter().for_each(|n| self.check(n)),
            Node::Option(n) | Node::Repeat(n) => self.check(n),
        }
    }

    /// Every alternative of every choice, and every option and repetition, by the text of its node.
    pub(crate) fn alternatives(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut todo: Vec<&Node> = self.productions.values().collect();
        while let Some(node) = todo.pop() {
            match node {
                Node::Choice(all) => {
                    out.extend(all.iter().map(|n| format!("{n:?}")));
                    todo.extend(all);
                }
                Node::Option(n) | Node::Repeat(n) => {
                    out.push(format!("{n:?}"));
                    todo.push(n);
                }
                Node::Sequence(all) => todo.extend(all),
                Node::Literal(_) | Node::Name(_) => {}
            }
        }
        out
    }
}

fn tokens(block: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), block.trim_start());
    while !rest.is_empty() {
        let end = match rest.as_bytes()[0] {
            b'"' => rest[1..].find('"').unwrap() + 2,
            c if c.is_ascii_alphabetic() => rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()),
            _ => 1,
        };
        out.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    out
}

fn choice(left: &mut Vec<String>) -> Node {
    let mut all = vec![sequence(left)];
    while left.last().is_some_and(|t| t == "|") {
        left.pop();
        all.push(sequence(left));
    }
    if all.len() == 1 { all.remove(0) } else { Node::Choice(all) }
}

fn sequence(left: &mut Vec<String>) -> Node {
    let mut all = Vec::new();
    loop {
        // A name before `=` begins the next production.
        let next_production = left.len() >= 2 && left[left.len() - 2] == "=";
        match left.last().map(String::as_str) {
            None | Some("|" | ")" | "]" | "}") => break,
            Some(_) if next_production => break,
            Some(_) => all.push(one(left)),
        }
    }
    if all.len() == 1 { all.remove(0) } else { Node::Sequence(all) }
}

fn one(left: &mut Vec<String>) -> Node {
    let token = left.pop().unwrap();
    let mut inside = |close: &str| {
        let node = choice(left);
        assert_eq!(left.pop().as_deref(), Some(close));
        node
    };
    match token.as_str() {
        "(" => inside(")"),
        "[" => Node::Option(Box::new(inside("]"))),
        "{" => Node::Repeat(Box::new(inside("}"))),
        _ => match token.strip_prefix('"') {
            Some(literal) => Node::Literal(literal.trim_end_matches('"').to_owned()),
            None => Node::Name(token),
        },
    }
}
