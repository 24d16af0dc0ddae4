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

#[test]
fn a_check_says_what_is_wrong_and_by_its_exit_code_whether() {
    let config = "[DEFAULT]\ntransport_url = fake://\n\
                  [database]\nconnection = sqlite:///top.sqlite\n\
                  [oslo_policy]\npolicy_file = policy.yaml\n\
                  [keystone_authtoken]\nauth_url = http://127.0.0.1:1/v3\nusername = u\n\
                  password = hunter2\nproject_name = service\nhttp_request_max_retries = 0\n";
    let folder = folder(config, "");
    let run = |arguments: &[&str]| manage(folder.path(), arguments);
    let before = run(&["check"]);
    assert_eq!(before.status.code(), Some(70), "there are no tables yet");
    assert!(run(&["db", "sync"]).status.success());

    let clean = run(&["check", "--repair"]);
    assert!(clean.status.success(), "{}", text(&clean.stderr));
    assert_eq!(text(&clean.stdout), "Nothing is wrong.\n");

    register_a_pod(&folder.path().join("top.sqlite"));
    let output = run(&["check", "--grace", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("PROBLEM"), "{shown}");
    assert!(shown.contains("not checked  Pod1  server"), "{shown}");
    assert!(!text(&output.stderr).contains("hunter2"));
}

/// A pod that nobody can ask: Keystone is away.
fn register_a_pod(database: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let connection = format!("sqlite:///{}", database.display());
        let store = tricircle_db::Store::connect(&connection, Default::default()).unwrap();
        let now = tricircle_db::now();
        let pod = tricircle_db::models::Pod {
            id: "pod-1".to_owned(),
            region_name: "Pod1".to_owned(),
            ordinal: 0,
            state: tricircle_db::models::PodState::Enabled,
            auth_mode: tricircle_db::models::AuthMode::Shared,
            created_at: now,
            updated_at: now,
        };
        store.pod_create(&pod, &[]).await.unwrap();
    });
}
