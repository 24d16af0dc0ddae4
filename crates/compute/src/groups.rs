//! Server groups: owned at the top, made in a pod when a server of theirs first goes
//! there.
//!
//! A pod's group has the policy of the top's and is called by the top's id, so that one
//! whose id was lost is found again. Users never see a pod's group: answers are
//! rewritten (`GroupIds` of the gateway). Over pods, a group with affinity stays in the
//! pod of its servers, and one with anti-affinity prefers a pod that has none of them;
//! within a pod, the pod's Nova does it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::{
    GroupJoin, GroupPolicy, NewJob, Realization, RealizationKind, RealizationState, ServerGroup,
    ServerGroupMember,
};
use tricircle_failpoint::hit;
use tricircle_gateway::Call;
use tricircle_intent::pod_job_error;
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodError, PodSession, Service};

use crate::placement::Placed;
use crate::tries::Failed;
use crate::{Compute, SERVER_GROUP_REMOVE, ServerRequest};

/// The version at which groups are made and looked for in pods.
const VERSION: &str = "2.64";
/// How many groups a pod shows at once.
const PAGE: usize = 1000;

/// The group of a new server, and where its other servers are.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    pub(crate) group: ServerGroup,
    members: Vec<ServerGroupMember>,
}

impl Joined {
    /// The pod in which all servers of the group must be, once there is one.
    pub(crate) fn pinned_to(&self) -> Option<&str> {
        match self.group.policy {
            GroupPolicy::Affinity => self.members.first().map(|member| member.pod_id.as_str()),
            _ => None,
        }
    }

    /// Pods in the order that the policy prefers, which otherwise stays as it was.
    pub(crate) fn order(&self, mut places: Vec<Placed>) -> Vec<Placed> {
        let mut in_pod: BTreeMap<&str, i64> = BTreeMap::new();
        for member in &self.members {
            *in_pod.entry(member.pod_id.as_str()).or_default() += 1;
        }
        let sign = match self.group.policy {
            GroupPolicy::Affinity | GroupPolicy::SoftAffinity => -1,
            GroupPolicy::AntiAffinity | GroupPolicy::SoftAntiAffinity => 1,
        };
        places.sort_by_key(|place| {
            let members = in_pod.get(place.pod.id()).copied().unwrap_or(0);
            (!place.pod.answers(Service::Compute), sign * members)
        });
        places
    }

    /// What the intent of a server in the group says.
    pub(crate) fn join(&self, configured: i64) -> GroupJoin {
        GroupJoin {
            group_id: self.group.id.clone(),
            one_pod: self.group.policy == GroupPolicy::Affinity,
            configured,
        }
    }
}

/// Nova's words for a group that is not there.
pub fn no_such_group(id: &str) -> String {
    format!("Instance group {id} could not be found.")
}

/// Nova's 403 for a server too many in a group.
pub(crate) fn group_is_full() -> Fault {
    Fault::forbidden("Quota exceeded, too many servers in group")
}

/// What a group is called in pods.
fn mark(group_id: &str) -> String {
    format!("tricircle:{group_id}")
}

impl Compute {
    /// The group that the hints of a create name, if any. Groups of other projects are
    /// not there, except for administrators.
    pub(crate) async fn group_of(
        &self,
        call: &Call,
        request: &ServerRequest,
    ) -> Result<Option<Joined>, Fault> {
        let Some(id) = &request.group else {
            return Ok(None);
        };
        let context = &call.context;
        let group = self.store.server_group_by_id(id).await?;
        let group = group
            .filter(|group| context.is_admin() || group.project_id == context.project_id)
            .ok_or_else(|| Fault::bad_request(no_such_group(id)))?;
        let ids = [group.id.clone()];
        let members = self.store.server_group_members(&ids).await?;
        Ok(Some(Joined { group, members }))
    }

