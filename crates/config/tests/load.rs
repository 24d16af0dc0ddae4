//! Files, environment and command line together, and the sample.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use tricircle_config::{
    BaseMac, CommonArgs, Config, ConfigError, ExposeSecret, Interface, Loaded, VlanRange, sample,
};

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn load_text(text: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let args = CommonArgs {
        config_file: vec![write(folder.path(), "tricircle.conf", text)],
        ..CommonArgs::default()
    };
    Config::load_with(&args, [])
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_file_as_operators_write_it_becomes_typed_values() {
    let loaded = load_text(
        "# comment\n\
         [DEFAULT]\n\
         transport_url = rabbit://u:p%40ss@h1:5672,u:p@h2:5672/vh\n\
         debug = True\n\
         shutdown_timeout: 0.2\n\
         log_file = /tmp/x.log\n\
         [DATABASE]\n\
         connection = \"mysql+pymysql://u:pa$$word@127.0.0.1/tricircle?charset=utf8\"\n\
         [keystone_authtoken]\n\
         auth-url = http://127.0.0.1:5000/v3\n\
         www_authenticate_uri = ${keystone_authtoken.auth_url}\n\
         user_domain_id = default\n\
         service_token_roles = service, admin\n\
         [client]\n\
         endpoint_interface = internalURL\n\
         [tricircle]\n\
         network_vlan_ranges = physnet1:1000:1999,\n\
         \x20physnet2:5:5\n\
         network_vlan_ranges = external\n\
         base_mac = FA:16:3e:4f:00:00\n\
         type_drivers = local, vlan, flat\n\
         [nova_apigw]\n\
         bind_port = 18774\n\
         [quota]\n\
         cores = -1\n",
    )
    .unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let config = loaded.config;
    assert!(config.default.debug);
    assert_eq!(config.default.shutdown_timeout, Duration::from_millis(200));
    assert_eq!(config.default.log_file, Some(PathBuf::from("/tmp/x.log")));
    assert_eq!(
        config.default.transport_url.expose_secret(),
        "rabbit://u:p%40ss@h1:5672,u:p@h2:5672/vh"
    );
    assert_eq!(
        config.database.connection.expose_secret(),
        "mysql+pymysql://u:pa$word@127.0.0.1/tricircle?charset=utf8"
    );
    let keystone = &config.keystone_authtoken;
    assert_eq!(keystone.www_authenticate_uri, "http://127.0.0.1:5000/v3");
    assert_eq!(keystone.user_domain_id.as_deref(), Some("default"));
    assert_eq!(keystone.project_domain_id, None);
    assert_eq!(keystone.service_token_roles, ["service", "admin"]);
    assert_eq!(config.client.endpoint_interface, Interface::Internal);
    let range = |name: &str, ids| VlanRange {
        physical_network: name.to_owned(),
        ids,
    };
    assert_eq!(
        config.tricircle.network_vlan_ranges,
        [
            range("physnet1", Some((1000, 1999))),
            range("physnet2", Some((5, 5))),
            range("external", None),
        ]
    );
    assert_eq!(
        config.tricircle.base_mac,
        BaseMac([0xfa, 0x16, 0x3e, 0x4f, 0, 0])
    );
    assert_eq!(config.nova_apigw.bind_port, 18774);
    assert_eq!(config.cinder_apigw.bind_port, 8776);
    assert_eq!(config.quota.cores, -1);
    assert_eq!(config.quota.instances, 10);
}

#[test]
fn environment_wins_over_files_and_later_files_over_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let first = "[jobs]\nworkers=1\nlease=1\npoll_interval=1\n[database]\nmax_pool_size=1\n";
    let directory = folder.path().join("conf.d");
    std::fs::create_dir(&directory).unwrap();
    write(&directory, "20-b.conf", "[jobs]\npoll_interval=4\n");
    write(&directory, "10-a.conf", "[jobs]\npoll_interval=3\n");
    write(&directory, "30-c.conf.bak", "[jobs]\npoll_interval=9\n");
    let args = CommonArgs {
        config_file: vec![
            write(folder.path(), "a.conf", first),
            write(folder.path(), "b.conf", "[jobs]\nlease=2\nworkers=2\n"),
        ],
        config_dir: vec![directory],
        debug: true,
        log_file: Some(PathBuf::from("there")),
    };
    let environment = variables(&[
        ("OS_JOBS__WORKERS", "7"),
        ("OS_DEFAULT__TRANSPORT_URL", "rabbit://h"),
        ("OS_PLACEMENT__PASSWORD", "someone else's"),
    ]);
    let loaded = Config::load_with(&args, environment).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let config = loaded.config;
    assert_eq!(config.jobs.workers, 7);
    assert_eq!(config.jobs.lease, Duration::from_secs(2));
    assert_eq!(config.jobs.poll_interval, Duration::from_secs(4));
    assert_eq!(config.database.max_pool_size, 1);
    assert_eq!(config.default.transport_url.expose_secret(), "rabbit://h");
    assert!(config.default.debug);
    assert_eq!(config.default.log_file, Some(PathBuf::from("there")));
}

