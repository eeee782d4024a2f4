//! "Did you mean": the known name nearest to a mistyped one.

/// The name among `known` that differs least from `word`, ignoring case, if it is near enough to be a slip.
pub fn nearest<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    const LONGEST: usize = 40;
    let word: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if word.len() > LONGEST {
        return None;
    }
    let near = |name: &str| {
        let name: Vec<char> = name.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
        let allowed = word.len().max(name.len()) / 3;
        Some(distance(&word, &name)).filter(|d| *d <= allowed)
    };
    known.into_iter().filter_map(|n| near(n).map(|d| (d, n))).min_by_key(|(d, _)| *d).map(|(_, n)| n)
}

/// `did you mean X?`, or `otherwise`.
pub(crate) fn hint<'n>(word: &str, known: impl IntoIterator<Item = &'n str>, otherwise: &str) -> String {
    nearest(word, known).map_or_else(|| otherwise.to_owned(), |n| format!("did you mean `{n}`?"))
}

/// How many letters must be inserted, left out, changed or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], i: usize| row.get(i).copied().unwrap_or(usize::MAX / 2);
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = at(&last, j) + usize::from(x != y);
            let best = change.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            row.push(if swapped { best.min(at(&before, j - 1) + 1) } else { best });
        }
        before = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["view", "leave", "actionType"];
        assert_eq!(nearest("veiw", known), Some("view"));
        assert_eq!(nearest("actiontype", known), Some("actionType"));
        assert_eq!(nearest("leaves", known), Some("leave"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest("x", ["y", "X"]), Some("X"));
    }
}