    /// Whether so many more servers of the user may be in the group; each intent counts
    /// again.
    pub(crate) async fn check_group(
        &self,
        call: &Call,
        joined: &Joined,
        count: u32,
    ) -> Result<(), Fault> {
        let context = &call.context;
        let set = self
            .store
            .compute_quotas(&context.project_id, &context.user_id)
            .await?;
        let configured = self.config.quota.server_group_members;
        let name = "server_group_members";
        let limit = set
            .of_project(name, configured)
            .min(set.of_user(name, configured));
        let own = joined
            .members
            .iter()
            .filter(|member| member.user_id == context.user_id)
            .count();
        let wanted = i64::try_from(own)
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(count));
        if limit >= 0 && wanted > limit {
            return Err(group_is_full());
        }
        Ok(())
    }

    /// Makes sure that a pod has the group; its id there. `user` is the user's session
    /// without microversion.
    pub(crate) async fn ensure_group(
        &self,
        user: &PodSession,
        group: &ServerGroup,
    ) -> Result<String, Failed> {
        let kind = RealizationKind::ServerGroup;
        let (pod_id, project_id) = (user.pod().id(), &group.project_id);
        let intent = Realization::intent(kind, &group.id, pod_id, project_id);
        let row = self.store.realization_claim(&intent).await?;
        hit("realize_server_group.intended");
        match (row.state, &row.bottom_id) {
            (RealizationState::Deleting, _) => {
                return Err(Failed::AtTop(Fault::bad_request(no_such_group(&group.id))));
            }
            (RealizationState::Present, Some(id)) => return Ok(id.clone()),
            _ => {}
        }
        let user = user.clone().at_compute_version(VERSION);
        // Somebody may have begun before and lost the answer.
        let known = if row.id == intent.id {
            Vec::new()
        } else {
            named(&user, &group.id, false)
                .await
                .map_err(Failed::preparing)?
        };
        if known.is_empty() {
            let body = json!({"server_group": {
                "name": mark(&group.id),
                "policy": group.policy.as_str(),
                "rules": rules(group),
            }});
            user.post_json(Service::Compute, "/os-server-groups", &body)
                .await
                .map_err(Failed::preparing)?;
        }
        hit("realize_server_group.posted");
        // Of those that were made together the first is the one, for everybody who looks.
        let mut there = named(&user, &group.id, false)
            .await
            .map_err(Failed::preparing)?
            .into_iter();
        let Some(first) = there.next() else {
            return Err(Failed::preparing(PodError::Malformed {
                pod: user.pod().region().to_owned(),
                why: "a server group that was made is not in the list".to_owned(),
            }));
        };
        for id in there {
            remove(&user, &id).await.map_err(Failed::preparing)?;
        }
        let digest = group.policy.as_str();
        let wanted = self
            .store
            .realization_present(&row.id, &first, digest, &json!({}))
            .await?;
        if !wanted {
            // Deleted at the top meanwhile.
            remove(&user, &first).await.map_err(Failed::preparing)?;
            return Err(Failed::AtTop(Fault::bad_request(no_such_group(&group.id))));
        }
        hit("realize_server_group.recorded");
        Ok(first)
    }

    /// The pod no longer has its group, which somebody removed there: the next server
    /// makes it anew.
    pub(crate) async fn group_lost(&self, pod_id: &str, group_id: &str) {
        let kind = RealizationKind::ServerGroup;
        let forgotten = async {
            if let Some(row) = self.store.realization_find(kind, group_id, pod_id).await? {
                self.store.realization_delete(&row.id).await?;
            }
            Ok::<(), tricircle_db::DbError>(())
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "a server group that is gone from its pod stays recorded");
        }
    }

    /// Deletes a group at the top and, by its job, in the pods. False when it is gone.
    pub async fn delete_group(&self, group: &ServerGroup, request_id: &str) -> Result<bool, Fault> {
        let job = NewJob {
            project_id: group.project_id.clone(),
            request_id: request_id.to_owned(),
            ..NewJob::new(SERVER_GROUP_REMOVE, &group.id)
        };
        let gone = self.store.server_group_delete(&group.id, &job).await?;
        hit("server_group_delete.written");
        self.jobs.wake_all();
        Ok(gone)
    }
}

/// Rules as Nova takes them, which are texts or numbers.
fn rules(group: &ServerGroup) -> Value {
    serde_json::from_str(&group.rules).unwrap_or_else(|_| json!({}))
}

