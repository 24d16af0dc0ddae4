//! The Compute API at a glance.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Payload;
use tricircle_api::Fault;
use tricircle_db::models::{RoutingKind, ZoneService};
use tricircle_gateway::{
    Call, Direction, FieldRule, FieldWork, ListSpec, Route, Strategy, Surface, inspected, local,
};
use tricircle_pods::Service;

use crate::handlers::{
    actions, attachments, away, flavors, groups, interfaces, keypairs, limits, servers, zones,
};
use crate::state::State;

/// What makes this gateway Nova's.
pub const SURFACE: Surface = Surface {
    service: Service::Compute,
    version: "/v2.1",
    fields: FIELDS,
};

/// Fields of answers that are not the pods' words.
const FIELDS: &[FieldRule] = &[
    zone("OS-EXT-AZ:availability_zone"),
    zone("pinned_availability_zone"),
    FieldRule {
        key: tricircle_compute::INTENT_HINT,
        work: FieldWork::Drop,
    },
];

const fn zone(key: &'static str) -> FieldRule {
    FieldRule {
        key,
        work: FieldWork::Zone(ZoneService::Compute),
    }
}

/// Lists of servers.
static SERVERS: ListSpec = ListSpec {
    kind: RoutingKind::Server,
    collection: "servers",
    detail: "/servers/detail",
    brief: &["id", "name", "links"],
    sort_fields: &[
        ("access_ip_v4", "accessIPv4"),
        ("access_ip_v6", "accessIPv6"),
        ("auto_disk_config", "OS-DCF:diskConfig"),
        ("availability_zone", "OS-EXT-AZ:availability_zone"),
        ("config_drive", "config_drive"),
        ("created_at", "created"),
        ("display_description", "description"),
        ("display_name", "name"),
        ("host", "OS-EXT-SRV-ATTR:host"),
        ("hostname", "OS-EXT-SRV-ATTR:hostname"),
        ("image_ref", "image/id"),
        ("instance_type_id", "flavor/id"),
        ("kernel_id", "OS-EXT-SRV-ATTR:kernel_id"),
        ("key_name", "key_name"),
        ("launch_index", "OS-EXT-SRV-ATTR:launch_index"),
        ("launched_at", "OS-SRV-USG:launched_at"),
        ("locked", "locked"),
        ("node", "OS-EXT-SRV-ATTR:hypervisor_hostname"),
        ("power_state", "OS-EXT-STS:power_state"),
        ("progress", "progress"),
        ("project_id", "tenant_id"),
        ("ramdisk_id", "OS-EXT-SRV-ATTR:ramdisk_id"),
        ("root_device_name", "OS-EXT-SRV-ATTR:root_device_name"),
        ("task_state", "OS-EXT-STS:task_state"),
        ("terminated_at", "OS-SRV-USG:terminated_at"),
        ("updated_at", "updated"),
        ("user_id", "user_id"),
        ("vm_state", "OS-EXT-STS:vm_state"),
    ],
    id_key: "uuid",
    default_sort: ("created_at", Direction::Desc),
    combined_sort: false,
    offset: false,
    all_projects_rule: Some("os_compute_api:servers:index:get_all_tenants"),
    away: Some(&away::RECORDS),
};

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const DELETE: &[Method] = &[Method::DELETE];
const ALL: &[Method] = &[];

