//! Starting the service.

use actix_web::web;
use tokio_util::sync::CancellationToken;
use tricircle_api::{FaultStyle, Running, StartError};
use tricircle_network::Network;
use tricircle_network::resource::tables::ALL;
use tricircle_runtime::Parts;

use crate::families::{Networks, Ports, SecurityGroupRules, SecurityGroups, Subnets};
use crate::family::routes;
use crate::state::Api;
use crate::{cloud, extensions, quotas};

/// Starts the service; it stops when `shutdown` is cancelled.
pub async fn start(parts: &Parts, shutdown: &CancellationToken) -> Result<Running, StartError> {
    let api = web::Data::new(Api {
        store: parts.store.clone(),
        policy: parts.policy.clone(),
        config: parts.config.clone(),
        pods: parts.pods.clone(),
        network: Network::new(
            parts.store.clone(),
            parts.pods.clone(),
            parts.config.clone(),
            parts.jobs(),
        ),
    });
    let names = ALL.iter().map(|resource| (resource.name, resource.path));
    parts
        .service(
            "neutron-api",
            FaultStyle::Neutron,
            &parts.config.neutron_api,
        )?
        .resources(names.collect())
        .configure(move |config| {
            config.app_data(api.clone());
            routes::<Networks>(config);
            routes::<Subnets>(config);
            routes::<Ports>(config);
            routes::<SecurityGroups>(config);
            routes::<SecurityGroupRules>(config);
            quotas::routes(config);
            extensions::routes(config);
            cloud::routes(config);
        })
        .start(shutdown)
}
