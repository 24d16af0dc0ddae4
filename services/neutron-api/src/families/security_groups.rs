//! Security groups. A project's default group is made when the project first
//! looks at its groups or makes one.

use tricircle_db::models::{
    NetWrite, RealizationKind, SecurityGroup, SecurityGroupFilter, egress_rules,
};
use tricircle_network::NetworkError;
use tricircle_network::resource::tables::SECURITY_GROUP;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused, written};
use crate::family::{Done, Family};
use crate::{rows, writes};

/// `/v2.0/security-groups`
pub struct SecurityGroups;

impl Family for SecurityGroups {
    const RESOURCE: &'static Resource = &SECURITY_GROUP;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let store = &call.api.store;
        store.default_security_group(call.project_id()).await?;
        let filter = SecurityGroupFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            names: narrowed(query, "name"),
            ..SecurityGroupFilter::default()
        };
        let views = store.security_groups(&filter).await?;
        Ok(views.iter().map(rows::security_group).collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        Ok(writes::live_group(call, id)
            .await?
            .map(|view| rows::security_group(&view)))
    }

    async fn target(_call: &Call, body: &Body) -> Done<Row> {
        Ok(body.values.clone())
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut made = Vec::new();
        for body in bodies {
            let project = body.project_id();
            call.api.store.default_security_group(project).await?;
            let mut group = SecurityGroup::new(
                project,
                body.text("name").unwrap_or_default(),
                body.text("description").unwrap_or_default(),
            );
            group.stateful = body.flag("stateful").unwrap_or(true);
            let rules = egress_rules(&group);
            let limit = call.api.config.quota.security_group;
            let store = &call.api.store;
            match store.security_group_create(&group, &rules, limit).await? {
                NetWrite::Done => made.push(group.id),
                _ => {
                    undo(call, &made).await;
                    return Err(failed(NetworkError::OverQuota("security_group")));
                }
            }
        }
        let mut shown = Vec::new();
        for id in made {
            shown.extend(Self::row(call, &id).await?);
        }
        Ok(shown)
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        let view = writes::live_group(call, id)
            .await?
            .ok_or_else(|| refused(SECURITY_GROUP.not_found(id)))?;
        let renamed = body.text("name").filter(|name| *name != view.group.name);
        if view.is_default && renamed.is_some() {
            return Err(refused(ResourceError::new(
                409,
                "SecurityGroupCannotUpdateDefault",
                "Updating default security group not allowed.",
            )));
        }
        let stateful = body.flag("stateful");
        if stateful.is_some_and(|wanted| wanted != view.group.stateful) {
            writes::require_unused_group(call, id).await?;
        }
        let kind = RealizationKind::SecurityGroup;
        let job = call
            .api
            .network
            .sync_job(kind, id, call.context.request_id());
        let answer = call
            .api
            .store
            .security_group_update(
                id,
                body.text("name"),
                body.text("description"),
                stateful,
                revision,
                &job,
            )
            .await?;
        match answer {
            NetWrite::Done => {}
            NetWrite::OtherRevision(found) => return Err(writes::other_revision(revision, found)),
            _ => return Err(refused(SECURITY_GROUP.not_found(id))),
        }
        call.push(kind, id).await;
        Self::row(call, id)
            .await?
            .ok_or_else(|| refused(SECURITY_GROUP.not_found(id)))
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let gone = call.api.network.delete_security_group(
            Resource::id_of(row),
            call.is_admin(),
            revision,
            call.context.request_id(),
        );
        written(revision, gone.await)
    }
}

/// Takes back the groups of a bulk create that did not fit as a whole.
async fn undo(call: &Call, made: &[String]) {
    for id in made {
        let gone =
            call.api
                .network
                .delete_security_group(id, false, None, call.context.request_id());
        if let Err(error) = gone.await {
            tracing::error!(group.id = %id, %error, "a group of a failed bulk create is left");
        }
    }
}
