//! Texts with escapes.

use super::{Malformed, Read, Reader, scan};

impl Reader<'_> {
    /// A text with escapes, the quote before it behind.
    #[cold]
    pub(super) fn escaped(&mut self) -> Read<String> {
        let start = self.at();
        self.skip(scan::plain(self.rest));
        let before = self.since(start)?;
        // Most texts with escapes are short, and what is escaped is shorter than its escape.
        let mut text = String::with_capacity(before.len() + 32);
        text.push_str(before);
        while let Some(c) = self.escape_or_end()? {
            text.push(c);
            let from = self.at();
            self.skip(scan::plain(self.rest));
            text.push_str(self.since(from)?);
        }
        Ok(text)
    }

    /// Passes over a text with escapes likewise.
    #[cold]
    pub(super) fn pass_escaped(&mut self) -> Read<()> {
        self.skip(scan::plain(self.rest));
        while self.escape_or_end()?.is_some() {
            self.skip(scan::plain(self.rest));
        }
        Ok(())
    }

    /// The character of the escape that comes; `None`: the text ends.
    fn escape_or_end(&mut self) -> Read<Option<char>> {
        match self.rest {
            [b'"', ..] => {
                self.skip(1);
                Ok(None)
            }
            [b'\\', kind, ..] => {
                self.skip(2);
                self.escape(*kind).map(Some)
            }
            _ => Err(Malformed),
        }
    }

    /// The character of an escape of this kind, which is behind.
    fn escape(&mut self, kind: u8) -> Read<char> {
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(Malformed),
        })
    }

    /// The character of one escape, or of two that are a pair of surrogates.
    fn unicode(&mut self) -> Read<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Malformed);
        }
        self.word(b"\\u")?;
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Malformed);
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(Malformed)
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self.rest.first_chunk::<4>().ok_or(Malformed)?;
        self.skip(4);
        let digit = |b: &u8| char::from(*b).to_digit(16);
        digits.iter().try_fold(0, |n, b| Some(n * 16 + digit(b)?)).ok_or(Malformed)
    }
}
