//! Deletes: accepted at once, finished when every pod is clean.

use tricircle_db::models::{NetWrite, NewJob, RealizationKind};
use tricircle_failpoint::hit;

use crate::error::unexpected;
use crate::kinds::{
    NETWORK_REMOVE, PORT_REMOVE, SECURITY_GROUP_REMOVE, SECURITY_GROUP_SYNC, SUBNET_REMOVE,
};
use crate::routers::RouterError;
use crate::{Network, NetworkError};

impl Network {
    /// Deletes a network with its subnets. Users no longer see it when this returns.
    pub async fn delete_network(
        &self,
        id: &str,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let job = removal(NETWORK_REMOVE, id, request_id);
        let ended = self
            .store
            .network_mark_deleting(id, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(NetworkError::NetworkNotFound(id.to_owned())),
            NetWrite::Bound(project) => return Err(joins_routers(&project)),
            NetWrite::InUse(ports) => {
                return Err(NetworkError::NetworkInUse(id.to_owned(), ports.join(", ")));
            }
            other => return Err(unexpected("network_mark_deleting", &other)),
        }
        hit("network_delete.marked");
        self.jobs.wake_all();
        Ok(())
    }

    /// Deletes a subnet.
    pub async fn delete_subnet(
        &self,
        id: &str,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let job = removal(SUBNET_REMOVE, id, request_id);
        let ended = self
            .store
            .subnet_mark_deleting(id, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(NetworkError::SubnetNotFound(id.to_owned())),
            NetWrite::Bound(project) => return Err(joins_routers(&project)),
            NetWrite::InUse(_) => return Err(NetworkError::SubnetInUse(id.to_owned())),
            other => return Err(unexpected("subnet_mark_deleting", &other)),
        }
        hit("subnet_delete.marked");
        self.jobs.wake_all();
        Ok(())
    }

    /// Deletes a port. One that no pod has is gone when this returns.
    pub async fn delete_port(
        &self,
        id: &str,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let job = removal(PORT_REMOVE, id, request_id);
        let ended = self
            .store
            .port_mark_deleting(id, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(NetworkError::PortNotFound(id.to_owned())),
            NetWrite::Bound(owner) => {
                let port = id.to_owned();
                return Err(RouterError::ServicePortInUse { port, owner }.into());
            }
            other => return Err(unexpected("port_mark_deleting", &other)),
        }
        hit("port_delete.marked");
        if self.pods_of(RealizationKind::Port, id).await?.is_empty() {
            self.store.port_purge(id).await?;
            hit("port_delete.purged");
        }
        self.jobs.wake_all();
        Ok(())
    }

    /// Deletes a security group. Default groups go by an administrator's hand only.
    pub async fn delete_security_group(
        &self,
        id: &str,
        is_admin: bool,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let job = removal(SECURITY_GROUP_REMOVE, id, request_id);
        let ended = self
            .store
            .security_group_mark_deleting(id, is_admin, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(NetworkError::SecurityGroupNotFound(id.to_owned())),
            NetWrite::InUse(_) => return Err(NetworkError::SecurityGroupInUse(id.to_owned())),
            NetWrite::IsDefault => return Err(NetworkError::SecurityGroupCannotRemoveDefault),
            other => return Err(unexpected("security_group_mark_deleting", &other)),
        }
        hit("security_group_delete.marked");
        self.jobs.wake_all();
        Ok(())
    }

    /// Adds rules to groups, all or none; pods that have the groups follow by a job.
    pub async fn create_rules(
        &self,
        rules: &[tricircle_db::models::SecurityGroupRule],
    ) -> Result<(), NetworkError> {
        let ended = self
            .store
            .security_group_rules_create(
                rules,
                SECURITY_GROUP_SYNC,
                self.config.quota.security_group_rule,
            )
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::DuplicateRule(id) => return Err(NetworkError::SecurityGroupRuleExists(id)),
            NetWrite::NotFound => {
                let group = rules.first().map(|rule| rule.security_group_id.clone());
                return Err(NetworkError::SecurityGroupNotFound(
                    group.unwrap_or_default(),
                ));
            }
            other => return Err(unexpected("security_group_rules_create", &other)),
        }
        hit("rules_create.written");
        self.jobs.wake_all();
        Ok(())
    }

    /// Takes a rule away; pods follow by a job.
    pub async fn delete_rule(&self, id: &str) -> Result<(), NetworkError> {
        let ended = self
            .store
            .security_group_rule_delete(id, SECURITY_GROUP_SYNC)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => {
                return Err(NetworkError::SecurityGroupRuleNotFound(id.to_owned()));
            }
            other => return Err(unexpected("security_group_rule_delete", &other)),
        }
        hit("rule_delete.written");
        self.jobs.wake_all();
        Ok(())
    }
}

/// A bridge network goes with the last router that needs it.
fn joins_routers(project: &str) -> NetworkError {
    NetworkError::Conflict(format!(
        "The network joins the routers of project {project} and goes with them."
    ))
}

fn removal(kind: &str, id: &str, request_id: &str) -> NewJob {
    NewJob {
        request_id: request_id.to_owned(),
        ..NewJob::new(kind, id)
    }
}
