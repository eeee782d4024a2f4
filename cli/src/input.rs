//! Files as they are named on the command line; `-` is standard input.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Stdin};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What a rule is called that stands alone in a file: as the file, without its ending.
pub(crate) fn stem(path: &Path) -> Cow<'_, str> {
    let stem = path.file_stem().filter(|_| !is_stdin(path));
    stem.map_or(Cow::Borrowed("rule"), |stem| stem.to_string_lossy())
}

/// Whoever comes second would find it empty.
fn stdin() -> Result<Stdin, Failure> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(Failure::new("standard input is named twice, and can be read only once"));
    }
    Ok(io::stdin())
}

/// The whole of a file: rules and tasks, which are small. A byte order mark is left out.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        stdin()?.read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|e| Failure::io("read", &name(path), &e))?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// A file to be read piece by piece, and its length where that is known.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if is_stdin(path) {
        return Ok((Box::new(stdin()?), None));
    }
    let failed = |e: io::Error| Failure::io("read", &name(path), &e);
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let length = meta.is_file().then_some(meta.len());
    Ok((Box::new(file), length))
}
