//! Passwords that everybody tries first.

use super::folded;

/// The list, sorted bytewise, one lower-case entry a line. See `data/README.md` for its source.
const COMMON: &str = include_str!("../../../data/common_passwords.txt");

/// Shortest stem worth looking up: shorter ones occur inside good passwords by chance.
const MIN_STEM: usize = 5;

/// Whether `password`, or what is left of it without a tail of digits and punctuation, is on the list
/// of common passwords, or two of them joined, or something short said again and again.
///
/// Long passwords are made so: of what the list holds itself only some dozens have 15 characters, joined
/// in pairs it covers millions.
pub(super) fn is_common(password: &str) -> bool {
    let whole = folded(password);
    let is_listed = |stem: &str| stem.chars().count() >= MIN_STEM && (contains(stem) || is_joined(stem));
    contains(&whole) || is_repeated(&whole) || is_joined(&whole) || stems(&whole).any(is_listed)
}

/// Whether `word` is two entries of the list, one after the other, with nothing or one separator between.
fn is_joined(word: &str) -> bool {
    let is_part = |part: &str| part.chars().count() >= MIN_STEM && contains(part);
    let separators = |c: char| matches!(c, ' ' | '-' | '_');
    word.char_indices().any(|(at, _)| {
        let (first, second) = word.split_at(at);
        is_part(first) && (is_part(second) || is_part(second.trim_start_matches(separators)))
    })
}

/// Whether `word` is a few characters, or an entry of the list, three times or more, or an entry twice.
fn is_repeated(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    (1..=letters.len() / 2).any(|unit| {
        let repeats =
            letters.len().is_multiple_of(unit) && letters.chunks(unit).all(|chunk| chunk == &letters[..unit]);
        repeats
            && (unit <= MIN_STEM && letters.len() / unit >= 3
                || contains(&letters[..unit].iter().collect::<String>()))
    })
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
        for good in
            ["correct horse battery staple", "Vq7#mLw2x", "plain words at dawn", "violet gravel lantern"]
        {
            assert!(!is_common(good), "{good}");
        }
    }

    /// PW-06: what people choose when fifteen characters are asked for.
    #[test]
    fn common_passwords_of_fifteen_characters_are_refused() {
        for weak in [
            "passwordpassword",
            "password password",
            "123456789012345",
            "1234567890123456",
            "qwertyuiopasdfghjkl",
            "1q2w3e4r5t6y7u8i",
            "1qaz2wsx3edc4rfv",
            "iloveyouiloveyou",
            "manchesterunited",
            "football-baseball",
            "liverpoolchelsea1",
            "abc123abc123abc123",
            "qwerty123456789",
            "SunshinePrincess2024!",
            "letmeinletmein123",
            "abcabcabcabcabc",
            "dragon_superman99",
            "Welcome123Welcome123",
            "michaeljennifer!!",
            "trustno1trustno1",
        ] {
            assert!(weak.len() >= 15 && is_common(weak), "{weak}");
        }
    }

    /// PW-06 asks for the 3000 commonest of each length that a policy may demand.
    #[test]
    fn three_thousand_entries_fit_the_policy_at_nine_and_at_fifteen_characters() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.iter().filter(|line| line.chars().count() >= 9).count() >= 3000);
        let long = lines.iter().filter(|line| line.chars().count() >= 8).take(60);
        let pairs = long.clone().flat_map(|one| long.clone().map(move |other| format!("{one}{other}")));
        let refused = pairs.filter(|pair| pair.chars().count() >= 15 && is_common(pair)).count();
        assert!(refused >= 3000, "{refused}");
    }
}
