//! The defaults, person by person, and what files may change.

use serde_json::json;

use super::*;
use crate::file::PolicyFile;

fn person(name: &str) -> Credentials {
    let roles: &[&str] = match name {
        "admin" => &["admin", "manager", "member", "reader"],
        "member" | "stranger" | "with_service" => &["member", "reader"],
        "reader" => &["reader"],
        "service" => &["service"],
        _ => &[],
    };
    let project = if name == "stranger" { "other" } else { "mine" };
    Credentials {
        user_id: Some(name.to_owned()),
        project_id: Some(project.to_owned()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        service_roles: match name {
            "with_service" => vec!["service".to_owned()],
            _ => Vec::new(),
        },
        ..Credentials::default()
    }
}

const PEOPLE: [&str; 7] = [
    "admin",
    "member",
    "with_service",
    "reader",
    "stranger",
    "service",
    "nobody",
];

/// Who may do what with a thing of project `mine`.
fn allowed(enforcer: &Enforcer, rule: &str, target: &Target) -> Vec<&'static str> {
    PEOPLE
        .into_iter()
        .filter(|name| enforcer.allows(rule, &person(name), target))
        .collect()
}

#[test]
fn the_defaults_let_the_right_people_in() {
    let enforcer = Enforcer::with_defaults().unwrap();
    let mine = Target::of_project("mine")
        .with("network:project_id", "mine")
        .with("security_group:project_id", "mine");
    let members = ["admin", "member", "with_service"];
    let readers = ["admin", "member", "with_service", "reader"];
    let members_or_service = ["admin", "member", "with_service", "service"];
    let readers_or_service = ["admin", "member", "with_service", "reader", "service"];
    let table: [(&str, &[&str]); 34] = [
        ("os_compute_api:servers:create", &members),
        ("os_compute_api:servers:delete", &members),
        ("os_compute_api:servers:show", &readers),
        ("os_compute_api:servers:create:forced_host", &["admin"]),
        ("os_compute_api:servers:detail:get_all_tenants", &["admin"]),
        ("os_compute_api:os-flavor-manage:create", &["admin"]),
        ("os_compute_api:os-volumes-attachments:create", &members),
        ("os_compute_api:os-availability-zone:list", &PEOPLE),
        ("volume:create", &members),
        ("volume:get", &readers),
        ("volume:get_all:all_tenants", &["admin"]),
        ("create_network", &members),
        ("get_network", &readers_or_service),
        ("delete_network", &members),
        ("create_network:shared", &["admin"]),
        ("create_network:provider:segmentation_id", &["admin"]),
        ("get_network:provider:network_type", &["admin"]),
        ("create_subnet", &members),
        ("get_subnet", &readers_or_service),
        ("delete_subnet", &members),
        ("create_port", &members_or_service),
        ("create_port:fixed_ips:ip_address", &members_or_service),
        ("create_port:binding:host_id", &["admin", "service"]),
        ("create_port:binding:profile", &["service"]),
        ("update_port", &members_or_service),
        ("update_port:mac_address", &["admin", "service"]),
        ("get_port", &readers_or_service),
        ("get_port:binding:host_id", &["admin", "service"]),
        ("delete_port", &members_or_service),
        ("create_security_group", &members),
        ("create_security_group_rule", &members),
        ("get_security_group_rule", &readers),
        ("admin_api:pods:create", &["admin"]),
        ("no_such_rule", &[]),
    ];
    for (rule, people) in table {
        assert_eq!(allowed(&enforcer, rule, &mine), people, "{rule}");
    }
}

#[test]
fn sharing_and_devices_change_who_may() {
    let enforcer = Enforcer::with_defaults().unwrap();
    let foreign = || Target::of_project("x").with("network:project_id", "x");
    let shared = foreign().with("shared", true);
    assert_eq!(allowed(&enforcer, "get_network", &shared), PEOPLE);
    assert_eq!(allowed(&enforcer, "delete_network", &shared), ["admin"]);
    let external = foreign().with("router:external", true);
    assert_eq!(allowed(&enforcer, "get_network", &external), PEOPLE);

    // A port of one's own on somebody's shared network: yes, but neither with
    // an address of choice nor as somebody else's router.
    let port = Target::of_project("mine")
        .with("network:project_id", "x")
        .with("network:shared", true);
    let may = |rule: &str| allowed(&enforcer, rule, &port).contains(&"member");
    assert!(may("create_port"));
    assert!(may("create_port:fixed_ips:subnet_id"));
    assert!(!may("create_port:fixed_ips:ip_address"));
    assert!(may("create_port:device_owner"));
    let router = port.clone().with("device_owner", "network:router_gateway");
    assert!(!enforcer.allows("create_port:device_owner", &person("member"), &router));

    // The port of a server goes with the server, that is by Nova.
    let server = Target::of_project("mine").with("device_owner", "compute:az1");
    assert_eq!(
        allowed(&enforcer, "delete_port", &server),
        ["admin", "with_service", "service"]
    );
}

#[test]
fn keys_belong_to_users_not_projects() {
    let enforcer = Enforcer::with_defaults().unwrap();
    let key = Target::of_project("mine").with("user_id", "reader");
    assert_eq!(
        allowed(&enforcer, "os_compute_api:os-keypairs:delete", &key),
        ["admin", "reader"]
    );
}

