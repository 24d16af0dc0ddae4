//! Readers of foreign text, on text that nobody thought of: they answer, whatever it is.

use proptest::prelude::*;
use serde_json::Value;
use tricircle_api::FaultStyle;
use tricircle_config::{CommonArgs, Config};
use tricircle_keystone::path_matches;
use tricircle_network::resource::{ListQuery, Row, required_revision, select, tables};
use tricircle_policy::{Credentials, Enforcer, PolicyFile, Target, defaults};

/// Text of the signs that a language is made of, so that more than its start is tried.
fn words(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = proptest::sample::select(of).prop_map(str::to_owned);
    let any = proptest::collection::vec(any::<char>(), 0..4)
        .prop_map(|letters| letters.into_iter().collect::<String>());
    proptest::collection::vec(prop_oneof![4 => word, 1 => any], 0..24)
        .prop_map(|parts| parts.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words(&[
            "a",
            "10.0.0.0/24",
            "fd00::/64",
            "fa:16:3e:00:00:01",
            "ingress",
            "tcp",
            ""
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let names = &[
            "name",
            "network",
            "network_id",
            "fixed_ips",
            "cidr",
            "ip_version",
            "start",
            "end",
            "allocation_pools",
            "port",
            "subnet",
            "security_groups",
            "ip_address",
            "shared",
        ];
        let name = prop_oneof![
            proptest::sample::select(&names[..]).prop_map(str::to_owned),
            words(&["x", ":", "_"])
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A slow reading of the patterns, to compare with.
fn fits(path: &[u8], pattern: &[u8]) -> bool {
    let here = |rest: &[u8]| {
        path.first().is_some_and(|byte| *byte != b'/')
            && (fits(&path[1..], rest) || fits_segment(&path[1..], rest))
    };
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=path.len()).any(|at| fits(&path[at..], rest)),
        [b'*', rest @ ..] => here(rest),
        [b'{', rest @ ..] if rest.contains(&b'}') => {
            let end = rest.iter().position(|byte| *byte == b'}').unwrap();
            here(&rest[end + 1..])
        }
        [byte, rest @ ..] => path.first() == Some(byte) && fits(&path[1..], rest),
    }
}

/// The rest of a segment of which a byte was taken already.
fn fits_segment(path: &[u8], rest: &[u8]) -> bool {
    path.first().is_some_and(|byte| *byte != b'/')
        && (fits(&path[1..], rest) || fits_segment(&path[1..], rest))
}

proptest! {
    #[test]
    fn bodies_of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for style in [FaultStyle::Nova, FaultStyle::Cinder, FaultStyle::Neutron, FaultStyle::Admin] {
            if let Err(fault) = tricircle_api::json::parse(style, "application/json", &bytes) {
                prop_assert!(fault.status().is_client_error());
            }
        }
    }

    #[test]
    fn network_bodies_of_any_json(value in json(), member in 0..5_usize) {
        let resource = tables::ALL[member];
        let bytes = serde_json::json!({ resource.name: value }).to_string();
        for admin in [true, false] {
            for error in [
                resource.parse_create(bytes.as_bytes(), "p", admin).err(),
                resource.parse_update(bytes.as_bytes(), "p", admin).err(),
            ].into_iter().flatten() {
                prop_assert!((400..500).contains(&error.status), "{:?}", error);
            }
        }
    }

    #[test]
    fn network_queries_of_any_text(
        text in words(&["limit", "=", "&", "sort_key", "marker", "name", "%", "%zz", "1", "-1",
            "fields", "ip_address", "fixed_ips", "tags", "~", "page_reverse", "True", "id"]),
        value in json(),
    ) {
        for resource in tables::ALL {
            match ListQuery::parse(resource, &text, 1000) {
                Err(error) => prop_assert!((400..500).contains(&error.status)),
                Ok(query) => {
                    let mut row = Row::new();
                    row.insert("id".to_owned(), "x".into());
                    row.insert("name".to_owned(), value.clone());
                    row.insert("fixed_ips".to_owned(), value.clone());
                    if let Err(error) = select(resource, &query, vec![row]) {
                        prop_assert!((400..500).contains(&error.status));
                    }
                }
            }
        }
    }

    #[test]
    fn revisions_of_any_text(text in words(&["revision_number", "=", ",", "1", "99999999999999999999", "\""])) {
        if let Err(error) = required_revision([text.as_str()].into_iter()) {
            prop_assert!((400..500).contains(&error.status));
        }
    }

    #[test]
    fn policies_of_any_text(
        text in words(&["\"", "a", ":", " ", "\n", "rule:", "role:", "and", "or", "not", "(", ")",
            "@", "!", "%(", ")s", "project_id", "context_is_admin", "[", "]", ",", "{", "}", "#", "'"]),
        check in words(&["rule:admin_only", " ", "and", " or ", "not ", "(", ")", "@", "!", "role:x",
            "%(project_id)s", "project_id:", "field:networks:shared=True", "True:", "None"]),
    ) {
        let _ = PolicyFile::parse(&text, "any");
        let quoted = check.replace(['"', '\\', '\n', '\r'], "");
        if let Ok(file) = PolicyFile::parse(&format!("\"create_network\": \"{quoted}\"\n"), "any")
            && let Ok(enforcer) = Enforcer::new(&defaults::all(), &file)
        {
            let caller = Credentials { project_id: Some("p".to_owned()), ..Credentials::default() };
            let _ = enforcer.allows("create_network", &caller, &Target::of_project("q"));
        }
    }

    #[test]
    fn access_rules_of_any_text(
        pattern in words(&["/", "*", "**", "{", "}", "{id}", "a", "v2.1"]),
        path in words(&["/", "a", "v2.1", "b"]),
    ) {
        // Exponential readings are for short texts.
        if pattern.len() < 14 && path.len() < 14 {
            prop_assert_eq!(path_matches(&path, &pattern), fits(path.as_bytes(), pattern.as_bytes()));
        } else {
            let _ = path_matches(&path, &pattern);
        }
    }
}

proptest! {
    // Files are slow.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn configurations_of_any_text(
        text in words(&["[", "]", "DEFAULT", "jobs", "tricircle", "\n", "=", ":", " ", "\t", "$",
            "${", "}", "$$", "#", ";", "lease", "transport_url", "network_vlan_ranges", "1", "-1", "x"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("any.conf");
        std::fs::write(&file, text).unwrap();
        let arguments = CommonArgs { config_file: vec![file], ..CommonArgs::default() };
        let _ = Config::load_with(&arguments, []);
    }
}
