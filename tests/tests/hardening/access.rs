//! Every route that a service answers by itself has a policy rule, and is refused to
//! those whom the rule refuses. The routes come from the services' own tables: a new one
//! is tested, or fails here by its name.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tricircle_pod_sim::Wide;
use tricircle_policy::{Credentials, Target, defaults};
use tricircle_tests::Simulated;

use crate::bed::{Answer, Api, Bed, Line, lines, nobody_may};

/// Things of `demo`, to be named in paths and bodies.
pub struct Things {
    pub project: String,
    pub network: String,
    pub subnet: String,
    pub port: String,
    pub group: String,
    pub rule: String,
    pub external: String,
    pub router: String,
    pub floating: String,
    pub server: String,
    pub volume: String,
}

impl Things {
    pub async fn make(world: &Simulated) -> Self {
        let demo = world.demo().await;
        let (network, subnet) = world
            .create_network_and_subnet(&demo, "own", "10.0.3.0/24")
            .await;
        let made = |path: &'static str, name: &'static str, body: Value| {
            let client = demo.network.clone();
            async move {
                let body = client.post(path, json!({ name: body })).await.expect(201);
                body[name]["id"].as_str().unwrap().to_owned()
            }
        };
        let port = made("/ports", "port", json!({"network_id": network})).await;
        let group = made("/security-groups", "security_group", json!({"name": "g"})).await;
        let rule = json!({"security_group_id": group, "direction": "ingress"});
        let rule = made("/security-group-rules", "security_group_rule", rule).await;
        let external = json!({"name": "outside", "router:external": true});
        let admin = world.admin().await;
        let external = admin
            .network
            .post("/networks", json!({"network": external}));
        let external = external.await.expect(201)["network"]["id"].clone();
        let external = external.as_str().unwrap().to_owned();
        admin
            .create_subnet(&external, "203.0.113.0/24", json!({}))
            .await;
        let router = made("/routers", "router", json!({})).await;
        let floating = json!({"floating_network_id": external});
        let floating = made("/floatingips", "floatingip", floating).await;
        let server = world
            .create_server(&demo, "own", world.zone(0), &network)
            .await;
        let volume = world.create_volume(&demo, "own", world.zone(0)).await;
        demo.wait_server(&server, "ACTIVE").await;
        Self {
            project: demo.project_id,
            network,
            subnet,
            port,
            group,
            rule,
            external,
            router,
            floating,
            server,
            volume,
        }
    }

    /// The id that a path is about.
    fn id_for(&self, path: &str) -> &str {
        let of = |part: &str| path.contains(part);
        match () {
            () if of("/routers") => &self.router,
            () if of("/floatingips") => &self.floating,
            () if of("/networks") => &self.network,
            () if of("/subnets") => &self.subnet,
            () if of("/ports") => &self.port,
            () if of("/security-group-rules") => &self.rule,
            () if of("/security-groups") => &self.group,
            () if of("/servers") => &self.server,
            () if of("/volumes") => &self.volume,
            () => "00000000-0000-4000-8000-00000000dead",
        }
    }

    /// A path with something in place of its parameters.
    pub fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        let mut rest = line.path.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap();
            path.push_str(before);
            path.push_str(match name {
                "id" => self.id_for(&line.path),
                "project" => &self.project,
                "flavor" => "1",
                _ => "x",
            });
            rest = after;
        }
        path + rest
    }

    /// A body that the service would accept.
    pub fn body(&self, line: &Line) -> Option<Value> {
        let of = |part: &str| line.path.contains(part);
        let change = || json!({"description": "d"});
        let create = line.method == "POST";
        if !["POST", "PUT"].contains(&line.method.as_str()) {
            return None;
        }
        Some(match line.api {
            Api::Network if of("/quotas") => json!({"quota": {"network": 5}}),
            Api::Network if of("/security-group-rules") => {
                json!({"security_group_rule": match create {
                    true => json!({"security_group_id": self.group, "direction": "egress"}),
                    false => json!({}),
                }})
            }
            Api::Network if of("/security-groups") => json!({"security_group": change()}),
            Api::Network if of("_router_interface") => json!({"subnet_id": self.subnet}),
            Api::Network if of("/routers") => json!({"router": change()}),
            Api::Network if of("/floatingips") => json!({"floatingip": match create {
                true => json!({"floating_network_id": self.external}),
                false => change(),
            }}),
            Api::Network if of("/networks") => json!({"network": change()}),
            Api::Network if of("/subnets") => json!({"subnet": match create {
                true => json!({"network_id": self.network, "ip_version": 4, "cidr": "10.9.0.0/24"}),
                false => change(),
            }}),
            Api::Network if of("/ports") => json!({"port": match create {
                true => json!({"network_id": self.network}),
                false => change(),
            }}),
            _ => json!({}),
        })
    }
}

