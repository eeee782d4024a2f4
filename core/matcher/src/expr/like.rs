//! LIKE: `%` any text, `_` one character, escape `\`, case-sensitive.
//!
//! Greedy matching with one restart point, so at most text x pattern steps; it never backtracks further.

/// A compiled LIKE pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Like {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Char(char),
    One,
    Any,
}

impl Like {
    pub(crate) fn new(pattern: &str) -> Self {
        let (mut parts, mut chars) = (Vec::new(), pattern.chars());
        while let Some(c) = chars.next() {
            parts.push(match c {
                '%' => Part::Any,
                '_' => Part::One,
                '\\' => Part::Char(chars.next().unwrap_or('\\')),
                c => Part::Char(c),
            });
        }
        parts.dedup_by(|a, b| *a == Part::Any && *b == Part::Any);
        Self { parts }
    }

    /// What every text that it matches begins with, and whether all that begins so matches.
    pub(crate) fn prefix(&self) -> (String, bool) {
        let plain = self.parts.iter().map_while(|p| match p {
            Part::Char(c) => Some(*c),
            Part::One | Part::Any => None,
        });
        let prefix: String = plain.collect();
        let whole = self.parts.get(prefix.chars().count()..) == Some(&[Part::Any]);
        (prefix, whole)
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Where to go on when what follows the last `%` does not fit: one character further.
        let mut restart = None;
        loop {
            match self.parts.get(at) {
                Some(Part::Any) => {
                    at += 1;
                    restart = Some((at, rest.clone()));
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                part => {
                    let next = rest.next();
                    let fits = match (part, next) {
                        (Some(Part::One), Some(_)) => true,
                        (Some(Part::Char(p)), Some(c)) => *p == c,
                        _ => false,
                    };
                    if fits {
                        at += 1;
                        continue;
                    }
                }
            }
            let Some((part, mut from)) = restart.take() else { return false };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (part, from.clone());
            restart = Some((part, from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_sql_does() {
        let yes =
            [("a%", "abc"), ("%c", "abc"), ("a_c", "abc"), ("%", ""), ("a%b%c", "axxbyyc"), (r"50\%", "50%"), ("", "")];
        let no = [("a%", "bc"), ("a_c", "ac"), ("_", ""), ("a%b", "ac"), (r"50\%", "50x"), ("", "a"), ("A", "a")];
        yes.iter().for_each(|(p, t)| assert!(Like::new(p).matches(t), "{p} {t}"));
        no.iter().for_each(|(p, t)| assert!(!Like::new(p).matches(t), "{p} {t}"));
        let prefixes =
            [("ab%", "ab", true), ("ab%c", "ab", false), ("ab", "ab", false), ("%", "", true), ("_%", "", false)];
        for (pattern, prefix, whole) in prefixes {
            assert_eq!(Like::new(pattern).prefix(), (prefix.to_owned(), whole), "{pattern}");
        }
        assert!(!Like::new(&"%a".repeat(100)).matches(&"a".repeat(99)));
    }
}
