//! Finds and reads case files.

use std::path::{Path, PathBuf};

use crate::case::Case;

/// The cases of a file, or of all `.json` files of a folder and its folders, in the order of their names.
///
/// # Errors
/// The file that cannot be read, and why.
pub fn cases(path: &Path) -> Result<Vec<(PathBuf, Case)>, String> {
    let problem = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|e| problem(&e))? {
            let entry = entry.map_err(|e| problem(&e))?.path();
            if entry.is_dir() || entry.extension().is_some_and(|e| e == "json") {
                inside.push(entry);
            }
        }
        inside.sort();
        let each: Result<Vec<_>, _> = inside.iter().map(|p| cases(p)).collect();
        return each.map(|lists| lists.into_iter().flatten().collect());
    }
    let text = std::fs::read_to_string(path).map_err(|e| problem(&e))?;
    let list: Vec<Case> = serde_json::from_str(&text).map_err(|e| problem(&e))?;
    Ok(list.into_iter().map(|case| (path.to_owned(), case)).collect())
}

/// The folder of cases that this crate carries.
pub fn own_cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}
