//! Starting the service.

use actix_web::web;
use tokio_util::sync::CancellationToken;
use tricircle_api::table::{Line, register};
use tricircle_api::{FaultStyle, Running, StartError};
use tricircle_network::Network;
use tricircle_network::resource::tables::ALL;
use tricircle_runtime::Parts;

use crate::families::{
    FloatingIps, Networks, Ports, Routers, SecurityGroupRules, SecurityGroups, Subnets,
    router_actions,
};
use crate::family::{lines, other_methods};
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
            register(config, &families(), Some(other_methods));
            register(config, &others(), None);
        })
        .start(shutdown)
}

/// Everything that the service answers, and by which rule.
pub fn table() -> Vec<Line> {
    families().into_iter().chain(others()).collect()
}

fn families() -> Vec<Line> {
    let all = [
        lines::<Networks>(),
        lines::<Subnets>(),
        lines::<Ports>(),
        lines::<Routers>(),
        router_actions::lines(),
        lines::<FloatingIps>(),
        lines::<SecurityGroups>(),
        lines::<SecurityGroupRules>(),
    ];
    all.into_iter().flatten().collect()
}

fn others() -> Vec<Line> {
    let all = [quotas::lines(), extensions::lines(), cloud::lines()];
    all.into_iter().flatten().collect()
}
