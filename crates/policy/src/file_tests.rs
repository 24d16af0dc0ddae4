//! Policy files as they are found, and as they should not be.

use super::*;
use crate::check::Rules;
use crate::credentials::{Credentials, Target};

fn decisions(text: &str) -> Vec<(String, bool)> {
    let caller = Credentials {
        roles: vec!["member".to_owned()],
        ..Credentials::default()
    };
    PolicyFile::parse(text, "policy.yaml")
        .unwrap()
        .rules
        .into_iter()
        .map(|(name, check)| (name, check.allows(&Rules::new(), &caller, &Target::new())))
        .collect()
}

#[test]
fn lines_of_name_and_check_are_read() {
    let table: [(&str, &[(&str, bool)]); 15] = [
        ("", &[]),
        ("---\n# comment\n\n{}\n", &[]),
        ("\"a\": \"role:member\"", &[("a", true)]),
        ("\"a:b:c\": \"role:admin\"  # why", &[("a:b:c", false)]),
        ("'a': 'role:member'", &[("a", true)]),
        ("a:b: role:member", &[("a:b", true)]),
        ("a: role:member # why", &[("a", true)]),
        ("a: \"\"", &[("a", true)]),
        ("a: '!'", &[("a", false)]),
        ("  \"a\"  :   \"@\"  ", &[("a", true)]),
        ("a: '''x'':%(y)s'", &[("a", false)]),
        ("\"a\": \"\\\"x\\\":x\"", &[("a", true)]),
        (
            "{\n\"a\": \"@\",\n\"b\": [[\"role:member\", \"@\"]],\n\"c\": []\n}",
            &[("a", true), ("b", true), ("c", true)],
        ),
        ("a: '!'\nb: '@'\na: '@'", &[("b", true), ("a", true)]),
        (
            "a: ['role:member']\n".replace('\'', "\"").leak(),
            &[("a", true)],
        ),
    ];
    for (text, expected) in table {
        let expected: Vec<(String, bool)> = expected
            .iter()
            .map(|(name, allowed)| ((*name).to_owned(), *allowed))
            .collect();
        assert_eq!(decisions(text), expected, "{text:?}");
    }
}

#[test]
fn everything_else_is_refused_with_its_place() {
    let table = [
        ("a", 1, 1, "expected"),
        ("\"a\" \"b\"", 1, 4, "colon"),
        ("\"a\": \"b", 1, 6, "quote"),
        ("\"a: b", 1, 1, "quote"),
        ("a: @", 1, 4, "quotes"),
        ("a: >\n  role:member", 1, 4, "quotes"),
        ("\n\na:\n", 3, 3, "expected a check"),
        ("\"a\": \"@\" \"b\"", 1, 10, "unexpected"),
        ("\"\": \"@\"", 1, 1, "without name"),
        ("\"a\": \"admin\"", 1, 7, "no colon"),
        ("  \"a\": \"@ and admin\"", 1, 15, "no colon"),
        ("a: \"\\x41\"", 1, 5, "escape"),
        ("a: [1]", 1, 4, "check in the list"),
        ("a: [", 1, 4, "list"),
        ("a: [\"@\"] x", 1, 10, "unexpected"),
        ("- a", 1, 1, "expected"),
        ("a:\n  b: '@'", 1, 3, "expected a check"),
    ];
    for (text, line, column, problem) in table {
        let error = PolicyFile::parse(text, "policy.yaml").unwrap_err();
        let place = format!("policy.yaml:{line}:{column}:");
        let message = error.to_string();
        assert!(message.starts_with(&place), "{text:?}: {message}");
        assert!(message.contains(problem), "{text:?}: {message}");
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let alphabet = [
        '"', '\'', ':', ' ', 'é', '#', '[', ']', '\\', ',', '@', '%', '(',
    ];
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}")))
            .collect();
        for text in &texts {
            let _ = PolicyFile::parse(text, "x");
            let _ = PolicyFile::parse(&format!("a: {text}"), "x");
            let _ = PolicyFile::parse(&format!("\"a\": \"{text}"), "x");
        }
    }
    assert_eq!(texts.len(), 13_usize.pow(4));
}
