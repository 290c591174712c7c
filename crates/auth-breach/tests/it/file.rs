//! Files of hashes.

use std::fs;

use auth_breach::{BreachFile, BreachFileError};
use auth_domain::port::BreachedPasswords as _;
use auth_testkit::part::{Part, ranges::sha1};

use crate::password;

/// A file of the hashes of `word 0` to `word COUNT-1`, each line ended by `end`.
fn written(part: &Part, count: usize, end: &str, last: &str) -> std::path::PathBuf {
    let mut digests: Vec<String> = (0..count).map(|number| sha1(&format!("word {number}"))).collect();
    digests.sort();
    let counted = |(number, digest): (usize, &String)| match number % 3 {
        0 => digest.clone(),
        _ => format!("{digest}:{}", number * 7919),
    };
    let lines: Vec<String> = digests.iter().enumerate().map(counted).collect();
    part.write("hashes.txt", &format!("{}{last}", lines.join(end)))
}

#[tokio::test]
async fn every_hash_is_found_and_no_other() {
    for (count, end, last) in [(1, "\n", "\n"), (2, "\n", ""), (3, "\r\n", "\r\n"), (500, "\r\n", "")] {
        let part = Part::new("breach-file");
        let file = BreachFile::open(&written(&part, count, end, last)).unwrap();
        for number in 0..count {
            assert!(
                file.contains(&password(&format!("word {number}"))).await.unwrap(),
                "{number} of {count}"
            );
        }
        for number in count..count + 100 {
            assert!(
                !file.contains(&password(&format!("word {number}"))).await.unwrap(),
                "{number} of {count}"
            );
        }
    }
}

#[tokio::test]
async fn anything_but_sorted_hashes_is_refused() {
    let part = Part::new("breach-file");
    let (one, other) = ("0".repeat(40), "F".repeat(40));
    for content in [
        String::new(),
        "\n".to_owned(),
        "password\n".to_owned(),
        format!("{other}\n{one}\n"),
        format!("{one}\npassword\n"),
        "0".repeat(41),
        "0".repeat(4000),
    ] {
        let path = part.write("hashes.txt", &content);
        assert!(matches!(BreachFile::open(&path), Err(BreachFileError::Content(_))), "{content}");
    }
    let gone = part.dir().join("gone.txt");
    assert!(matches!(BreachFile::open(&gone), Err(BreachFileError::Io(..))));
}

#[tokio::test]
async fn a_file_that_breaks_in_the_middle_is_an_error_not_a_no() {
    let part = Part::new("breach-file");
    let path = written(&part, 100, "\n", "\n");
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_at(text.len() / 3);
    let broken = part.write("broken.txt", &format!("{before}{}{after}", "x".repeat(1000)));
    let file = BreachFile::open(&broken).unwrap();
    let mut failed = 0;
    for number in 0..100 {
        failed += u32::from(file.contains(&password(&format!("word {number}"))).await.is_err());
    }
    assert!(failed > 0);
}
