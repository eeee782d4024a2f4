//! Whether a text is one of the grammar's: all ways to read it are followed, each place and node once.

use std::collections::{BTreeSet, HashMap};

use crate::ebnf::{Grammar, Node};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted,
    Text,
    Whole,
    Decimal,
    Sign(String),
}

/// Whether the whole text is a `rule`.
pub(crate) fn reads(grammar: &Grammar, text: &str) -> bool {
    let tokens = tokens(text);
    let mut reading = Reading { grammar, tokens: &tokens, known: HashMap::new() };
    reading.ends(&grammar.productions["rule"], 0).contains(&tokens.len())
}

struct Reading<'g> {
    grammar: &'g Grammar,
    tokens: &'g [Token],
    known: HashMap<(*const Node, usize), BTreeSet<usize>>,
}

impl<'g> Reading<'g> {
    /// Where the node may end that begins at `at`.
    fn ends(&mut self, node: &'g Node, at: usize) -> BTreeSet<usize> {
        let key = (std::ptr::from_ref(node), at);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let ends = match node {
            Node::Literal(l) => self.literal(l, at).then_some(at + 1).into_iter().collect(),
            Node::Name(name) => match self.grammar.productions.get(name) {
                Some(production) => self.ends(production, at),
                None => self.end(name, at).then_some(at + 1).into_iter().collect(),
            },
            Node::Sequence(all) => {
                let from = BTreeSet::from([at]);
                all.iter().fold(from, |from, n| from.into_iter().flat_map(|at| self.ends(n, at)).collect())
            }
            Node::Choice(all) => all.iter().flat_map(|n| self.ends(n, at)).collect(),
            Node::Option(n) => self.ends(n, at).into_iter().chain([at]).collect(),
            Node::Repeat(n) => {
                let (mut out, mut new) = (BTreeSet::from([at]), vec![at]);
                while let Some(at) = new.pop() {
                    new.extend(self.ends(n, at).into_iter().filter(|end| out.insert(*end)));
                }
                out
            }
        };
        self.known.insert(key, ends.clone());
        ends
    }

    fn literal(&self, literal: &str, at: usize) -> bool {
        match self.tokens.get(at) {
            // Units of three letters and more have a plural.
            Some(Token::Word(w)) => {
                let plural = literal.len() > 2 && w.to_uppercase() == format!("{literal}S");
                w.eq_ignore_ascii_case(literal) || plural
            }
            Some(Token::Sign(s)) => s == literal,
            _ => false,
        }
    }

    fn end(&self, name: &str, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        match name {
            "stage" | "name" => matches!(token, Token::Word(_) | Token::Quoted),
            "n" => *token == Token::Whole,
            "number" => matches!(token, Token::Whole | Token::Decimal),
            _ => *token == Token::Text,
        }
    }
}

const SIGNS: [&str; 9] = ["->>", "->", "=>", "==", "!=", "<>", "<=", ">=", "--"];

fn tokens(text: &str) -> Vec<Token> {
    let (mut out, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, end) = if rest.starts_with("--") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if first == '\'' || first == '`' {
            (Some(if first == '`' { Token::Quoted } else { Token::Text }), closing(rest, first))
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Some(Token::Word(rest[..end].to_owned())), end)
        } else if first.is_ascii_digit() {
            number(rest)
        } else {
            let sign = SIGNS.iter().find(|s| rest.starts_with(**s)).map_or(first.len_utf8(), |s| s.len());
            (Some(Token::Sign(rest[..sign].to_owned())), sign)
        };
        out.extend(token);
        rest = rest[end..].trim_start();
    }
    out
}

fn number(rest: &str) -> (Option<Token>, usize) {
    let digits = |from: usize| rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| from + n);
    let whole = digits(0);
    let mut end = whole;
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    let exponent = rest[end..].strip_prefix(['e', 'E']).map(|e| e.trim_start_matches(['+', '-']));
    if let Some(e) = exponent.filter(|e| e.starts_with(|c: char| c.is_ascii_digit())) {
        end = digits(rest.len() - e.len());
    }
    (Some(if end == whole { Token::Whole } else { Token::Decimal }), end)
}

/// Where a quoted piece ends; a doubled quote inside stands for itself.
fn closing(rest: &str, quote: char) -> usize {
    let mut at = 1;
    loop {
        at += rest[at..].find(quote).unwrap() + 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
}
