//! The program as operators and scripts see it: output and exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

fn manage(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tricircle-manage"))
        .args(["--config-file", "tricircle.conf"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn folder(config: &str, policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tricircle.conf"), config).unwrap();
    std::fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    folder
}

const CONFIG: &str = "[DEFAULT]\ntransport_url = rabbit://u:hunter2@h/v\n\
                      [database]\nconnection = sqlite:///top.sqlite\n\
                      [oslo_policy]\npolicy_file = policy.yaml\n";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_schema_is_made_once_and_has_a_version() {
    let folder = folder(CONFIG, "");
    let run = |arguments: &[&str]| manage(folder.path(), arguments);
    assert_eq!(run(&["db", "version"]).status.code(), Some(1));

    let first = run(&["db", "sync"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).contains("Applied "));
    let again = run(&["db", "sync"]);
    assert!(again.status.success());
    assert_eq!(text(&again.stdout), "The schema is up to date.\n");

    let version = run(&["db", "version"]);
    assert!(version.status.success());
    let applied = text(&first.stdout).lines().last().unwrap();
    assert_eq!(
        applied.trim_start_matches("Applied ").trim_end_matches('.'),
        text(&version.stdout).trim()
    );
}

#[test]
fn samples_are_written_as_they_are_committed() {
    let folder = folder("", "");
    for (noun, file) in [
        ("config", "tricircle.conf.sample"),
        ("policy", "policy.yaml.sample"),
    ] {
        let output = manage(folder.path(), &[noun, "sample"]);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/tricircle");
        let committed = std::fs::read_to_string(path.join(file)).unwrap();
        assert_eq!(text(&output.stdout), committed, "{file}");
    }
}

#[test]
fn mistakes_are_found_by_check_with_exit_codes_to_tell_them_apart() {
    let replaced = |from: &str, to: &str| CONFIG.replace(from, to);
    let unknown = format!("{CONFIG}typo = 1\n");
    let table: [(&str, &str, &[&str], i32, &str); 11] = [
        (CONFIG, "", &["config", "check"], 0, ""),
        (CONFIG, "", &["config", "check", "--strict"], 0, ""),
        (&unknown, "", &["config", "check"], 0, "unknown option typo"),
        (&unknown, "", &["config", "check", "--strict"], 1, "typo"),
        (
            CONFIG,
            "typo: '@'",
            &["config", "check", "--strict"],
            1,
            "rule typo",
        ),
        (
            CONFIG,
            "create_network: admin",
            &["config", "check"],
            78,
            "policy.yaml:1:17",
        ),
        (
            CONFIG,
            "a: 'rule:b'",
            &["policy", "check"],
            78,
            "does not exist",
        ),
        (
            &replaced("rabbit:", "kafka:"),
            "",
            &["config", "check"],
            78,
            "transport_url",
        ),
        (
            &replaced("sqlite:", "oracle:"),
            "",
            &["config", "check"],
            78,
            "database",
        ),
        (
            "[jobs]\nworkers = many\n",
            "",
            &["db", "sync"],
            78,
            "[jobs] workers",
        ),
        (CONFIG, "", &["no", "such", "command"], 64, "unrecognized"),
    ];
    for (config, policy, arguments, code, message) in table {
        let folder = folder(config, policy);
        let output = manage(folder.path(), arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
        assert!(!errors.contains("hunter2"));
    }
}

#[test]
fn a_database_that_can_not_be_opened_is_a_failure_not_a_mistake() {
    let folder = folder(&CONFIG.replace("top.sqlite", "absent/top.sqlite"), "");
    let output = manage(folder.path(), &["db", "sync"]);
    assert_eq!(output.status.code(), Some(70));
    assert!(text(&output.stderr).contains("database"));
}
