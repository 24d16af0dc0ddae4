//! The reader against what oslo.config answers for the same text.

use super::*;

/// Values as `section.option=value`, or the problem's line and a word of it.
fn read(text: &str) -> Result<Vec<String>, (usize, &'static str)> {
    parse(text)
        .map(|assignments| {
            assignments
                .into_iter()
                .map(|a| format!("{}.{}={}", a.section, a.option, a.value))
                .collect()
        })
        .map_err(|error| (error.line, error.problem))
}

#[test]
fn values_are_read_as_oslo_reads_them() {
    let table: [(&str, &[&str]); 22] = [
        ("[DEFAULT]\na = x", &["default.a=x"]),
        ("[DEFAULT]\na: x=y", &["default.a=x=y"]),
        ("[DEFAULT]\na=x:y", &["default.a=x:y"]),
        ("[DEFAULT]\na=x # c", &["default.a=x # c"]),
        ("[DEFAULT]\n# c\n;c\na=x", &["default.a=x"]),
        ("[DEFAULT]\na=\"x\"", &["default.a=x"]),
        ("[DEFAULT]\na='x'", &["default.a=x"]),
        ("[DEFAULT]\na=\"x", &["default.a=\"x"]),
        ("[DEFAULT]\na=\"x'", &["default.a=\"x'"]),
        ("[DEFAULT]\na=\"", &["default.a="]),
        ("[DEFAULT]\na=\"x\n  y\"", &["default.a=\"x\ny\""]),
        (
            "[DEFAULT]\na=x\n  y\n # z\nb=1",
            &["default.a=x\ny\n# z", "default.b=1"],
        ),
        ("[DEFAULT]\na=\n  l1\n\tl2", &["default.a=\nl1\nl2"]),
        ("[DEFAULT]\na=\n", &["default.a="]),
        ("[DEFAULT]\na=1\na=2", &["default.a=1", "default.a=2"]),
        ("[DEFAULT]\na=1\r\nb=2\r\n", &["default.a=1", "default.b=2"]),
        ("[DEFAULT]\ra=1\rb=2", &["default.a=1", "default.b=2"]),
        ("[DEFAULT] \na=1   ", &["default.a=1"]),
        ("[Nova-APIGW]\nbind-port=1", &["nova_apigw.bind_port=1"]),
        ("\u{feff}[DEFAULT]\na=1", &["default.a=1"]),
        ("[x]\n[y]\na=1\n[x]\nb=2", &["y.a=1", "x.b=2"]),
        ("# only a comment\n\n", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn lines_outside_the_dialect_are_named() {
    let table = [
        ("a=1", 1, "before the first section"),
        ("[DEFAULT]\na", 2, "no '='"),
        ("[DEFAULT]\n=1", 2, "without name"),
        ("[DEFAULT]\n:1", 2, "without name"),
        ("[]\na=1", 1, "empty section name"),
        ("[", 1, "must end"),
        ("[DEFAULT\na=1", 1, "must end"),
        ("[DEFAULT] # c\na=1", 1, "must end"),
        ("[DEFAULT]\n a=x", 2, "continuation"),
        (" [DEFAULT]\n", 1, "continuation"),
        ("[DEFAULT]\na=x\n\n  y", 4, "continuation"),
        ("[DEFAULT]\na=x\n#c\n  y", 4, "continuation"),
    ];
    for (text, line, part) in table {
        let (found, problem) = read(text).unwrap_err();
        assert_eq!(found, line, "{text:?}");
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

/// Every string of a few awkward characters, so that slicing and indexing
/// mistakes can not hide.
#[test]
fn no_text_makes_the_reader_panic() {
    let alphabet = [
        '[', ']', '=', ':', '"', '\'', ' ', '\n', '\r', '#', 'é', '\0',
    ];
    let mut texts = vec![String::new()];
    let mut tried = 0;
    for _ in 0..5 {
        texts = texts
            .iter()
            .flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}")))
            .collect();
        for text in &texts {
            let _ = parse(text);
            let _ = parse(&format!("[s]\n{text}"));
            tried += 1;
        }
    }
    assert!(tried > 100_000);
}

#[test]
fn later_layers_win_and_origins_stay() {
    let layer = |entries: &[(&str, &str)]| Layer {
        entries: entries
            .iter()
            .enumerate()
            .map(|(index, (option, value))| Entry {
                section: "jobs".to_owned(),
                option: (*option).to_owned(),
                value: (*value).to_owned(),
                origin: format!("file:{index}"),
            })
            .collect(),
    };
    let combined = config::Config::builder()
        .add_source(layer(&[("workers", "1"), ("lease", "2")]))
        .add_source(layer(&[("lease", "3"), ("lease", "4")]))
        .build()
        .unwrap();
    let table = combined.get_table("jobs").unwrap();
    let words = |name: &str| -> Vec<(String, String)> {
        let values = table.get(name).cloned().unwrap().into_array().unwrap();
        values
            .into_iter()
            .map(|v| (v.origin().unwrap().to_owned(), v.into_string().unwrap()))
            .collect()
    };
    assert_eq!(words("workers"), [("file:0".into(), "1".into())]);
    assert_eq!(
        words("lease"),
        [("file:0".into(), "3".into()), ("file:1".into(), "4".into())]
    );
}

#[test]
fn debug_shows_names_only() {
    let layer = Layer {
        entries: vec![Entry {
            section: "keystone_authtoken".into(),
            option: "password".into(),
            value: "hunter2".into(),
            origin: "x".into(),
        }],
    };
    let shown = format!("{layer:?}");
    assert!(shown.contains("password") && !shown.contains("hunter2"));
}