#[test]
fn tokens_of_another_scope_are_told_so() {
    let enforcer = Enforcer::with_defaults().unwrap();
    let rule = "os_compute_api:servers:create";
    let system = Credentials {
        system_scope: Some("all".to_owned()),
        project_id: None,
        ..person("admin")
    };
    let domain = Credentials {
        domain_id: Some("d".to_owned()),
        project_id: None,
        ..person("admin")
    };
    for caller in [system, domain] {
        let denied = enforcer.enforce(rule, &caller, &Target::of_project("mine"));
        assert_eq!(denied, Err(Denied::Scope(rule.to_owned())));
    }
    // Without any scope nothing is one's own, not even what has no project.
    let unscoped = Credentials {
        project_id: None,
        ..person("member")
    };
    let ownerless = Target::new().with("project_id", json!(null));
    for target in [ownerless, Target::new(), Target::of_caller(&unscoped)] {
        let denied = enforcer.enforce(rule, &unscoped, &target);
        assert_eq!(denied, Err(Denied::Rule(rule.to_owned())));
    }
    assert_eq!(
        Denied::Rule(rule.to_owned()).to_string(),
        "Policy doesn't allow os_compute_api:servers:create to be performed."
    );
}

#[test]
fn attributes_are_judged_by_rules_of_their_own() {
    let enforcer = Enforcer::with_defaults().unwrap();
    let mine = Target::of_project("mine");
    let create = |name: &str, attributes: &[&str]| {
        enforcer.enforce_attributes(
            "create_network",
            attributes.iter().copied(),
            &person(name),
            &mine,
        )
    };
    assert_eq!(create("member", &["name", "port_security_enabled"]), Ok(()));
    assert_eq!(
        create("member", &["name", "shared"]),
        Err(Denied::Rule("create_network:shared".to_owned()))
    );
    assert_eq!(
        create("admin", &["shared", "provider:network_type"]),
        Ok(())
    );
    assert_eq!(
        create("reader", &[]),
        Err(Denied::Rule("create_network".to_owned()))
    );
    let shows = |name: &str, attribute: &str| {
        enforcer.shows("get_network", attribute, &person(name), &mine)
    };
    assert!(shows("member", "mtu"));
    assert!(!shows("member", "provider:segmentation_id"));
    assert!(shows("admin", "provider:segmentation_id"));
}

#[test]
fn a_file_overrides_defaults_and_unknown_names_are_known() {
    let text = "\"create_network\": \"rule:network_people\"\n\
                \"network_people\": \"role:network_operator\"\n\
                \"context_is_admin\": \"role:cloud_admin\"\n\
                \"creat_port\": \"!\"\n";
    let file = PolicyFile::parse(text, "policy.yaml").unwrap();
    let enforcer = Enforcer::new(&defaults::all(), &file).unwrap();
    let mine = Target::of_project("mine");
    assert_eq!(allowed(&enforcer, "create_network", &mine), [""; 0]);
    let operator = Credentials {
        roles: vec!["network_operator".to_owned()],
        ..person("nobody")
    };
    assert!(enforcer.allows("create_network", &operator, &mine));
    // Who is an administrator changes everywhere, `is_admin:True` included.
    assert!(!enforcer.is_admin(&person("admin")));
    let cloud_admin = Credentials {
        roles: vec!["cloud_admin".to_owned()],
        ..person("nobody")
    };
    assert!(enforcer.is_admin(&cloud_admin));
    assert!(enforcer.allows("volume:get_all:all_tenants", &cloud_admin, &mine));
    assert_eq!(enforcer.unused(), ["creat_port"]);
}

#[test]
fn references_that_lead_nowhere_or_in_circles_are_refused() {
    let make = |text: &str| {
        let file = PolicyFile::parse(text, "policy.yaml").unwrap();
        Enforcer::new(&defaults::all(), &file)
            .unwrap_err()
            .to_string()
    };
    let table = [
        (
            "a: \"rule:b\"",
            "rule a refers to rule b, which does not exist",
        ),
        ("a: \"rule:a\"", "rule a refers to itself"),
        (
            "a: \"not (rule:b or @)\"\nb: \"rule:c\"\nc: \"rule:a\"",
            "refers to itself",
        ),
        ("context_is_admin: \"rule:admin_only\"", "refers to itself"),
    ];
    for (text, expected) in table {
        let message = make(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
    let chain: String = (0..1000)
        .map(|i| format!("r{i:04}: rule:r{:04}\n", i + 1))
        .collect();
    assert!(make(&format!("{chain}r1000: '@'\n")).contains("too many"));
}

/// Every rule of the table is asked for by a name of its own, and refers to
/// rules that exist, or the enforcer could not be made.
#[test]
fn no_rule_is_declared_twice() {
    let all = defaults::all();
    let names: BTreeSet<&str> = all.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|rule| rule.about.ends_with('.')));
}

#[test]
fn the_committed_sample_is_current_and_changes_nothing() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../etc/tricircle/policy.yaml.sample"
    );
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == crate::sample(),
        "stale: run `tricircle-manage policy sample > etc/tricircle/policy.yaml.sample`"
    );
    let enabled: String = committed
        .lines()
        .map(|line| match line.strip_prefix("#\"") {
            Some(rule) => format!("\"{rule}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let file = PolicyFile::parse(&enabled, "sample").unwrap();
    assert_eq!(file.rules.len(), defaults::all().len());
    assert!(Enforcer::new(&defaults::all(), &file).is_ok());
}
