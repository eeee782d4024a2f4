//! The file of the journal: the entries of small batches, one after the other, beside the database (`NAME-entries`).
//!
//! An entry holds only over the tables as they were when it was written. So each transaction over them draws a *mark*, which it
//! leaves in `numbers`, and an entry's checksum is taken over the mark and the entry's place, too: what was written over other
//! tables, or is only half there, does not read, and nothing after it either. Moving entries into their tables draws a new mark
//! and so empties the file without a write to it. [`Database`](super::database) says when which is done.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};

use super::open::beside;
use super::salvage::{identity, identity_of};

/// What stands before an entry: its length (4 bytes) and its checksum (8), low bytes first.
const HEAD: usize = 12;

/// More than is ever written, so that whatever lies there is read within bounds.
const MOST: u64 = 1 << 20;

/// The open file. Nobody else has it: it is opened when the database is locked, and closed before that is given up.
#[derive(Debug)]
pub(super) struct Entries {
    file: File,
    path: PathBuf,
    /// Where the next entry stands.
    end: usize,
    /// An entry with its head.
    framed: Vec<u8>,
}

impl Entries {
    /// Opens the file of the database at `path`, or makes it; with the entries in it that hold over `mark`, and how many they are.
    pub(super) fn open(path: &Path, mark: Option<i64>) -> Result<(Self, Vec<u8>, usize)> {
        let database = path;
        let path = beside(database, "-entries");
        if std::fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            // A link would lead out of the folder, and a pipe never end.
            return Err(Error::new(ErrorKind::InvalidInput, format!("{} is no file", path.display())));
        }
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut bytes = Vec::new();
        (&file).take(MOST).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            // Who may not read the database must not read this. Some file systems know no permissions.
            let _ = std::fs::metadata(database).and_then(|of| file.set_permissions(of.permissions()));
        }
        let (entries, n, end) = mark.map(|mark| read(&bytes, mark)).unwrap_or_default();
        Ok((Self { file, path, end, framed: Vec::new() }, entries, n))
    }

    /// Adds an entry; where that fails, the next is written over what there is of it.
    pub(super) fn add(&mut self, mark: i64, entry: &[u8]) -> Result<()> {
        self.framed.clear();
        // One that is longer than these numbers go would not read; small batches are not.
        self.framed.extend(u32::try_from(entry.len()).unwrap_or(0).to_le_bytes());
        self.framed.extend(checksum(mark, self.end, entry).to_le_bytes());
        self.framed.extend(entry);
        write_at(&mut self.file, &self.framed, self.end)?;
        self.end += self.framed.len();
        Ok(())
    }

    /// What is there is in the tables: a mark is drawn over which it does not hold.
    pub(super) fn begin_anew(&mut self) {
        self.end = 0;
    }

    /// Leaves no byte of what was there.
    pub(super) fn erase(&mut self) -> Result<()> {
        self.file.set_len(0)?;
        self.end = 0;
        Ok(())
    }

    /// Whether it is the one at its path: it may have been deleted, and another made there.
    fn is_there(&self) -> Result<bool> {
        Ok(identity_of(&self.file.metadata()?) == identity(&self.path)?)
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        if self.end == 0 && self.is_there().unwrap_or(false) {
            // Where this fails a file stays of which nothing reads.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// One call of the system where there is one for it.
#[cfg(unix)]
fn write_at(file: &mut File, bytes: &[u8], at: usize) -> Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at as u64)
}

#[cfg(not(unix))]
fn write_at(file: &mut File, bytes: &[u8], at: usize) -> Result<()> {
    use std::io::{Seek, SeekFrom, Write};

    file.seek(SeekFrom::Start(at as u64))?;
    file.write_all(bytes)
}

/// The entries that hold over a mark, one after the other; how many they are, and where the last ends.
fn read(bytes: &[u8], mark: i64) -> (Vec<u8>, usize, usize) {
    let (mut entries, mut n, mut end) = (Vec::new(), 0, 0);
    while let Some(entry) = bytes.get(end..).and_then(|rest| first(rest, mark, end)) {
        entries.extend(entry);
        n += 1;
        end += HEAD + entry.len();
    }
    (entries, n, end)
}

