//! Security groups in pods.
//!
//! A project's default group is realized by the pod's own default group of that
//! project: Neutron gives every project one that cannot be made or deleted. Others are
//! made. Rules may name other groups, in circles, so all groups that a group's rules
//! lead to are made first and get their rules after.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use tricircle_db::models::{
    Realization, RealizationKind, RealizationState, SecurityGroupFilter, SecurityGroupView,
};
use tricircle_failpoint::hit;
use tricircle_pods::{PodError, PodSession, Service};

use super::body;
use super::ensure::{Wanted, delete_quietly, digest, id_of};
use super::rules::plan_rules;
use crate::{Network, NetworkError};

impl Network {
    /// Makes groups, and those that their rules name, exist in the session's pod with
    /// their rules. The ids there, by top id.
    pub(crate) async fn groups_in(
        &self,
        session: &PodSession,
        wanted: &[String],
    ) -> Result<HashMap<String, String>, NetworkError> {
        self.groups_with(session, wanted, &[]).await
    }

    /// Sends the rules of groups that a pod has, though it has them as they are recorded:
    /// what they mean there has changed.
    pub(crate) async fn rules_again(
        &self,
        session: &PodSession,
        groups: &[String],
    ) -> Result<(), NetworkError> {
        self.groups_with(session, groups, groups).await.map(drop)
    }

