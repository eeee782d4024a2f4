//! The lines of a file of events, read piece by piece: memory does not grow with the file nor with a line. A line is lent from
//! its piece; only one that two pieces share is put together.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::failure::Failure;
use crate::input;
use crate::output;

/// Bytes read at once.
const PIECE: usize = 256 * 1024;
/// Of a longer line only so much is kept; it is over the limit of an event in any case.
const LONGEST: usize = 128 * 1024;

/// The lines of a file.
pub(crate) struct Lines {
    name: String,
    reader: BufReader<Box<dyn Read>>,
    /// So much of the piece at hand is lent.
    lent: usize,
    /// A line that is whole in no piece.
    line: Vec<u8>,
    read: u64,
    length: Option<u64>,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (file, length) = input::open(path)?;
        let reader = BufReader::with_capacity(PIECE, file);
        Ok(Self { name: input::name(path), reader, lent: 0, line: Vec::new(), read: 0, length })
    }

    /// The next line, its end included.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.reader.consume(std::mem::take(&mut self.lent));
        let Some(end) = memchr::memchr(b'\n', self.piece()?) else { return self.put_together() };
        self.lent = end + 1;
        self.count(self.lent);
        Ok(self.reader.buffer().get(..=end))
    }

    /// The piece at hand, or the next one; empty: the file is at its end.
    fn piece(&mut self) -> Result<&[u8], Failure> {
        self.reader.fill_buf().map_err(|e| Failure::io("read", &self.name, &e))
    }

    /// The next line, which ends in a later piece or with the file.
    fn put_together(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        let mut any = false;
        loop {
            let room = LONGEST.saturating_sub(self.line.len());
            let piece = self.reader.fill_buf().map_err(|e| Failure::io("read", &self.name, &e))?;
            if piece.is_empty() {
                return Ok(any.then_some(self.line.as_slice()));
            }
            any = true;
            let end = memchr::memchr(b'\n', piece).map(|at| at + 1);
            let taken = end.unwrap_or(piece.len());
            self.line.extend_from_slice(piece.get(..taken.min(room)).unwrap_or_default());
            self.reader.consume(taken);
            self.count(taken);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.read += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Whether the next line has to be waited for.
    pub(crate) fn is_drained(&self) -> bool {
        self.reader.buffer().len() <= self.lent
    }

    /// Bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// Bytes of the file, where it has an end.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }
}

/// Says how many lines of a file are no events, where they are not printed one by one.
pub(crate) fn note_rejected(path: &Path, lines: usize) {
    let (lines, are) = match lines {
        0 => return,
        1 => ("1 line".to_owned(), "is no event"),
        n => (format!("{n} lines"), "are no events"),
    };
    output::note(&format!("ensue: {lines} of {} {are}; `ensue run` says why", input::name(path)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads in pieces of so many bytes.
    fn lines(text: &'static [u8], piece: usize) -> Lines {
        let reader = BufReader::with_capacity(piece, Box::new(text) as Box<dyn Read>);
        Lines { name: String::new(), reader, lent: 0, line: Vec::new(), read: 0, length: None }
    }

    #[test]
    fn lines_are_the_same_whatever_the_pieces() {
        let texts: [&[u8]; 7] =
            [b"", b"\n", b"a", b"ab\ncd\n", b"ab\n\ncd", b"\n\nabcdefgh\ni\r\n", b"abcdefghijklmnop\nq"];
        for text in texts {
            let expected: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
            for piece in 1..20 {
                let (mut lines, mut found) = (lines(text, piece), Vec::new());
                while let Some(line) = lines.next().unwrap() {
                    found.push(line.to_vec());
                    let so_far: usize = found.iter().map(Vec::len).sum();
                    assert_eq!(lines.read(), u64::try_from(so_far).unwrap());
                    assert!(so_far < text.len() || lines.is_drained());
                }
                assert_eq!(found, expected, "pieces of {piece}");
            }
        }
    }

    #[test]
    fn of_a_very_long_line_a_part_is_kept() {
        static LONG: [u8; 2 * LONGEST] = [b'a'; 2 * LONGEST];
        let mut lines = lines(&LONG, PIECE / 3);
        assert_eq!(lines.next().unwrap().unwrap().len(), LONGEST);
        assert_eq!(lines.read(), u64::try_from(LONG.len()).unwrap());
        assert!(lines.next().unwrap().is_none());
    }
}
