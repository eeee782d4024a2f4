//! The lines of a file of events, read piece by piece: memory does not grow with the file nor with a line.

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
    line: Vec<u8>,
    read: u64,
    length: Option<u64>,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (file, length) = input::open(path)?;
        let reader = BufReader::with_capacity(PIECE, file);
        Ok(Self { name: input::name(path), reader, line: Vec::new(), read: 0, length })
    }

    /// The next line, its end included.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        let mut any = false;
        loop {
            let piece = self.reader.fill_buf().map_err(|e| Failure::io("read", &self.name, &e))?;
            if piece.is_empty() {
                return Ok(any.then_some(self.line.as_slice()));
            }
            any = true;
            let end = piece.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(piece.len());
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(taken.min(room)));
            self.reader.consume(taken);
            self.read += u64::try_from(taken).unwrap_or(u64::MAX);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }

    /// Whether the next line has to be waited for.
    pub(crate) fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
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