    async fn groups_with(
        &self,
        session: &PodSession,
        wanted: &[String],
        again: &[String],
    ) -> Result<HashMap<String, String>, NetworkError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let all = self.closure(wanted).await?;
        let pod_id = session.pod().id().to_owned();
        let mut bottom = HashMap::new();
        let mut stale = Vec::new();
        for view in all.values() {
            let row = self
                .present(RealizationKind::SecurityGroup, &view.group.id, &pod_id)
                .await?;
            let row = match row {
                Some(row) => row,
                None => self.make_group(session, view).await?,
            };
            let is_sent = row.digest == digest(view.group.revision_number);
            if !is_sent || again.contains(&view.group.id) {
                stale.push((view, row.clone(), is_sent));
            }
            if let Some(id) = row.bottom_id {
                bottom.insert(view.group.id.clone(), id);
            }
        }
        // The job first: a pod whose rules are recorded as sent is not looked at again.
        let news: Vec<String> = stale
            .iter()
            .filter(|(_, _, is_sent)| !is_sent)
            .flat_map(|(view, _, _)| remotes(view))
            .collect();
        if !news.is_empty() {
            self.store.group_members_wanted(&news, &pod_id).await?;
            self.jobs.wake_all();
        }
        for (view, row, _) in stale {
            self.sync_rules(session, view, &row, &bottom).await?;
        }
        Ok(bottom)
    }

    /// The groups, and those that their rules lead to.
    async fn closure(
        &self,
        wanted: &[String],
    ) -> Result<BTreeMap<String, SecurityGroupView>, NetworkError> {
        let mut all = BTreeMap::new();
        let mut next: Vec<String> = wanted.to_vec();
        while !next.is_empty() {
            let filter = SecurityGroupFilter {
                ids: std::mem::take(&mut next),
                ..SecurityGroupFilter::default()
            };
            for view in self.store.security_groups(&filter).await? {
                all.insert(view.group.id.clone(), view);
            }
            next = all
                .values()
                .flat_map(|view| &view.rules)
                .filter_map(|rule| rule.remote_group_id.clone())
                .filter(|group| !all.contains_key(group))
                // A group that is being deleted has no members: once asked is enough.
                .filter(|group| !filter.ids.contains(group))
                .collect();
        }
        match wanted.iter().find(|group| !all.contains_key(*group)) {
            Some(gone) => Err(NetworkError::SecurityGroupNotFound(gone.clone())),
            None => Ok(all),
        }
    }

    /// Makes a group without looking at its rules; its row, with a digest that says
    /// that they are still to be sent.
    async fn make_group(
        &self,
        session: &PodSession,
        view: &SecurityGroupView,
    ) -> Result<Realization, NetworkError> {
        let pod_id = session.pod().id();
        let group = &view.group;
        let kind = RealizationKind::SecurityGroup;
        let _held = self
            .locks
            .lock(format!("group/{}/{pod_id}", group.id))
            .await;
        let (mut row, fresh) = self
            .claim(kind, &group.id, pod_id, &group.project_id)
            .await?;
        if row.state == RealizationState::Present {
            return Ok(row);
        }
        let bottom = match view.is_default {
            true => {
                let id = self.default_group_in(session, &group.project_id).await?;
                self.store
                    .realization_present(&row.id, &id, &digest(NO_RULES), &json!({ADOPTED: true}))
                    .await?;
                hit("realize.recorded");
                if fresh {
                    self.forget_job(&row).await?;
                }
                id
            }
            false => {
                let wanted = Wanted {
                    kind,
                    top_id: &group.id,
                    revision: NO_RULES,
                    body: body::group(group),
                    data: json!({}),
                    unique_in_pod: false,
                };
                self.ensure(session, row.clone(), fresh, wanted).await?
            }
        };
        row.bottom_id = Some(bottom);
        row.state = RealizationState::Present;
        row.digest = digest(NO_RULES);
        Ok(row)
    }

    /// The pod's own default group of a project; asking for it makes it.
    async fn default_group_in(
        &self,
        session: &PodSession,
        project_id: &str,
    ) -> Result<String, NetworkError> {
        let path = format!("/security-groups?project_id={project_id}&name=default&fields=id");
        let answer = session.get_json(Service::Network, &path).await?;
        match answer["security_groups"]
            .as_array()
            .and_then(|list| list.first())
        {
            Some(group) => id_of(session, group),
            None => Err(NetworkError::Pod(PodError::Malformed {
                pod: session.pod().region().to_owned(),
                why: format!("project {project_id} has no default security group"),
            })),
        }
    }

    /// Brings the rules, name and state of a realized group in line.
    async fn sync_rules(
        &self,
        session: &PodSession,
        view: &SecurityGroupView,
        row: &Realization,
        groups: &HashMap<String, String>,
    ) -> Result<(), NetworkError> {
        let Some(bottom) = groups.get(&view.group.id) else {
            return Ok(());
        };
        let pod_id = session.pod().id();
        let _held = self
            .locks
            .lock(format!("rules/{}/{pod_id}", view.group.id))
            .await;
        let path = format!("/security-groups/{bottom}");
        let found = session.get_json(Service::Network, &path).await?;
        let found = &found["security_group"];
        let actual: &[Value] = found["security_group_rules"]
            .as_array()
            .map_or(&[], Vec::as_slice);
        let project = &view.group.project_id;
        // After the rules were read: a list that one of them names is recorded already.
        let mut elsewhere = HashMap::new();
        for group in remotes(view) {
            let how = self.told_of(session, &group).await?;
            elsewhere.insert(group, how);
        }
        let changes = plan_rules(bottom, project, &view.rules, actual, groups, &elsewhere);
        for rule in &changes.add {
            let body = json!({ "security_group_rule": rule });
            match session
                .post_json(Service::Network, "/security-group-rules", &body)
                .await
            {
                // Somebody else was faster with the same rule.
                Err(error) if error.is_conflict() => {}
                other => drop(other?),
            }
            hit("rules.added");
        }
        for rule in &changes.remove {
            delete_quietly(session, &format!("/security-group-rules/{rule}")).await?;
            hit("rules.removed");
        }
        if !view.is_default && found["name"].as_str() != Some(view.group.name.as_str()) {
            let body = json!({"security_group": {"name": view.group.name}});
            session.put_json(Service::Network, &path, &body).await?;
        }
        self.pushed(session, row, &digest(view.group.revision_number))
            .await
    }

    /// Brings a group's rules to one pod that has it.
    pub(crate) async fn sync_group_in(
        &self,
        session: &PodSession,
        top_id: &str,
    ) -> Result<(), NetworkError> {
        // Two rounds: a change between reading and sending leaves an old digest.
        self.groups_in(session, &[top_id.to_owned()]).await?;
        Ok(())
    }
}

/// The groups whose members a group's rules admit.
fn remotes(view: &SecurityGroupView) -> BTreeSet<String> {
    let rules = view.rules.iter();
    rules
        .filter_map(|rule| rule.remote_group_id.clone())
        .collect()
}

/// Key in a realization's data: the pod had the group before and keeps it.
pub(crate) const ADOPTED: &str = "adopted";

/// The revision that no group has: its rules have never been sent.
const NO_RULES: i64 = -1;
