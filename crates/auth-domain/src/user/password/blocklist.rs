//! Passwords that everybody tries first.

use super::folded;

/// The list, sorted bytewise, one lower-case entry a line. See `data/README.md` for its source.
const COMMON: &str = include_str!("../../../data/common_passwords.txt");

/// Shortest stem worth looking up: shorter ones occur inside good passwords by chance.
const MIN_STEM: usize = 5;

/// Whether `password`, or what is left of it without a tail of digits and punctuation, is on the list
/// of common passwords.
pub(super) fn is_common(password: &str) -> bool {
    let whole = folded(password);
    contains(&whole) || stems(&whole).any(|stem| stem.chars().count() >= MIN_STEM && contains(stem))
}

/// What remains when decoration is taken off the end, or off both ends.
fn stems(folded: &str) -> impl Iterator<Item = &str> {
    let decoration = |c: char| !c.is_alphabetic();
    [folded.trim_end_matches(decoration), folded.trim_matches(decoration)].into_iter()
}

fn contains(word: &str) -> bool {
    // Binary search over the text itself: no table to build at start-up.
    let bytes = COMMON.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let start = bytes[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end = bytes[start..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| start + at);
        match bytes[start..end].cmp(word.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_the_list_is_sorted() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 10_000, "{} entries", lines.len());
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| contains(line)));
        assert!(!contains("") && !contains("zzzzzzzzzzzz-not-there") && !contains("\0"));
    }

    #[test]
    fn decoration_does_not_hide_a_common_password() {
        for weak in ["password", "Password1!", "QWERTYUIOP", "password2026!!", "!!Password123"] {
            assert!(is_common(weak), "{weak}");
        }
        for good in ["correct horse battery staple", "Vq7#mLw2x"] {
            assert!(!is_common(good), "{good}");
        }
    }
}
