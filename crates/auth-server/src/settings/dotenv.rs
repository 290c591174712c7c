//! Reads `.env` files by the rules of python-dotenv, which wrote down how existing files look.
//!
//! An own reader, because the value must never reach a message, every message must name its line,
//! and a `$` in a password must stay a `$`: the crates for this print the line, know no numbers and
//! put the environment's values into the text.

/// One assignment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line of the name, from 1.
    pub(crate) line: usize,
    /// The name, as written.
    pub(crate) name: String,
    /// The value, without quotes and comment.
    pub(crate) value: String,
}

/// What is wrong with a line; never a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) why: &'static str,
}

/// Reads every assignment of `text`, in order.
///
/// Values in quotes may go over several lines. `\n`, `\t`, `\"` and `\\` mean what they mean
/// elsewhere in double quotes; in single quotes only `\'` and `\\` do; without quotes a `#` after a
/// space begins a comment.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    let mut rest = text;
    loop {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let fail = |why| Malformed { line, why };
        let (head, after) = split_line(rest);
        let trimmed = head.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            if after.is_empty() {
                return Ok(entries);
            }
            rest = after;
            continue;
        }
        let (name, _) = head.split_once('=').ok_or(fail("expected NAME=value"))?;
        let value = rest[name.len() + 1..].trim_start_matches([' ', '\t']);
        let name = name.trim();
        let name = name.strip_prefix("export").filter(|n| n.starts_with([' ', '\t'])).unwrap_or(name).trim();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "'\"#$".contains(c)) {
            return Err(fail("expected NAME=value"));
        }
        let (value, after) = if let Some(quote @ ('"' | '\'')) = value.chars().next() {
            let (value, after) = quoted(&value[1..], quote).ok_or(fail("a quote is not closed"))?;
            let (tail, after) = split_line(after);
            if !tail.trim().is_empty() && !tail.trim().starts_with('#') {
                return Err(fail("text after the closing quote"));
            }
            (value, after)
        } else {
            let (value, after) = split_line(value);
            (uncommented(value).to_owned(), after)
        };
        entries.push(Entry { line, name: name.to_owned(), value });
        rest = after;
    }
}

/// The first line without its end, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), rest)
}

/// A value without quotes, without its comment.
fn uncommented(value: &str) -> &str {
    let comment = value
        .char_indices()
        .find(|(at, c)| *c == '#' && (*at == 0 || value[..*at].ends_with(char::is_whitespace)))
        .map_or(value.len(), |(at, _)| at);
    value[..comment].trim_end()
}

/// The text up to the closing `quote`, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((value, &text[at + 1..]));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        let (_, escaped) = chars.next()?;
        match escaped {
            '\\' | '\'' => value.push(escaped),
            '"' if quote == '"' => value.push('"'),
            'n' if quote == '"' => value.push('\n'),
            'r' if quote == '"' => value.push('\r'),
            't' if quote == '"' => value.push('\t'),
            other => value.extend(['\\', other]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(usize, String, String)> {
        parse(text).unwrap().into_iter().map(|entry| (entry.line, entry.name, entry.value)).collect()
    }

    fn one(text: &str) -> String {
        let mut entries = parse(text).unwrap();
        assert_eq!(entries.len(), 1, "{text:?}");
        entries.remove(0).value
    }

    #[test]
    fn reads_what_existing_files_hold() {
        let text = "\u{feff}# head\r\n\nA=1\nexport B = two words # note\nC=\nD='x#y'  # note\n\
                    KEY=\"-----BEGIN\nabc\n-----END\"\nE=a#b\nF=p$s{}\"w";
        let expected = [
            (3, "A", "1"),
            (4, "B", "two words"),
            (5, "C", ""),
            (6, "D", "x#y"),
            (7, "KEY", "-----BEGIN\nabc\n-----END"),
            (10, "E", "a#b"),
            (11, "F", "p$s{}\"w"),
        ];
        assert_eq!(values(text), expected.map(|(n, a, b)| (n, a.to_owned(), b.to_owned())));
    }

    #[test]
    fn escapes_depend_on_the_quotes() {
        assert_eq!(one(r#"A="a\"b\\c\nd\x""#), "a\"b\\c\nd\\x");
        assert_eq!(one(r"A='a\'b\\c\nd'"), "a'b\\c\\nd");
        assert_eq!(one(r"A=a\nb"), r"a\nb");
        assert_eq!(one("A=  # only a comment"), "");
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        assert_eq!(parse("A=1\nhunter2"), Err(Malformed { line: 2, why: "expected NAME=value" }));
        assert_eq!(parse("\nA=\"hunter2"), Err(Malformed { line: 2, why: "a quote is not closed" }));
        assert_eq!(parse("A='x' y"), Err(Malformed { line: 1, why: "text after the closing quote" }));
        assert_eq!(parse("two words=1").unwrap_err().line, 1);
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(values(""), []);
        assert_eq!(values("\n\n# x"), []);
        assert_eq!(values("A=1\n").len(), 1);
    }
}
