//! Networks in pods.

use serde_json::json;
use tricircle_config::PhysicalMapping;
use tricircle_db::models::{NetWrite, Network as NetworkRow, RealizationKind};
use tricircle_pods::{PodError, PodSession};

use super::body;
use super::ensure::Wanted;
use crate::error::unexpected;
use crate::{Network, NetworkError};

impl Network {
    /// Makes a network exist in a pod; its id there.
    pub async fn realize_network(
        &self,
        network: &NetworkRow,
        pod_id: &str,
        request_id: &str,
    ) -> Result<String, NetworkError> {
        let session = self.admin(pod_id, request_id)?;
        self.network_in(&session, network).await
    }

    pub(crate) async fn network_in(
        &self,
        session: &PodSession,
        network: &NetworkRow,
    ) -> Result<String, NetworkError> {
        let pod_id = session.pod().id().to_owned();
        let kind = RealizationKind::Network;
        if let Some(row) = self.present(kind, &network.id, &pod_id).await?
            && let Some(id) = row.bottom_id
        {
            return Ok(id);
        }
        let _held = self
            .locks
            .lock(format!("network/{}/{pod_id}", network.id))
            .await;
        if !self.drivers.get(&network.network_type)?.spans_pods() {
            self.pin(network, &pod_id).await?;
        }
        let (row, fresh) = self
            .claim(kind, &network.id, &pod_id, &network.project_id)
            .await?;
        let mut body = body::network(network);
        if let Some(name) = &network.physical_network {
            let mappings = &self.config.tricircle.physical_network_mappings;
            let there = name_in_pod(mappings, session.pod().region(), name);
            body["provider:physical_network"] = json!(there);
        }
        let wanted = Wanted {
            kind,
            top_id: &network.id,
            revision: network.revision_number,
            body,
            data: json!({}),
            unique_in_pod: network.physical_network.is_some(),
        };
        let made = self.ensure(session, row, fresh, wanted).await;
        if let Err(NetworkError::Pod(error)) = &made
            && error.is_refusal()
        {
            return Err(refused(network, session.pod().region(), error));
        }
        made
    }

    /// Ties a network that each pod would put on a segment of its own to this pod.
    async fn pin(&self, network: &NetworkRow, pod_id: &str) -> Result<(), NetworkError> {
        match self.store.network_pin(&network.id, pod_id).await? {
            NetWrite::Done => Ok(()),
            NetWrite::Pinned(other) => Err(self.lives_elsewhere(network, &other, pod_id)),
            NetWrite::NotFound => Err(NetworkError::NetworkNotFound(network.id.clone())),
            other => Err(unexpected("network_pin", &other)),
        }
    }

    /// Why a network of one pod cannot be used in another.
    pub(crate) fn lives_elsewhere(
        &self,
        network: &NetworkRow,
        there: &str,
        asked: &str,
    ) -> NetworkError {
        NetworkError::BadRequest(format!(
            "Network {} is of type {} and exists in pod {} only: it cannot be used in pod {}.",
            network.id,
            network.network_type,
            self.region(there),
            self.region(asked)
        ))
    }
}

/// What a physical network of the top is called in a pod.
fn name_in_pod<'a>(mappings: &'a [PhysicalMapping], region: &str, name: &'a str) -> &'a str {
    let mut own = mappings
        .iter()
        .filter(|mapping| mapping.region == region && mapping.top == name);
    own.next().map_or(name, |mapping| &mapping.bottom)
}

/// A refusal in words that name the pod and the segment.
fn refused(network: &NetworkRow, region: &str, error: &PodError) -> NetworkError {
    let segment = match (&network.physical_network, network.segmentation_id) {
        (Some(physical), Some(id)) => format!(
            " on {} {id} of physical network {physical}",
            network.network_type
        ),
        (Some(physical), None) => format!(
            " on physical network {physical}, as {}",
            network.network_type
        ),
        _ => String::new(),
    };
    let message = match error {
        PodError::Status { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let text = format!(
        "Network {} cannot be made in pod {region}{segment}: {message}",
        network.id
    );
    match error.is_conflict() {
        true => NetworkError::PodConflict(text),
        false => NetworkError::BadRequest(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_physical_network_has_its_own_name_where_it_has_one() {
        let mappings = ["Pod2:physnet1:datacentre2", "Pod2:physnet2:other"];
        let mappings = mappings.map(|text| text.parse().unwrap());
        assert_eq!(name_in_pod(&mappings, "Pod2", "physnet1"), "datacentre2");
        assert_eq!(name_in_pod(&mappings, "Pod1", "physnet1"), "physnet1");
        assert_eq!(name_in_pod(&mappings, "Pod2", "physnet3"), "physnet3");
    }

    #[test]
    fn a_segment_that_a_pod_uses_itself_is_named() {
        let network = NetworkRow {
            id: "n1".to_owned(),
            network_type: "vlan".to_owned(),
            physical_network: Some("physnet1".to_owned()),
            segmentation_id: Some(101),
            ..NetworkRow::default()
        };
        let conflict = PodError::Status {
            pod: "Pod1".to_owned(),
            code: 409,
            message: "in use".to_owned(),
            fault: String::new(),
            body: json!(null),
            retry_after: None,
        };
        let error = refused(&network, "Pod1", &conflict);
        assert_eq!(error.status().0, 409);
        assert_eq!(
            error.to_string(),
            "Network n1 cannot be made in pod Pod1 on vlan 101 of physical network physnet1: in use"
        );
    }
}
