//! Floating IPs: addresses of external networks, and the ports that they lead to.

use std::collections::HashMap;

use tricircle_db::models::{FloatingIp, FloatingIpFilter, Port, PortFilter, RowState};
use tricircle_network::resource::tables::FLOATINGIP;
use tricircle_network::resource::{Body, ListQuery, Resource, Row};
use tricircle_network::routers::{FloatingIpDraft, TargetWish};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused, written};
use crate::family::{Done, Family};
use crate::{rows, writes};

/// `/v2.0/floatingips`
pub struct FloatingIps;

impl Family for FloatingIps {
    const RESOURCE: &'static Resource = &FLOATINGIP;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let filter = FloatingIpFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            port_ids: narrowed(query, "port_id"),
            router_ids: narrowed(query, "router_id"),
            network_ids: narrowed(query, "floating_network_id"),
            deleting_too: false,
        };
        let found = call.api.store.floating_ips(&filter).await?;
        shown(call, &found).await
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let found = call.api.store.floating_ip_by_id(id).await?;
        let live = found.filter(|floating| floating.state == RowState::Live);
        let rows = shown(call, live.as_slice()).await?;
        Ok(rows.into_iter().next())
    }

    async fn target(_call: &Call, body: &Body) -> Done<Row> {
        Ok(body.values.clone())
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut made: Vec<FloatingIp> = Vec::new();
        for body in bodies {
            match create_one(call, body).await {
                Ok(floating) => made.push(floating),
                Err(fault) => {
                    undo(call, &made).await;
                    return Err(fault);
                }
            }
        }
        shown(call, &made).await
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        if body.values.is_empty() {
            return Ok(row.clone());
        }
        // A fixed address alone says nothing of where to: that is refused below.
        let leads = body.has("port_id") || body.text("fixed_ip_address").is_some();
        let wish = leads.then(|| target_of(body));
        let who = call.actor();
        let changed = call.api.network.update_floating_ip(
            &who,
            id,
            body.text("description"),
            wish.as_ref(),
            revision,
        );
        written(revision, changed.await)?;
        Self::row(call, id)
            .await?
            .ok_or_else(|| refused(FLOATINGIP.not_found(id)))
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let id = Resource::id_of(row);
        let request = call.context.request_id();
        let network = &call.api.network;
        let gone = network.delete_floating_ip(id, revision, request).await;
        written(revision, gone)
    }
}

fn target_of(body: &Body) -> TargetWish {
    TargetWish {
        port_id: body.text("port_id").map(str::to_owned),
        fixed_ip_address: body.text("fixed_ip_address").map(str::to_owned),
    }
}

async fn create_one(call: &Call, body: &Body) -> Done<FloatingIp> {
    let network_id = body.text("floating_network_id").unwrap_or_default();
    let view = writes::visible_network(call, network_id).await?;
    let draft = FloatingIpDraft {
        floating: FloatingIp {
            project_id: body.project_id().to_owned(),
            description: body.text("description").unwrap_or_default().to_owned(),
            floating_network_id: view.network.id,
            ..FloatingIp::default()
        },
        address: body
            .text("floating_ip_address")
            .and_then(|ip| ip.parse().ok()),
        subnet_id: body.text("subnet_id").map(str::to_owned),
        target: target_of(body),
    };
    let who = call.actor();
    let made = call.api.network.create_floating_ip(&who, &draft);
    made.await.map_err(failed)
}

async fn undo(call: &Call, made: &[FloatingIp]) {
    for floating in made {
        let id = &floating.id;
        let request = call.context.request_id();
        let gone = call.api.network.delete_floating_ip(id, None, request);
        if let Err(error) = gone.await {
            tracing::error!(floatingip.id = %id, %error, "a floating IP of a failed bulk create is left");
        }
    }
}

/// Rows with what is known of the ports that they lead to.
async fn shown(call: &Call, found: &[FloatingIp]) -> Done<Vec<Row>> {
    let mut ids: Vec<String> = found.iter().filter_map(|f| f.port_id.clone()).collect();
    ids.sort_unstable();
    let mut ports: HashMap<String, Port> = HashMap::new();
    // A statement holds so many values and no more.
    for part in ids.chunks(500) {
        let filter = PortFilter {
            ids: part.to_vec(),
            ..PortFilter::default()
        };
        let views = call.api.store.ports(&filter).await?;
        ports.extend(
            views
                .into_iter()
                .map(|view| (view.port.id.clone(), view.port)),
        );
    }
    let of = |floating: &FloatingIp| ports.get(floating.port_id.as_ref()?);
    let rows = found.iter().map(|f| rows::floating_ip(f, of(f)));
    Ok(rows.collect())
}
