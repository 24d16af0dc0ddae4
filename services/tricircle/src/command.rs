//! The commands, and the one API call that each stands for.

use clap::{Parser, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::environment::LoginArgs;

/// Operate Tricircle: pods, bindings, routings, jobs and topologies.
#[derive(Debug, Parser)]
#[command(name = "tricircle", version)]
pub(crate) struct Arguments {
    /// Print the API's answer as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The OpenStack clouds below Tricircle.
    #[command(subcommand)]
    Pod(Pod),
    /// Which project is placed in which pod.
    #[command(subcommand)]
    Binding(Binding),
    /// Where everything is.
    #[command(subcommand)]
    Routing(Routing),
    /// What is still to be done in the pods.
    #[command(subcommand)]
    Job(Job),
    /// What of a network or router is in which pod, and what is pending.
    #[command(subcommand)]
    Topology(Topology),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pod {
    /// List the pods.
    List,
    /// Show a pod.
    Show { id: String },
    /// Register a region as a pod.
    Create {
        /// The region's name in Keystone's catalog.
        region: String,
        /// The availability zone that users see.
        #[arg(long)]
        az: String,
        /// The zone's name in the pod; left out: the pod's default zone.
        #[arg(long, default_value = "")]
        pod_az: String,
    },
    /// Change a pod's state or zone.
    Set {
        id: String,
        /// enabled, draining or disabled
        #[arg(long)]
        state: Option<String>,
        /// The availability zone that users see.
        #[arg(long)]
        az: Option<String>,
        /// The zone's name in the pod.
        #[arg(long, requires = "az")]
        pod_az: Option<String>,
        /// The largest MTU of networks there.
        #[arg(long)]
        mtu: Option<u32>,
    },
    /// Remove a pod that nothing is in.
    Delete { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Binding {
    /// List the bindings in force.
    List {
        /// Of this project only.
        #[arg(long)]
        project: Option<String>,
    },
    /// Bind a project to a pod.
    Create { project: String, pod: String },
    /// End a binding.
    Delete { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Routing {
    /// List where things are.
    List {
        /// Only where a field has a value, such as resource_type=server.
        #[arg(long = "filter", value_name = "FIELD=VALUE")]
        filters: Vec<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u64>,
    },
    /// Show where one thing is.
    Show { id: String },
    /// Record where a thing is that came to a pod behind Tricircle's back.
    Create {
        /// server, volume, snapshot, backup, network, subnet, port or security_group
        resource_type: String,
        /// The id that users see.
        top_id: String,
        /// The pod's id.
        pod: String,
        /// The id in the pod, for what has another one there.
        #[arg(long)]
        bottom_id: Option<String>,
        /// The project that must own it.
        #[arg(long)]
        project: Option<String>,
    },
    /// Correct the pod of a server or volume, or the id of a network or port in its pod.
    Set {
        id: String,
        /// The pod's id.
        #[arg(long)]
        pod: Option<String>,
        /// The id in the pod.
        #[arg(long)]
        bottom_id: Option<String>,
    },
    /// Forget where a thing was that its pod no longer has.
    Delete {
        id: String,
        /// Without asking the pod: it will never answer again.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List the jobs.
    List {
        /// Only where a field has a value, such as state=stuck.
        #[arg(long = "filter", value_name = "FIELD=VALUE")]
        filters: Vec<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u64>,
    },
    /// Show a job with its steps.
    Show { id: String },
    /// Try a job now.
    Retry { id: String },
    /// Give a job up.
    #[command(alias = "abandon")]
    Cancel { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Topology {
    /// Of a network, with its subnets and ports.
    Network { id: String },
    /// Of a router, with its interfaces and floating IPs.
    Router { id: String },
}

/// One call to the admin API.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query below `/v1.0`.
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// The columns of a list's table.
    pub(crate) columns: &'static [&'static str],
    /// Lists within one thing that are tables of their own, with their columns.
    pub(crate) inner: &'static [(&'static str, &'static [&'static str])],
}

const PODS: &[&str] = &["id", "region_name", "az_name", "pod_az_name", "state"];
const BINDINGS: &[&str] = &["id", "project_id", "pod_id", "started_at"];
const ROUTINGS: &[&str] = &[
    "resource_type",
    "top_id",
    "region_name",
    "bottom_id",
    "state",
];
const JOBS: &[&str] = &[
    "id",
    "kind",
    "resource_id",
    "region_name",
    "state",
    "attempts",
    "last_error",
];
/// A job's steps.
const STEPS: &[(&str, &[&str])] = &[("steps", &["seq", "name", "phase", "at"])];
/// What a topology consists of.
const TOPOLOGY: &[(&str, &[&str])] = &[
    ("parts", &["resource_type", "id", "name", "state"]),
    (
        "pods/realizations",
        &[
            "region_name",
            "resource_type",
            "top_id",
            "bottom_id",
            "state",
            "in_step",
        ],
    ),
    ("jobs", JOBS),
];

impl Command {
    /// The call; an error tells what of the command line makes no sense.
    pub(crate) fn call(&self) -> Result<Call, String> {
        Ok(match self {
            Self::Pod(Pod::List) => get("/pods".to_owned(), PODS),
            Self::Pod(Pod::Show { id }) => get(one("pods", id), PODS),
            Self::Pod(Pod::Create { region, az, pod_az }) => Call {
                method: Method::POST,
                path: "/pods".to_owned(),
                body: Some(json!({"pod": {
                    "region_name": region, "az_name": az, "pod_az_name": pod_az,
                }})),
                columns: PODS,
                inner: &[],
            },
            Self::Pod(Pod::Set {
                id,
                state,
                az,
                pod_az,
                mtu,
            }) => {
                let fields = [("state", state), ("az_name", az), ("pod_az_name", pod_az)];
                let mut pod: Map<String, Value> = fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
                    .collect();
                pod.extend(mtu.map(|mtu| ("mtu".to_owned(), json!(mtu))));
                if pod.is_empty() {
                    return Err("nothing to set: give --state, --az or --mtu".to_owned());
                }
                Call {
                    method: Method::PUT,
                    path: one("pods", id),
                    body: Some(json!({ "pod": pod })),
                    columns: PODS,
                    inner: &[],
                }
            }
            Self::Pod(Pod::Delete { id }) => delete(one("pods", id)),
            Self::Binding(Binding::List { project }) => {
                let filters = project.iter().map(|p| format!("project_id={p}")).collect();
                get(filtered("/bindings", &filters, None)?, BINDINGS)
            }
            Self::Binding(Binding::Create { project, pod }) => Call {
                method: Method::POST,
                path: "/bindings".to_owned(),
                body: Some(json!({"pod_binding": {"project_id": project, "pod_id": pod}})),
                columns: BINDINGS,
                inner: &[],
            },
            Self::Binding(Binding::Delete { id }) => delete(one("bindings", id)),
            Self::Routing(Routing::List { filters, limit }) => {
                get(filtered("/routings", filters, *limit)?, ROUTINGS)
            }
            Self::Routing(Routing::Show { id }) => get(one("routings", id), ROUTINGS),
            Self::Routing(Routing::Create {
                resource_type,
                top_id,
                pod,
                bottom_id,
                project,
            }) => {
                let mut routing = json!({
                    "resource_type": resource_type, "top_id": top_id, "pod_id": pod,
                });
                for (name, value) in [("bottom_id", bottom_id), ("project_id", project)] {
                    if let Some(value) = value {
                        routing[name] = json!(value);
                    }
                }
                Call {
                    method: Method::POST,
                    path: "/routings".to_owned(),
                    body: Some(json!({ "routing": routing })),
                    columns: ROUTINGS,
                    inner: &[],
                }
            }
            Self::Routing(Routing::Set { id, pod, bottom_id }) => {
                let fields = [("pod_id", pod), ("bottom_id", bottom_id)];
                let routing: Map<String, Value> = fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
                    .collect();
                if routing.is_empty() {
                    return Err("nothing to set: give --pod or --bottom-id".to_owned());
                }
                Call {
                    method: Method::PUT,
                    path: one("routings", id),
                    body: Some(json!({ "routing": routing })),
                    columns: ROUTINGS,
                    inner: &[],
                }
            }
            Self::Routing(Routing::Delete { id, force }) => {
                let path = one("routings", id);
                delete(match force {
                    true => format!("{path}?force=true"),
                    false => path,
                })
            }
            Self::Job(Job::List { filters, limit }) => {
                get(filtered("/jobs", filters, *limit)?, JOBS)
            }
            Self::Job(Job::Show { id }) => Call {
                inner: STEPS,
                ..get(one("jobs", id), JOBS)
            },
            Self::Job(Job::Retry { id }) => post(format!("{}/retry", one("jobs", id)), JOBS),
            Self::Job(Job::Cancel { id }) => post(format!("{}/cancel", one("jobs", id)), JOBS),
            Self::Topology(Topology::Network { id }) => Call {
                inner: TOPOLOGY,
                ..get(one("topology/network", id), &[])
            },
            Self::Topology(Topology::Router { id }) => Call {
                inner: TOPOLOGY,
                ..get(one("topology/router", id), &[])
            },
        })
    }
}

fn post(path: String, columns: &'static [&'static str]) -> Call {
    Call {
        method: Method::POST,
        ..get(path, columns)
    }
}

fn get(path: String, columns: &'static [&'static str]) -> Call {
    Call {
        method: Method::GET,
        path,
        body: None,
        columns,
        inner: &[],
    }
}

fn delete(path: String) -> Call {
    Call {
        method: Method::DELETE,
        path,
        body: None,
        columns: &[],
        inner: &[],
    }
}

/// The path of one thing, whatever is in its id.
fn one(collection: &str, id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/{collection}/{}", id.replace('+', "%20"))
}

fn filtered(path: &str, filters: &Vec<String>, limit: Option<u64>) -> Result<String, String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for filter in filters {
        let (name, value) = filter
            .split_once('=')
            .ok_or_else(|| format!("{filter:?} is not like field=value"))?;
        query.append_pair(name, value);
    }
    if let Some(limit) = limit {
        query.append_pair("limit", &limit.to_string());
    }
    let query = query.finish();
    Ok(if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Result<(String, String, Option<Value>), String> {
        let words = std::iter::once("tricircle").chain(line.split(' '));
        let arguments = Arguments::try_parse_from(words).map_err(|e| e.to_string())?;
        let call = arguments.command.call()?;
        Ok((call.method.to_string(), call.path, call.body))
    }

    #[test]
    fn each_command_is_one_call() {
        for (line, method, path, body) in [
            ("pod list", "GET", "/pods", None),
            ("pod show a/b", "GET", "/pods/a%2Fb", None),
            (
                "pod create Pod1 --az az1",
                "POST",
                "/pods",
                Some(json!({"pod": {"region_name": "Pod1", "az_name": "az1", "pod_az_name": ""}})),
            ),
            (
                "pod set x --state draining",
                "PUT",
                "/pods/x",
                Some(json!({"pod": {"state": "draining"}})),
            ),
            ("pod delete x", "DELETE", "/pods/x", None),
            (
                "binding list --project p",
                "GET",
                "/bindings?project_id=p",
                None,
            ),
            (
                "binding create p x",
                "POST",
                "/bindings",
                Some(json!({"pod_binding": {"project_id": "p", "pod_id": "x"}})),
            ),
            (
                "routing list --filter resource_type=server --filter top_id=a&b --limit 3",
                "GET",
                "/routings?resource_type=server&top_id=a%26b&limit=3",
                None,
            ),
            ("job list", "GET", "/jobs", None),
            (
                "routing create server s x --project p",
                "POST",
                "/routings",
                Some(json!({"routing": {
                    "resource_type": "server", "top_id": "s", "pod_id": "x", "project_id": "p",
                }})),
            ),
            (
                "routing set r --bottom-id b",
                "PUT",
                "/routings/r",
                Some(json!({"routing": {"bottom_id": "b"}})),
            ),
            ("routing delete r", "DELETE", "/routings/r", None),
            (
                "routing delete r --force",
                "DELETE",
                "/routings/r?force=true",
                None,
            ),
            ("job retry x", "POST", "/jobs/x/retry", None),
            ("job cancel x", "POST", "/jobs/x/cancel", None),
            ("job abandon x", "POST", "/jobs/x/cancel", None),
            ("topology network n", "GET", "/topology/network/n", None),
            ("topology router r", "GET", "/topology/router/r", None),
        ] {
            let expected = Ok((method.to_owned(), path.to_owned(), body));
            assert_eq!(call(line), expected, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "pod set x",
            "pod set x --pod-az n",
            "job list --filter x",
            "pod create P",
            "routing set r",
        ] {
            assert!(call(line).is_err(), "{line}");
        }
    }
}