/// The pod's groups that were made for a group of the top, oldest first.
async fn named(
    session: &PodSession,
    group_id: &str,
    all_projects: bool,
) -> Result<Vec<String>, PodError> {
    let mark = mark(group_id);
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let all = if all_projects {
            "&all_projects=True"
        } else {
            ""
        };
        let path = format!("/os-server-groups?limit={PAGE}&offset={offset}{all}");
        let body = session.get_json(Service::Compute, &path).await?;
        let page = body.get("server_groups").and_then(Value::as_array);
        let page = page.map_or(&[][..], Vec::as_slice);
        let ours = page
            .iter()
            .filter(|group| group.get("name").and_then(Value::as_str) == Some(&mark))
            .filter_map(|group| group.get("id")?.as_str());
        found.extend(ours.map(str::to_owned));
        if page.len() < PAGE {
            return Ok(found);
        }
        offset += PAGE;
    }
}

async fn remove(session: &PodSession, id: &str) -> Result<(), PodError> {
    let path = format!("/os-server-groups/{id}");
    match session.delete(Service::Compute, &path).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Removes a deleted group from the pods that have it.
#[derive(Debug, Clone)]
pub struct ServerGroupRemove(pub Compute);

#[async_trait]
impl JobKind for ServerGroupRemove {
    fn name(&self) -> &'static str {
        SERVER_GROUP_REMOVE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let store = &self.0.store;
        let kind = RealizationKind::ServerGroup;
        let rows = store.realizations_of(kind, run.resource_id()).await?;
        let mut ended = Ok(());
        for row in rows {
            run.check()?;
            // One pod that is away does not keep the others from being cleaned.
            ended = ended.and(self.remove_from(&row, run.request_id()).await);
        }
        ended
    }
}

impl ServerGroupRemove {
    async fn remove_from(&self, row: &Realization, request_id: &str) -> Result<(), JobError> {
        let Compute {
            store,
            pods,
            config,
            ..
        } = &self.0;
        let in_pod = |error| pod_job_error(&row.pod_id, error);
        let admin = pods.admin(&row.pod_id, request_id).map_err(in_pod)?;
        let admin = admin.at_compute_version(VERSION);
        let mut marked_at = row.updated_at;
        if row.state != RealizationState::Deleting {
            // Nobody begins to make it while it goes.
            let to = RealizationState::Deleting;
            store.realization_remember(&row.id, to, &json!({})).await?;
            marked_at = tricircle_db::now();
            hit("server_group_remove.marked");
        }
        match &row.bottom_id {
            Some(id) => remove(&admin, id).await.map_err(in_pod)?,
            None => {
                for id in named(&admin, &row.top_id, true).await.map_err(in_pod)? {
                    remove(&admin, &id).await.map_err(in_pod)?;
                }
                // Who asked the pod before the mark may still get an answer.
                let longest = config.client.request_timeout.mul_f64(1.5);
                let passed = (tricircle_db::now() - marked_at).to_std();
                if passed.is_ok_and(|passed| passed < longest) {
                    return Err(JobError::transient(
                        "somebody may still be making the server group",
                    ));
                }
            }
        }
        hit("server_group_remove.removed");
        store.realization_delete(&row.id).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(policy: GroupPolicy, pods: &[&str]) -> Joined {
        Joined {
            group: ServerGroup {
                id: "g".to_owned(),
                project_id: "p".to_owned(),
                user_id: "u".to_owned(),
                name: "group".to_owned(),
                policy,
                rules: "{}".to_owned(),
                created_at: tricircle_db::now(),
            },
            members: pods
                .iter()
                .map(|pod| ServerGroupMember {
                    group_id: "g".to_owned(),
                    server_id: None,
                    pod_id: (*pod).to_owned(),
                    user_id: "u".to_owned(),
                })
                .collect(),
        }
    }

    #[test]
    fn affinity_alone_holds_a_group_in_one_pod() {
        assert_eq!(joined(GroupPolicy::Affinity, &[]).pinned_to(), None);
        let two = ["pod-1", "pod-1"];
        assert_eq!(
            joined(GroupPolicy::Affinity, &two).pinned_to(),
            Some("pod-1")
        );
        assert_eq!(joined(GroupPolicy::SoftAffinity, &two).pinned_to(), None);
        assert!(joined(GroupPolicy::Affinity, &two).join(5).one_pod);
        assert!(!joined(GroupPolicy::AntiAffinity, &two).join(5).one_pod);
    }
}