/// Which path is answered how, first match first.
#[rustfmt::skip]
pub fn routes(state: &State) -> Vec<Route> {
    use Strategy::{AnyPod, ByResource, Collect, List, NotYet, Translated};
    let server = RoutingKind::Server;
    vec![
        // Servers: placed at the top, then their pod's business.
        Route::new(GET,    "/servers",                                List(&SERVERS)),
        Route::new(POST,   "/servers",                                on(state, servers::create)).rule("os_compute_api:servers:create"),
        Route::new(GET,    "/servers/detail",                         List(&SERVERS)),
        Route::new(GET,    "/servers/{id}",                           on(state, servers::show)).rule("os_compute_api:servers:show"),
        Route::new(DELETE, "/servers/{id}",                           on(state, servers::delete)).rule("os_compute_api:servers:delete"),
        Route::new(ALL,    "/servers/{id}",                           ByResource(server)),
        Route::new(POST,   "/servers/{id}/action",                    through(state, actions::action)),
        Route::new(POST,   "/servers/{id}/os-volume_attachments",     through(state, attachments::create)),
        Route::new(ALL,    "/servers/{id}/os-volume_attachments",     ByResource(server)),
        // Ports of a server belong to the top.
        Route::new(GET,    "/servers/{id}/os-interface",              Translated(server)),
        Route::new(POST,   "/servers/{id}/os-interface",              through(state, interfaces::attach)),
        Route::new(GET,    "/servers/{id}/os-interface/{port_id}",    Translated(server)),
        Route::new(DELETE, "/servers/{id}/os-interface/{port_id}",    through(state, interfaces::detach)),
        Route::new(GET,    "/servers/{id}/os-security-groups",        on(state, groups::index)).rule("os_compute_api:os-security-groups:list"),
        Route::new(ALL,    "/servers/{id}/{rest:.*}",                 ByResource(server)),

        // Flavors: owned at the top.
        Route::new(GET,    "/flavors",                                on(state, flavors::index)).rule("os_compute_api:flavors:index"),
        Route::new(POST,   "/flavors",                                on(state, flavors::create)).rule("os_compute_api:os-flavor-manage:create"),
        Route::new(GET,    "/flavors/detail",                         on(state, flavors::index)).rule("os_compute_api:flavors:index"),
        Route::new(GET,    "/flavors/{flavor}",                       on(state, flavors::show)).rule("os_compute_api:flavors:show"),
        Route::new(PUT,    "/flavors/{flavor}",                       on(state, flavors::update)).rule("os_compute_api:os-flavor-manage:update"),
        Route::new(DELETE, "/flavors/{flavor}",                       on(state, flavors::delete)).rule("os_compute_api:os-flavor-manage:delete"),
        Route::new(POST,   "/flavors/{flavor}/action",                on(state, flavors::action)).rule("os_compute_api:os-flavor-access:add_tenant_access"),
        Route::new(GET,    "/flavors/{flavor}/os-flavor-access",      on(state, flavors::access)).rule("os_compute_api:os-flavor-access"),
        Route::new(GET,    "/flavors/{flavor}/os-extra_specs",        on(state, flavors::specs)).rule("os_compute_api:os-flavor-extra-specs:index"),
        Route::new(POST,   "/flavors/{flavor}/os-extra_specs",        on(state, flavors::set_specs)).rule("os_compute_api:os-flavor-extra-specs:create"),
        Route::new(GET,    "/flavors/{flavor}/os-extra_specs/{key}",  on(state, flavors::spec)).rule("os_compute_api:os-flavor-extra-specs:show"),
        Route::new(PUT,    "/flavors/{flavor}/os-extra_specs/{key}",  on(state, flavors::set_specs)).rule("os_compute_api:os-flavor-extra-specs:update"),
        Route::new(DELETE, "/flavors/{flavor}/os-extra_specs/{key}",  on(state, flavors::delete_spec)).rule("os_compute_api:os-flavor-extra-specs:delete"),

        // Keypairs: owned at the top.
        Route::new(GET,    "/os-keypairs",                            on(state, keypairs::index)).rule("os_compute_api:os-keypairs:index"),
        Route::new(POST,   "/os-keypairs",                            on(state, keypairs::create)).rule("os_compute_api:os-keypairs:create"),
        Route::new(GET,    "/os-keypairs/{name}",                     on(state, keypairs::show)).rule("os_compute_api:os-keypairs:show"),
        Route::new(DELETE, "/os-keypairs/{name}",                     on(state, keypairs::delete)).rule("os_compute_api:os-keypairs:delete"),

        // What a project has and may have.
        Route::new(GET,    "/limits",                                 on(state, limits::limits)).rule("os_compute_api:limits"),
        Route::new(GET,    "/os-quota-sets/{project}",                on(state, limits::quota_set)).rule("os_compute_api:os-quota-sets:show"),
        Route::new(GET,    "/os-quota-sets/{project}/defaults",       on(state, limits::quota_set)).rule("os_compute_api:os-quota-sets:defaults"),
        Route::new(GET,    "/os-quota-sets/{project}/detail",         on(state, limits::quota_detail)).rule("os_compute_api:os-quota-sets:detail"),
        Route::new(ALL,    "/os-quota-sets/{rest:.*}",                NotYet),
        Route::new(ALL,    "/os-quota-class-sets/{rest:.*}",          NotYet),
        Route::new(GET,    "/os-availability-zone",                   on(state, zones::index)).rule("os_compute_api:os-availability-zone:list"),
        Route::new(GET,    "/os-availability-zone/detail",            on(state, zones::index)).rule("os_compute_api:os-availability-zone:detail"),

        // What administrators see of each pod.
        Route::new(GET,    "/os-hypervisors",                         Collect("hypervisors")),
        Route::new(GET,    "/os-hypervisors/detail",                  Collect("hypervisors")),
        Route::new(GET,    "/os-services",                            Collect("services")),
        Route::new(GET,    "/os-migrations",                          Collect("migrations")),

        // Everywhere the same, or not yet over several pods.
        Route::new(GET,    "/extensions",                             AnyPod),
        Route::new(GET,    "/extensions/{alias}",                     AnyPod),
        Route::new(GET,    "/images",                                 AnyPod),
        Route::new(GET,    "/images/{rest:.*}",                       AnyPod),
        Route::new(ALL,    "/os-server-groups",                       NotYet),
        Route::new(ALL,    "/os-server-groups/{rest:.*}",             NotYet),
        Route::new(ALL,    "/os-aggregates",                          NotYet),
        Route::new(ALL,    "/os-aggregates/{rest:.*}",                NotYet),
        Route::new(ALL,    "/os-simple-tenant-usage",                 NotYet),
        Route::new(ALL,    "/os-simple-tenant-usage/{rest:.*}",       NotYet),
        Route::new(ALL,    "/os-server-external-events",              NotYet),
        Route::new(ALL,    "/os-console-auth-tokens/{rest:.*}",       NotYet),
        Route::new(ALL,    "/os-hypervisors/{rest:.*}",               NotYet),
        Route::new(ALL,    "/os-services/{rest:.*}",                  NotYet),
        Route::new(ALL,    "/os-assisted-volume-snapshots",           NotYet),
        // Nobody thought of it: any pod knows whether it exists and may be read.
        Route::new(GET,    "/{rest:.*}",                              AnyPod),
    ]
}

fn on<F, Fut>(state: &State, handler: F) -> Strategy
where
    F: Fn(State, Call, Payload) -> Fut + Copy + 'static,
    Fut: Future<Output = Result<HttpResponse, Fault>> + 'static,
{
    let state = state.clone();
    local(move |call, payload| handler(state.clone(), call, payload))
}

/// The same for a handler that ends in a call to a pod.
fn through<F, Fut>(state: &State, handler: F) -> Strategy
where
    F: Fn(State, Call, Payload) -> Fut + Copy + 'static,
    Fut: Future<Output = Result<HttpResponse, Fault>> + 'static,
{
    let state = state.clone();
    inspected(move |call, payload| handler(state.clone(), call, payload))
}
