//! MATCHES: a search in linear time, by `regex-lite` (75 KB in a mobile build, against 1.1 MB for `regex`).

use std::hash::{Hash, Hasher};

use ensue_rule::Span;

use crate::Error;

/// A compiled regular expression. Equal where its text is.
#[derive(Clone, Debug)]
pub(crate) struct Regex(regex_lite::Regex);

impl Regex {
    pub(crate) fn new(text: &str, span: Span) -> Result<Self, Error> {
        regex_lite::RegexBuilder::new(text).size_limit(1 << 16).build().map(Self).map_err(|e| {
            Error::refused(
                format!("MATCHES has a regular expression that cannot be used: {e}"),
                "MATCHES takes no `\\p{..}`, no look-around and no backreferences; docs/dsl.md says what it takes",
                span,
            )
        })
    }

    pub(crate) fn finds(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Hash for Regex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}
