//! Networks and the segments they get.

use tricircle_db::models::{
    NetWrite, Network as NetworkRow, NetworkChange, NetworkView, RealizationKind,
};

use super::ROUNDS;
use crate::drivers::{Segment, Taken, TypeDriver};
use crate::error::unexpected;
use crate::{Network, NetworkError};

impl Network {
    /// Makes a network. `wanted`: what an administrator said of its segment; `None`:
    /// the types for tenants are tried in turn. Type, physical network and segment of
    /// `draft` are filled in here.
    pub async fn create_network(
        &self,
        draft: &NetworkRow,
        wanted: Option<&Segment>,
    ) -> Result<NetworkView, NetworkError> {
        if let Some(wanted) = wanted {
            let driver = self.drivers.get(&wanted.network_type)?;
            return self.create_on(draft, driver.as_ref(), wanted).await;
        }
        let mut ended = NetworkError::NoNetworkAvailable;
        for driver in self.drivers.tenant_types() {
            let any = Segment::default();
            match self.create_on(draft, driver.as_ref(), &any).await {
                Err(NetworkError::NoNetworkAvailable) => {
                    ended = NetworkError::NoNetworkAvailable;
                }
                other => return other,
            }
        }
        Err(ended)
    }

    async fn create_on(
        &self,
        draft: &NetworkRow,
        driver: &dyn TypeDriver,
        wanted: &Segment,
    ) -> Result<NetworkView, NetworkError> {
        driver.validate(wanted)?;
        for _ in 0..ROUNDS {
            let mut taken = Taken::new();
            for name in driver.physical_networks(wanted) {
                let ids = self
                    .store
                    .network_segments_used(driver.network_type(), &name)
                    .await?;
                taken.insert(name, ids.into_iter().collect());
            }
            let segment = driver.choose(wanted, &taken, rand::random())?;
            let row = NetworkRow {
                network_type: segment.network_type,
                physical_network: segment.physical_network,
                segmentation_id: segment.segmentation_id,
                ..draft.clone()
            };
            match self
                .store
                .network_create(&row, self.config.quota.network)
                .await?
            {
                NetWrite::Done => {
                    tricircle_failpoint::hit("network_create.written");
                    return Ok(NetworkView {
                        network: row,
                        subnets: Vec::new(),
                    });
                }
                NetWrite::SegmentTaken => {}
                other => return Err(unexpected("network_create", &other)),
            }
        }
        Err(NetworkError::NoNetworkAvailable)
    }

    /// Changes a network at the top; its pods follow by a job.
    pub async fn update_network(
        &self,
        id: &str,
        change: &NetworkChange,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<NetworkView, NetworkError> {
        let job = self.sync_job(RealizationKind::Network, id, request_id);
        let ended = self
            .store
            .network_update(id, change, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(NetworkError::NetworkNotFound(id.to_owned())),
            other => return Err(unexpected("network_update", &other)),
        }
        tricircle_failpoint::hit("network_update.written");
        let found = self.store.network_by_id(id).await?;
        found.ok_or_else(|| NetworkError::NetworkNotFound(id.to_owned()))
    }
}