#[test]
fn unknown_names_are_reported_once_and_nothing_fails() {
    let loaded = load_text(
        "[DEFAULT]\nstate_path=/x\nstate_path=/y\n[oslo_messaging_rabbit]\nssl=true\nha=1\n\
         [a.b[0]]\nx=1\n[tricircle]\nmax_limit=5\nMax_Limit=6\n[ ]\ny=$nope\n",
    )
    .unwrap();
    assert_eq!(loaded.config.tricircle.max_limit, 5);
    let expected = [
        "option state_path in section [DEFAULT]",
        "section [oslo_messaging_rabbit]",
        "section [a.b[0]]",
        "option Max_Limit in section [tricircle]",
        "section []",
    ];
    assert_eq!(
        loaded.warnings.len(),
        expected.len(),
        "{:?}",
        loaded.warnings
    );
    for (warning, part) in loaded.warnings.iter().zip(expected) {
        assert!(warning.contains(part), "{warning}");
        assert!(warning.contains("tricircle.conf:"), "{warning}");
    }
}

#[test]
fn bad_values_are_all_named_with_the_type_they_should_have() {
    let error = load_text(
        "[DEFAULT]\ndebug = maybe\n[nova_apigw]\nbind_port = 70000\n[jobs]\nlease = -1\n\
         [tricircle]\nnetwork_vlan_ranges = p:9:5\nbase_mac = 01:00:5e:00:00:00\n\
         [client]\nendpoint_interface = outside\nconnect_timeout = inf\n",
    )
    .unwrap_err();
    let ConfigError::Values(problems) = &error else {
        panic!("{error}");
    };
    let found: Vec<(&str, &str, &str)> = problems
        .iter()
        .map(|p| (p.section.as_str(), p.option.as_str(), p.reason.as_str()))
        .collect();
    let expected = [
        ("DEFAULT", "debug", "boolean value"),
        ("client", "endpoint_interface", "public, internal or admin"),
        ("client", "connect_timeout", "number of seconds"),
        ("tricircle", "network_vlan_ranges", "list value"),
        ("tricircle", "base_mac", "MAC address"),
        ("jobs", "lease", "number of seconds"),
        ("nova_apigw", "bind_port", "from 0 to 65535"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((section, option, reason), (s, o, kind)) in found.iter().zip(expected) {
        assert_eq!((*section, *option), (s, o));
        assert!(reason.contains(kind), "{reason}");
    }
    assert!(error.to_string().contains("tricircle.conf:2"), "{error}");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let table = [
        ("[DEFAULT]\nlog_level=a=b=c", "log_level"),
        ("[database]\nmax_pool_size=0", "max_pool_size"),
        ("[jobs]\nworkers=0", "workers"),
        ("[jobs]\nlease=0", "lease"),
        ("[jobs]\nretry_base=9\nretry_max=8", "retry_max"),
        ("[keystone_authtoken]\nauth_url=keystone:5000", "auth_url"),
        ("[nova_apigw]\npublic_endpoint=ftp://x", "public_endpoint"),
        (
            "[tricircle]\ntenant_network_types=vxlan",
            "tenant_network_types",
        ),
        ("[tricircle]\nmax_limit=0", "max_limit"),
        ("[quota]\nport=-2", "port"),
        ("[jobs]\nlease=$lease", "itself"),
        ("[jobs]\nlease=$leese", "no option"),
    ];
    for (text, part) in table {
        let error = load_text(text).unwrap_err();
        assert!(matches!(error, ConfigError::Values(_)), "{text}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn secrets_show_neither_in_debug_nor_in_errors() {
    let loaded = load_text(
        "[DEFAULT]\ntransport_url=rabbit://u:hunter2@h\n[database]\n\
         connection=mysql://u:hunter2@h/d\n[keystone_authtoken]\npassword=hunter2\n",
    )
    .unwrap();
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert!(format!("{loaded:?}").contains("keystone_authtoken"));

    // A password with a dollar sign that was not doubled, and one cut off its
    // option's name.
    for text in [
        "[keystone_authtoken]\npassword=hunter2$nothing_secret_follows\n",
        "[keystone_authtoken]\nhunter2\n",
    ] {
        let error = load_text(text).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn files_that_are_not_there_or_not_text_are_errors_with_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let latin1 = folder.path().join("latin1.conf");
    std::fs::write(&latin1, b"[DEFAULT]\nlog_level = \xff\n").unwrap();
    let cases = [
        (
            vec![folder.path().join("absent.conf")],
            vec![],
            "absent.conf",
        ),
        (vec![latin1], vec![], "latin1.conf"),
        (vec![], vec![folder.path().join("absent.d")], "absent.d"),
    ];
    for (config_file, config_dir, name) in cases {
        let args = CommonArgs {
            config_file,
            config_dir,
            ..CommonArgs::default()
        };
        let error = Config::load_with(&args, []).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// Text from outside must never end the process.
#[test]
fn hostile_text_is_an_error_or_a_warning() {
    for text in [
        "[DEFAULT]\ntransport_url=${",
        "[DEFAULT]\nlog_level=$",
        "[jobs]\nlease=1e400",
        "[jobs]\nlease=NaN",
        "[quota]\ncores=99999999999999999999",
        "[tricircle]\nnetwork_vlan_ranges=:::::,::,é:1:2",
        "[tricircle]\nbase_mac=éé:éé:é",
        "[\u{0}]\n\u{0}=\u{0}",
        "[default.jobs[-1]]\nx=1",
    ] {
        let _ = load_text(text);
    }
    let deep = format!("[DEFAULT]\nlog_level={}", "$log_level".repeat(10_000));
    assert!(load_text(&deep).is_err());
}

#[test]
fn the_committed_sample_is_current() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../etc/tricircle/tricircle.conf.sample"
    );
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == sample::generate(),
        "stale: run `tricircle-manage config sample > etc/tricircle/tricircle.conf.sample`"
    );
}

/// The sample with every comment sign before an option taken off must give the
/// defaults: nothing in it can be misread.
#[test]
fn the_sample_says_the_defaults() {
    let enabled: Vec<String> = sample::generate()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if !option.starts_with(' ') && option.contains('=') => option.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let mut loaded = load_text(&enabled.join("\n")).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let mut count = 0;
    for ((name, read), (_, default)) in loaded
        .config
        .sections()
        .into_iter()
        .zip(Config::default().sections())
    {
        for (a, b) in read.options().iter().zip(default.options()) {
            assert_eq!(a.value, b.value, "[{name}] {}", a.name);
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}