fn first(bytes: &[u8], mark: i64, at: usize) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let entry = rest.get(..u32::from_le_bytes(*len) as usize).filter(|entry| !entry.is_empty())?;
    (u64::from_le_bytes(*sum) == checksum(mark, at, entry)).then_some(entry)
}

/// FNV-1a (Fowler, Noll, Vo) of 64 bits, of the mark, the entry's place and the entry.
fn checksum(mark: i64, at: usize, entry: &[u8]) -> u64 {
    let (mark, at) = (mark.to_le_bytes(), (at as u64).to_le_bytes());
    let bytes = mark.iter().chain(&at).chain(entry);
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: i64 = -5;

    fn open(path: &Path, mark: i64) -> (Entries, Vec<u8>, usize) {
        Entries::open(path, Some(mark)).unwrap()
    }

    /// A file with entries of one, two and three bytes, of which some wait; where it is, and where they end.
    fn kept(path: &Path) -> (PathBuf, [usize; 3]) {
        let (mut file, ..) = open(path, MARK);
        let ends = [&b"a"[..], b"bc", b"def"].map(|entry| {
            file.add(MARK, entry).unwrap();
            file.end
        });
        (file.path.clone(), ends)
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_has_what_was_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let (file, ends) = kept(&path);
        let whole = std::fs::read(&file).unwrap();
        assert_eq!(whole.len(), ends[2]);
        for n in 0..=whole.len() {
            std::fs::write(&file, &whole[..n]).unwrap();
            let (mut open, entries, count) = open(&path, MARK);
            assert_eq!(count, ends.iter().filter(|end| **end <= n).count(), "cut to {n}");
            assert_eq!(entries, b"abcdef"[..[0, 1, 3, 6][count]]);
            // And goes on behind it.
            open.add(MARK, b"more").unwrap();
            assert_eq!(super::read(&std::fs::read(&file).unwrap(), MARK).1, count + 1);
        }
    }

    #[test]
    fn a_byte_that_changes_ends_what_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let (file, ends) = kept(&path);
        let whole = std::fs::read(&file).unwrap();
        for place in 0..whole.len() {
            for flip in [1, 0x80] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                std::fs::write(&file, &bytes).unwrap();
                let before = ends.iter().filter(|end| **end <= place).count();
                assert_eq!(open(&path, MARK).2, before, "byte {place}");
                std::fs::write(&file, &whole).unwrap();
            }
        }
    }

    #[test]
    fn entries_hold_over_their_mark_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let (file, _) = kept(&path);
        let whole = std::fs::read(&file).unwrap();
        for mark in [None, Some(MARK - 1), Some(0)] {
            assert_eq!(Entries::open(&path, mark).unwrap().2, 0);
            assert!(!file.exists(), "nothing waits in it");
            std::fs::write(&file, &whole).unwrap();
        }
        // A shorter one over another mark, before those that were there.
        let (mut other, ..) = open(&path, MARK);
        other.begin_anew();
        other.add(7, b"x").unwrap();
        assert_eq!((open(&path, 7).1, open(&path, MARK).1), (b"x".to_vec(), Vec::new()));
    }

    #[test]
    fn what_is_closed_and_empty_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let (file, _) = kept(&path);
        drop(open(&path, MARK));
        assert!(file.exists(), "entries wait in it");
        let (mut erased, ..) = open(&path, MARK);
        erased.erase().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"");
        drop(erased);
        assert!(!file.exists());
    }

    #[test]
    fn what_another_has_put_in_its_place_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let (before, ..) = open(&path, MARK);
        let file = before.path.clone();
        std::fs::remove_file(&file).unwrap();
        let (after, ..) = open(&path, MARK);
        drop(before);
        assert!(file.exists());
        drop(after);
        assert!(!file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn who_may_not_read_the_database_may_not_read_it() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        for mode in [0o600, 0o640] {
            std::fs::write(&path, b"").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let (file, ..) = open(&path, MARK);
            assert_eq!(file.file.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn whatever_lies_there_is_read_within_bounds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        for bytes in [vec![0; 100], vec![0xff; 3 << 20]] {
            std::fs::write(dir.path().join("s.db-entries"), bytes).unwrap();
            assert_eq!(open(&path, MARK).1, b"");
        }
    }
}