/// Whether an answer is the service's own refusal of this call, for want of this rule.
fn is_refusal(line: &Line, rule: &str, answer: &Answer) -> bool {
    let named = answer.status == 403 && answer.text.contains(rule);
    // Neutron hides: what may not be seen is not there.
    let open = ["quotas", "l3-agents"];
    let open = open.iter().any(|part| line.path.contains(part));
    let hides = line.api == Api::Network && line.method == "GET" && !open;
    match hides {
        true if line.path.ends_with("{id}") => answer.status == 404,
        true => {
            let body = answer.json();
            let first = body.as_object().and_then(|object| object.values().next());
            answer.status == 200 && first == Some(&json!([]))
        }
        false => named,
    }
}

/// Whether a list shows external networks or their subnets alone, which are everybody's to see.
fn is_outside(answer: &Answer) -> bool {
    let body = answer.json();
    let list = body.get("networks").or(body.get("subnets"));
    let outside = |thing: &Value| thing["router:external"] == json!(true);
    list.and_then(Value::as_array)
        .is_some_and(|list| list.iter().all(outside))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_that_the_top_answers_has_a_rule() {
    let world = Simulated::plain().await;
    let known: BTreeSet<&str> = defaults::all().iter().map(|rule| rule.name).collect();
    let lines = lines(&world);
    let without: Vec<String> = lines
        .iter()
        .filter(|line| line.own && line.rule.is_none())
        .map(Line::to_string)
        .collect();
    assert!(without.is_empty(), "routes without a rule: {without:#?}");
    let unknown: Vec<String> = lines
        .iter()
        .filter(|line| {
            line.rule
                .as_deref()
                .is_some_and(|rule| !known.contains(rule))
        })
        .map(|line| format!("{line}: {:?}", line.rule))
        .collect();
    assert!(unknown.is_empty(), "rules without a default: {unknown:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_refused_to_whom_its_rule_refuses() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    // What is seen decides what is found, so that those who write may see.
    let blind = Bed::with_policy(&world, nobody_may(|_| false)).await;
    let idle = Bed::with_policy(&world, nobody_may(|rule| rule.starts_with("get_"))).await;
    let token = world.login("demo", "demo").await.token;
    let mut accepted = Vec::new();
    for line in lines(&world) {
        let Some(rule) = &line.rule else { continue };
        let bed = if line.method == "GET" { &blind } else { &idle };
        let (path, body) = (things.path(&line), things.body(&line));
        let answer = bed.call(line.api, &token, &line.method, &path, body).await;
        if !is_refusal(&line, rule, &answer) {
            let said = format!("{} {}", answer.status, answer.text);
            accepted.push(format!("{line} ({rule}): {said}"));
        }
    }
    assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_roles_that_do_not_suffice_are_refused() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    world.cloud.assign("stranger", "demo", "nothing");
    let bed = Bed::over(&world).await;
    let policy = &world.parts.policy;
    let before = world.inventory().await;
    let mut accepted = Vec::new();
    for (user, roles) in [
        ("stranger", &["nothing"][..]),
        ("reader", &["reader"][..]),
        ("demo", &["member", "reader"][..]),
    ] {
        let login = world.login(user, "demo").await;
        let caller = Credentials {
            user_id: Some(login.user_id.clone()),
            project_id: Some(things.project.clone()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..Credentials::default()
        };
        let target = Target::of_caller(&caller)
            .with("network:project_id", things.project.as_str())
            .with("security_group:project_id", things.project.as_str());
        let mut refused = 0;
        for line in lines(&world) {
            let Some(rule) = &line.rule else { continue };
            if policy.allows(rule, &caller, &target) {
                continue;
            }
            let (body, path) = (things.body(&line), things.path(&line));
            let answer = bed
                .call(line.api, &login.token, &line.method, &path, body)
                .await;
            refused += 1;
            // Whoever may not even see a thing is told so before anything else.
            let unseen = user == "stranger" && line.api == Api::Network && answer.status == 404;
            let unseen = unseen || user == "stranger" && is_outside(&answer);
            if !unseen && !is_refusal(&line, rule, &answer) {
                let said = format!("{} {}", answer.status, answer.text);
                accepted.push(format!("{user}: {line} ({rule}): {said}"));
            }
        }
        assert!(refused > 20, "{user} is refused {refused} routes only");
    }
    assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    world.nothing_left_since(&before).await;
    world.end().await;
}

/// Nova, Cinder and Neutron serve projects: administrators of the whole cloud or of a
/// domain are refused as long as their token names none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_the_system_and_of_domains_are_refused() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let before = world.inventory().await;
    let mut accepted = Vec::new();
    for wide in [Wide::System, Wide::Domain] {
        let roles = ["admin", "member", "reader"];
        let token = world.cloud.wide_token("admin", wide, &roles).unwrap();
        for line in lines(&world).iter().filter(|line| line.api != Api::Admin) {
            let (body, path) = (things.body(line), things.path(line));
            let answer = bed.call(line.api, &token, &line.method, &path, body).await;
            if answer.status != 403 {
                let said = format!("{} {}", answer.status, answer.text);
                accepted.push(format!("{wide:?}: {line}: {said}"));
            }
        }
    }
    assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    world.nothing_left_since(&before).await;
    world.end().await;
}
