//! A folder of the bench's own in the folder for temporary files; gone with the value.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A folder.
#[derive(Debug)]
pub(super) struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        let dir = std::env::temp_dir().join(format!("ensue-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|e| Failure::io("make the folder", &dir.display().to_string(), &e))?;
        Ok(Self { dir })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn failure(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
        Failure::io(doing, &path.display().to_string(), error)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
