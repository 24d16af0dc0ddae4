//! The same calls on the simulator and on a real pod.
//!
//! Every step names the code that it expects; without a real cloud that is what
//! is checked. With `TRICIRCLE_REAL_CLOUD` naming a Keystone (`http://.../v3`,
//! users and password as in the sandbox, regions in
//! `TRICIRCLE_REAL_REGION` or Pod1) the list runs there too, and each answer's
//! code, version headers, key shape and fault text are compared.
//!
//! A real pod is changed by the list and cleaned by its end; steps go on after
//! a difference so that the end is reached.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod steps;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use steps::{Check, Step};
use support::{Answer, Client};
use tricircle_pod_sim::SimCloud;

/// What one step gave, made comparable.
#[derive(Debug, PartialEq)]
struct Outcome {
    label: String,
    expected: u16,
    status: u16,
    headers: Vec<(&'static str, String)>,
    shape: Option<Value>,
    fault: Option<String>,
}

struct Target {
    variables: BTreeMap<String, String>,
    tokens: BTreeMap<&'static str, String>,
}

impl Target {
    /// Logs in and reads the pod's endpoints from the catalog.
    async fn at(keystone: &str, region: &str) -> Self {
        let mut variables = BTreeMap::from([
            ("keystone".to_owned(), keystone.to_owned()),
            ("region".to_owned(), region.to_owned()),
            (
                "nothing".to_owned(),
                "00000000-0000-4000-8000-000000000000".to_owned(),
            ),
        ]);
        let mut tokens = BTreeMap::from([("none", String::new()), ("bad", "bogus".to_owned())]);
        for (who, user, project) in [
            ("demo", "demo", "demo"),
            ("demo2", "demo2", "demo2"),
            ("admin", "admin", "admin"),
        ] {
            let auth = json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": user, "domain": {"id": "default"}, "password": "secret",
                }}},
                "scope": {"project": {"name": project, "domain": {"id": "default"}}},
            }});
            let url = format!("{keystone}/auth/tokens");
            let answer = Client::new("").post(&url, auth).await;
            assert_eq!(answer.status, 201, "{who}: {}", answer.text);
            tokens.insert(who, answer.header("x-subject-token").to_owned());
            let token = &answer.body["token"];
            let project = token["project"]["id"].as_str().unwrap().to_owned();
            variables.insert(format!("project_{who}"), project);
            let user = token["user"]["id"].as_str().unwrap().to_owned();
            variables.insert(format!("user_{who}"), user);
            if who == "demo" {
                for (name, kind) in [
                    ("nova", "compute"),
                    ("neutron", "network"),
                    ("cinder", "volumev3"),
                    ("placement", "placement"),
                    ("glance", "image"),
                ] {
                    variables.insert(name.into(), endpoint(token, kind, region));
                }
            }
        }
        let root = variables["neutron"].trim_end_matches('/').to_owned();
        variables.insert("neutron".into(), root);
        Target { variables, tokens }
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.variables {
            text = text.replace(&format!("<{name}>"), value);
        }
        text
    }

    /// Replaces what differs between two clouds, or two runs.
    fn neutral(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut names: Vec<(&String, &String)> = self.variables.iter().collect();
        names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        for (name, value) in names.into_iter().filter(|(_, value)| value.len() > 5) {
            text = text.replace(value.as_str(), &format!("<{name}>"));
        }
        text
    }

    async fn send(&self, step: &Step) -> Answer {
        let mut client = Client::new(&self.tokens[step.who]);
        if !step.version.is_empty() {
            client = client.with("openstack-api-version", step.version);
        }
        for (name, value) in &step.headers {
            client = client.with(name, &self.fill(value));
        }
        let body = step.body.as_ref().map(|body| self.fill(body));
        client
            .try_raw(step.method, &self.fill(&step.url), body)
            .await
            .unwrap()
    }

    /// Repeats a call until the value at `pointer` is the wanted one. A real
    /// pod cannot be awaited in another way than by asking.
    async fn wait(&self, step: &Step, pointer: &str, wanted: &Value) -> Answer {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            ticks.tick().await;
            let answer = self.send(step).await;
            let have = if pointer.is_empty() {
                json!(answer.status)
            } else {
                answer.body.pointer(pointer).cloned().unwrap_or_default()
            };
            if have == *wanted || tokio::time::Instant::now() > until {
                return answer;
            }
        }
    }

    async fn run(&mut self, list: &[Step]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for step in list {
            let answer = match &step.until {
                Some((pointer, wanted)) => self.wait(step, pointer, wanted).await,
                None => self.send(step).await,
            };
            if let Some((name, pointer)) = step.save {
                let value = answer.body.pointer(pointer).and_then(Value::as_str);
                self.variables
                    .insert(name.into(), value.unwrap_or("missing").to_owned());
            }
            outcomes.push(self.outcome(step, &answer));
        }
        outcomes
    }

    fn outcome(&self, step: &Step, answer: &Answer) -> Outcome {
        let headers = ["openstack-api-version", "x-openstack-nova-api-version"]
            .into_iter()
            .map(|name| (name, answer.header(name).to_owned()))
            .collect();
        let fault = fault_text(&answer.body).map(|text| self.neutral(&text));
        Outcome {
            label: format!("{} {} {} {:?}", step.who, step.method, step.url, step.body),
            expected: step.code,
            status: answer.status,
            headers,
            shape: (step.check != Check::Code).then(|| shape(&answer.body)),
            fault: fault.filter(|_| step.check == Check::Full),
        }
    }
}

