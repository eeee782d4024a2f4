//! Random texts of the grammar.

use std::collections::BTreeSet;

use crate::ebnf::{Grammar, Node};

/// A text by its seed; `used` collects the alternatives that were taken.
pub(crate) fn write(grammar: &Grammar, seed: u64, used: &mut BTreeSet<String>) -> String {
    let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut writing = Writing { grammar, random, used, words: Vec::new(), stages: 0, declares: false };
    writing.node(&grammar.productions["rule"], 0);
    writing.words.join(" ")
}

struct Random(u64);

impl Random {
    /// Below `n` (splitmix64).
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

struct Writing<'g, 'u> {
    grammar: &'g Grammar,
    random: Random,
    used: &'u mut BTreeSet<String>,
    words: Vec<String>,
    stages: usize,
    /// In the pattern a stage is a new one, elsewhere one that is there.
    declares: bool,
}

/// Deeper than this nothing optional is written.
const DEEP: usize = 26;

impl Writing<'_, '_> {
    fn node(&mut self, node: &Node, depth: usize) {
        match node {
            Node::Literal(l) => {
                let lower = self.random.below(6) == 0 && l.chars().all(|c| c.is_ascii_uppercase() || c == '_');
                self.words.push(if lower { l.to_lowercase() } else { l.clone() });
            }
            Node::Name(name) => self.name(name, depth),
            Node::Sequence(all) => all.iter().for_each(|n| self.node(n, depth)),
            Node::Choice(all) => {
                // Far down the shortest way out is taken.
                let n = if depth > DEEP { self.shortest(all) } else { self.random.below(all.len()) };
                self.used.insert(format!("{:?}", all[n]));
                self.node(&all[n], depth + 1);
            }
            Node::Option(n) => {
                // Without a stage an attribute means something in few places.
                let stage = matches!(&**n, Node::Sequence(all) if matches!(&all[0], Node::Name(s) if s == "stage"));
                let likely = if stage { 11 } else { 4 };
                if (depth <= DEEP || stage) && self.random.below(12) < likely {
                    self.used.insert(format!("{n:?}"));
                    self.node(n, depth + 1);
                }
            }
            Node::Repeat(n) => {
                let mut likely = 4;
                while depth <= DEEP && self.random.below(10) < likely {
                    likely = likely.saturating_sub(1);
                    self.used.insert(format!("{n:?}"));
                    self.node(n, depth + 1);
                }
            }
        }
    }

    /// The alternative that leads down least.
    fn shortest(&self, all: &[Node]) -> usize {
        (0..all.len()).min_by_key(|n| self.height(&all[*n], 0)).unwrap()
    }

    fn height(&self, node: &Node, depth: usize) -> usize {
        if depth > 12 {
            return 1_000;
        }
        match node {
            Node::Literal(_) | Node::Option(_) | Node::Repeat(_) => 0,
            Node::Name(n) => self.grammar.productions.get(n).map_or(0, |p| 1 + self.height(p, depth + 1)),
            Node::Sequence(all) => all.iter().map(|n| self.height(n, depth + 1)).max().unwrap_or(0),
            Node::Choice(all) => all.iter().map(|n| self.height(n, depth + 1)).min().unwrap_or(0),
        }
    }

    fn name(&mut self, name: &str, depth: usize) {
        let before = self.declares;
        match name {
            "sequence" => self.declares = true,
            "condition" => self.declares = false,
            _ => {}
        }
        if let Some(node) = self.grammar.productions.get(name) {
            self.node(node, depth + 1);
        } else {
            let word = self.end(name);
            self.words.push(word);
        }
        self.declares = before;
    }

    fn end(&mut self, name: &str) -> String {
        match name {
            "stage" if self.declares => {
                self.stages += 1;
                stage(self.stages)
            }
            "stage" => {
                let n = 1 + self.random.below(self.stages.max(1));
                stage(n)
            }
            "name" => {
                const NAMES: [&str; 8] = ["x", "price", "item_2", "`item id`", "трек", "`AS`", "`it``s`", "first"];
                NAMES[self.random.below(NAMES.len())].to_owned()
            }
            "n" => (1 + self.random.below(9)).to_string(),
            "number" => ["0", "7", "9223372036854775807", "1.5", "2e3", "0.001"][self.random.below(6)].to_owned(),
            "text" => ["''", "'pv'", "'it''s'", "'ü %_'", "'^a.*'"][self.random.below(5)].to_owned(),
            _ => panic!("what is {name}?"),
        }
    }
}

/// Names of which every third needs backticks or is a word of the language elsewhere.
fn stage(n: usize) -> String {
    match n % 9 {
        3 => format!("`stage {n}`"),
        6 => format!("`event{n}`"),
        7 => format!("min{n}"),
        _ => format!("s{n}"),
    }
}
