//! Actions that change the ports of a server: its groups, and, until 2.43, its addresses.
//! The ports are the top's, so the top changes them and brings them to the pod; the pod's
//! Nova hears of it from its Neutron.

use std::net::IpAddr;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde_json::{Map, Value};
use tricircle_api::{Fault, FaultKind, Microversion};
use tricircle_compute::interfaces::caller;
use tricircle_db::models::RoutingKind;
use tricircle_gateway::{Call, ForwardBody, forward_to};
use tricircle_network::ServerPortsError;

use crate::state::State;

/// The last microversion with actions on addresses.
const LAST_WITH_ADDRESSES: Microversion = Microversion::new(2, 43);

/// What a body asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    AddGroup,
    RemoveGroup,
    AddAddress,
    RemoveAddress,
}

/// An action with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    AddGroup(String),
    RemoveGroup(String),
    AddAddress(String),
    RemoveAddress(String),
}

impl Action {
    const ALL: [Self; 4] = [
        Self::AddGroup,
        Self::RemoveGroup,
        Self::AddAddress,
        Self::RemoveAddress,
    ];

    /// The action of a body, if it is one of these; the first of several, which Nova
    /// refuses.
    pub(crate) fn of(body: &Map<String, Value>) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|action| body.contains_key(action.key()))
    }

    const fn key(self) -> &'static str {
        match self {
            Self::AddGroup => "addSecurityGroup",
            Self::RemoveGroup => "removeSecurityGroup",
            Self::AddAddress => "addFixedIp",
            Self::RemoveAddress => "removeFixedIp",
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::AddGroup => "os_compute_api:os-security-groups:add",
            Self::RemoveGroup => "os_compute_api:os-security-groups:remove",
            Self::AddAddress => "os_compute_api:os-multinic:add",
            Self::RemoveAddress => "os_compute_api:os-multinic:remove",
        }
    }

    const fn is_about_addresses(self) -> bool {
        matches!(self, Self::AddAddress | Self::RemoveAddress)
    }

    /// Reads the body as Nova's schemas have it; `None`: it has another shape.
    fn read(self, body: &Map<String, Value>) -> Option<Wish> {
        let argument = body.get(self.key())?.as_object()?;
        let only = |key: &str| (body.len() == 1 && argument.len() == 1).then(|| argument.get(key));
        let text = |key: &str| only(key)??.as_str().map(str::to_owned);
        match self {
            Self::AddGroup => Some(Wish::AddGroup(text("name").filter(|n| !n.is_empty())?)),
            Self::RemoveGroup => Some(Wish::RemoveGroup(text("name").filter(|n| !n.is_empty())?)),
            Self::AddAddress => {
                let network = match only("networkId")?? {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return None,
                };
                let fits = (1..=36).contains(&network.chars().count());
                fits.then_some(Wish::AddAddress(network))
            }
            Self::RemoveAddress => {
                let address = text("address")?;
                let parsed = address.parse::<IpAddr>().is_ok();
                parsed.then_some(Wish::RemoveAddress(address))
            }
        }
    }
}

/// Changes the ports of the server: 202.
pub(crate) async fn act(
    state: &State,
    call: &Call,
    action: Action,
    body: Map<String, Value>,
) -> Result<HttpResponse, Fault> {
    let compute = &state.compute;
    if action.is_about_addresses() && call.context.version() > LAST_WITH_ADDRESSES {
        // There is no such action for Nova any more, and it says so.
        let pod = call.pod_of(RoutingKind::Server, call.param("id")).await?;
        let bytes = Bytes::from(Value::Object(body).to_string());
        return forward_to(call, &pod, ForwardBody::Made(bytes)).await;
    }
    let Some(wish) = action.read(&body) else {
        return Err(compute.refusal_of_body(call, &body).await);
    };
    let server = compute.seen_server(call, action.rule()).await?;
    let (who, id, network) = (caller(call), &server.id, &compute.network);
    let changed = match wish {
        Wish::AddGroup(name) | Wish::RemoveGroup(name) if name.trim().is_empty() => {
            return Err(Fault::bad_request("Security group name cannot be empty"));
        }
        Wish::AddGroup(name) => network.add_server_group(&who, id, &name).await,
        Wish::RemoveGroup(name) => network.remove_server_group(&who, id, &name).await,
        Wish::AddAddress(on) => network.add_server_address(&who, id, &on).await,
        Wish::RemoveAddress(address) => network.remove_server_address(&who, id, &address).await,
    };
    changed.map_err(fault)?;
    Ok(HttpResponse::Accepted()
        .content_type("application/json")
        .finish())
}

fn fault(error: ServerPortsError) -> Fault {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let detail = tricircle_api::chain(&error);
    Fault::new(FaultKind::of_status(status), error.to_string()).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wish(body: Value) -> Option<Wish> {
        let body = body.as_object().unwrap();
        Action::of(body).unwrap().read(body)
    }

    #[test]
    fn bodies_are_read_as_novas_schemas_have_them() {
        let text = |text: &str| text.to_owned();
        for (body, wanted) in [
            (
                json!({"addSecurityGroup": {"name": "web"}}),
                Wish::AddGroup(text("web")),
            ),
            (
                json!({"removeSecurityGroup": {"name": "web"}}),
                Wish::RemoveGroup(text("web")),
            ),
            (
                json!({"addFixedIp": {"networkId": "n"}}),
                Wish::AddAddress(text("n")),
            ),
            (
                json!({"addFixedIp": {"networkId": 7}}),
                Wish::AddAddress(text("7")),
            ),
            (
                json!({"removeFixedIp": {"address": "10.0.0.5"}}),
                Wish::RemoveAddress(text("10.0.0.5")),
            ),
        ] {
            assert_eq!(wish(body.clone()), Some(wanted), "{body}");
        }
        for body in [
            json!({"addSecurityGroup": null}),
            json!({"addSecurityGroup": {}}),
            json!({"addSecurityGroup": {"name": ""}}),
            json!({"addSecurityGroup": {"name": 1}}),
            json!({"addSecurityGroup": {"name": "web", "x": 1}}),
            json!({"addSecurityGroup": {"name": "web"}, "reboot": {}}),
            json!({"addFixedIp": {"networkId": "x".repeat(37)}}),
            json!({"removeFixedIp": {"address": "10.0.0"}}),
        ] {
            assert_eq!(wish(body.clone()), None, "{body}");
        }
        let other = json!({"reboot": {"type": "SOFT"}});
        assert_eq!(Action::of(other.as_object().unwrap()), None);
    }
}