fn endpoint(token: &Value, kind: &str, region: &str) -> String {
    let services = token["catalog"].as_array().unwrap();
    services
        .iter()
        .filter(|service| service["type"] == kind)
        .flat_map(|service| service["endpoints"].as_array().unwrap())
        .find(|e| e["interface"] == "public" && e["region_id"] == region)
        .or_else(|| {
            services
                .iter()
                .filter(|service| service["type"] == kind)
                .flat_map(|service| service["endpoints"].as_array().unwrap())
                .next()
        })
        .and_then(|e| e["url"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// The keys of a JSON value, with those of nested objects; values are left out.
/// A list has the shape of its first element, an empty one is as null.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<(&String, Value)> = object
                .iter()
                .map(|(key, value)| (key, shape(value)))
                .collect();
            keys.sort_by_key(|(key, _)| (*key).clone());
            Value::Object(keys.into_iter().map(|(k, v)| (k.clone(), v)).collect())
        }
        Value::Array(items) => items.first().map_or(Value::Null, |item| match shape(item) {
            Value::Null => Value::Null,
            inner => json!([inner]),
        }),
        _ => Value::Null,
    }
}

/// The message and type of a fault in any service's body.
fn fault_text(body: &Value) -> Option<String> {
    let object = body.as_object()?;
    let (name, inner) = object.iter().next().filter(|_| object.len() == 1)?;
    let message = inner.get("message")?.as_str()?;
    let kind = inner.get("type").and_then(Value::as_str).unwrap_or(name);
    Some(format!("{kind}: {message}"))
}

fn differences(sim: &[Outcome], real: &[Outcome]) -> Vec<String> {
    sim.iter()
        .zip(real)
        .filter(|(sim, real)| sim != real)
        .map(|(sim, real)| format!("{}\n   sim  {sim:?}\n   real {real:?}", sim.label))
        .collect()
}

#[tokio::test]
async fn the_simulator_answers_as_a_real_pod_does() {
    let cloud = SimCloud::start().await.unwrap();
    let pod = cloud.add_pod("Pod1").await.unwrap();
    // As in the sandbox.
    pod.add_flavor("1", "m1.tiny", 1, 512, 1);
    let list = steps::all();
    let sim = Target::at(&cloud.keystone_url(), "Pod1")
        .await
        .run(&list)
        .await;
    let unexpected: Vec<&Outcome> = sim.iter().filter(|o| o.status != o.expected).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let leftovers = pod.inventory().leftovers();
    assert!(leftovers.is_empty(), "the list cleans up: {leftovers:?}");

    let Ok(keystone) = std::env::var("TRICIRCLE_REAL_CLOUD") else {
        return;
    };
    let region = std::env::var("TRICIRCLE_REAL_REGION").unwrap_or_else(|_| "Pod1".into());
    let real = Target::at(&keystone, &region).await.run(&list).await;
    let found = differences(&sim, &real);
    assert!(
        found.is_empty(),
        "{} of {} steps differ:\n{}",
        found.len(),
        list.len(),
        found.join("\n")
    );
}
