//! The Block Storage API at a glance.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Payload;
use tricircle_api::Fault;
use tricircle_db::models::{RoutingKind, ZoneService};
use tricircle_gateway::{
    Call, Direction, FieldRule, FieldWork, ListSpec, Route, Strategy, Surface, inspected, local,
};
use tricircle_pods::Service;

use crate::handlers::{by_volume, limits, search, summary, volumes, zones};
use crate::state::State;

/// What makes this gateway Cinder's.
pub const SURFACE: Surface = Surface {
    service: Service::Volume,
    version: "/v3",
    fields: FIELDS,
};

/// Fields of answers that are not the pods' words.
const FIELDS: &[FieldRule] = &[
    FieldRule {
        key: "availability_zone",
        work: FieldWork::Zone(ZoneService::Volume),
    },
    FieldRule {
        key: tricircle_volume::INTENT_KEY,
        work: FieldWork::Drop,
    },
];

/// Lists of volumes.
static VOLUMES: ListSpec = ListSpec {
    kind: RoutingKind::Volume,
    collection: "volumes",
    detail: "/volumes/detail",
    brief: &["id", "name", "links"],
    sort_fields: &[
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("name", "name"),
        ("display_name", "name"),
        ("size", "size"),
        ("status", "status"),
        ("availability_zone", "availability_zone"),
        ("bootable", "bootable"),
    ],
    id_key: "id",
    default_sort: ("created_at", Direction::Desc),
    combined_sort: true,
    offset: true,
    all_projects_rule: None,
    away: None,
};

/// Lists of snapshots.
static SNAPSHOTS: ListSpec = ListSpec {
    kind: RoutingKind::Snapshot,
    collection: "snapshots",
    detail: "/snapshots/detail",
    brief: &[
        "id",
        "created_at",
        "updated_at",
        "name",
        "description",
        "volume_id",
        "status",
        "size",
        "metadata",
        "user_id",
        "consumes_quota",
    ],
    sort_fields: &[
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("name", "name"),
        ("display_name", "name"),
        ("volume_size", "size"),
        ("status", "status"),
    ],
    id_key: "id",
    default_sort: ("created_at", Direction::Desc),
    combined_sort: true,
    offset: true,
    all_projects_rule: None,
    away: None,
};

/// Lists of backups.
static BACKUPS: ListSpec = ListSpec {
    kind: RoutingKind::Backup,
    collection: "backups",
    detail: "/backups/detail",
    brief: &["id", "name", "links"],
    sort_fields: &[
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("name", "name"),
        ("display_name", "name"),
        ("size", "size"),
        ("status", "status"),
    ],
    id_key: "id",
    default_sort: ("created_at", Direction::Desc),
    combined_sort: true,
    offset: true,
    all_projects_rule: None,
    away: None,
};

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const DELETE: &[Method] = &[Method::DELETE];
const ALL: &[Method] = &[];

/// Which path is answered how, first match first.
#[rustfmt::skip]
pub fn routes(state: &State) -> Vec<Route> {
    use Strategy::{AnyPod, ByResource, Collect, List, NotYet};
    let (volume, snapshot, backup) = (RoutingKind::Volume, RoutingKind::Snapshot, RoutingKind::Backup);
    vec![
        // Volumes: placed at the top, then their pod's business.
        Route::new(GET,    "/volumes",                       List(&VOLUMES)),
        Route::new(POST,   "/volumes",                       on(state, volumes::create)).rule("volume:create"),
        Route::new(GET,    "/volumes/detail",                List(&VOLUMES)),
        Route::new(GET,    "/volumes/summary",               local(summary::summary)).rule("volume:get_all"),
        Route::new(DELETE, "/volumes/{id}",                  on(state, volumes::delete)).rule("volume:delete"),
        Route::new(ALL,    "/volumes/{id}",                  ByResource(volume)),
        Route::new(POST,   "/volumes/{id}/action",           through(state, volumes::action)),
        Route::new(ALL,    "/volumes/{id}/{rest:.*}",        ByResource(volume)),

        // What is made from a volume is where the volume is.
        Route::new(GET,    "/snapshots",                     List(&SNAPSHOTS)),
        Route::new(POST,   "/snapshots",                     inspected(by_volume::create)),
        Route::new(GET,    "/snapshots/detail",              List(&SNAPSHOTS)),
        Route::new(ALL,    "/snapshots/{id}",                ByResource(snapshot)),
        Route::new(ALL,    "/snapshots/{id}/{rest:.*}",      ByResource(snapshot)),
        Route::new(GET,    "/backups",                       List(&BACKUPS)),
        Route::new(POST,   "/backups",                       inspected(by_volume::create)),
        Route::new(GET,    "/backups/detail",                List(&BACKUPS)),
        Route::new(ALL,    "/backups/{id}",                  ByResource(backup)),
        Route::new(ALL,    "/backups/{id}/{rest:.*}",        ByResource(backup)),

        // Small things without a routing: found by asking all pods.
        Route::new(GET,    "/attachments",                   Collect("attachments")),
        Route::new(POST,   "/attachments",                   inspected(by_volume::create)),
        Route::new(GET,    "/attachments/detail",            Collect("attachments")),
        Route::new(ALL,    "/attachments/{id}",              inspected(search::forward)),
        Route::new(ALL,    "/attachments/{id}/{rest:.*}",    inspected(search::forward)),
        Route::new(GET,    "/os-volume-transfer",            Collect("transfers")),
        Route::new(POST,   "/os-volume-transfer",            inspected(by_volume::create)),
        Route::new(GET,    "/os-volume-transfer/detail",     Collect("transfers")),
        Route::new(ALL,    "/os-volume-transfer/{id}",       inspected(search::forward)),
        Route::new(ALL,    "/os-volume-transfer/{id}/{rest:.*}", inspected(search::forward)),
        Route::new(GET,    "/volume-transfers",              Collect("transfers")),
        Route::new(POST,   "/volume-transfers",              inspected(by_volume::create)),
        Route::new(GET,    "/volume-transfers/detail",       Collect("transfers")),
        Route::new(ALL,    "/volume-transfers/{id}",         inspected(search::forward)),
        Route::new(ALL,    "/volume-transfers/{id}/{rest:.*}", inspected(search::forward)),
        Route::new(GET,    "/messages",                      Collect("messages")),
        Route::new(ALL,    "/messages/{id}",                 inspected(search::forward)),

        // Types are the same in all pods by name; changing them at the top comes later.
        Route::new(GET,    "/types",                         AnyPod),
        Route::new(ALL,    "/types",                         NotYet),
        Route::new(GET,    "/types/default",                 AnyPod),
        Route::new(GET,    "/types/{id}",                    inspected(search::forward)),
        Route::new(ALL,    "/types/{id}",                    NotYet),
        Route::new(GET,    "/types/{id}/{rest:.*}",          inspected(search::forward)),
        Route::new(ALL,    "/types/{id}/{rest:.*}",          NotYet),
        Route::new(GET,    "/qos-specs",                     AnyPod),
        Route::new(ALL,    "/qos-specs",                     NotYet),
        Route::new(GET,    "/qos-specs/{rest:.*}",           AnyPod),
        Route::new(ALL,    "/qos-specs/{rest:.*}",           NotYet),

        // What a project has and may have, and where.
        Route::new(GET,    "/limits",                        on(state, limits::limits)).rule("limits_extension:used_limits"),
        Route::new(GET,    "/os-quota-sets/{project}",       on(state, limits::quota_set)).rule("volume_extension:quotas:show"),
        Route::new(GET,    "/os-quota-sets/{project}/defaults", on(state, limits::quota_set)).rule("volume_extension:quotas:show"),
        Route::new(ALL,    "/os-quota-sets/{rest:.*}",       NotYet),
        Route::new(ALL,    "/os-quota-class-sets/{rest:.*}", NotYet),
        Route::new(GET,    "/os-availability-zone",          on(state, zones::index)).rule("volume:availability_zones:list"),

        // What administrators see of each pod.
        Route::new(GET,    "/os-services",                   Collect("services")),
        Route::new(GET,    "/os-hosts",                      Collect("hosts")),
        Route::new(GET,    "/scheduler-stats/get_pools",     Collect("pools")),
        Route::new(GET,    "/clusters",                      Collect("clusters")),
        Route::new(GET,    "/clusters/detail",               Collect("clusters")),

        // Not yet over several pods.
        Route::new(ALL,    "/groups",                        NotYet),
        Route::new(ALL,    "/groups/{rest:.*}",              NotYet),
        Route::new(ALL,    "/group_snapshots",               NotYet),
        Route::new(ALL,    "/group_snapshots/{rest:.*}",     NotYet),
        Route::new(ALL,    "/group_types",                   NotYet),
        Route::new(ALL,    "/group_types/{rest:.*}",         NotYet),
        Route::new(ALL,    "/os-volume-manage",              NotYet),
        Route::new(ALL,    "/manageable_volumes",            NotYet),
        Route::new(ALL,    "/manageable_volumes/{rest:.*}",  NotYet),
        Route::new(ALL,    "/os-snapshot-manage",            NotYet),
        Route::new(ALL,    "/manageable_snapshots",          NotYet),
        Route::new(ALL,    "/manageable_snapshots/{rest:.*}", NotYet),
        Route::new(ALL,    "/os-services/{rest:.*}",         NotYet),
        Route::new(ALL,    "/default-types",                 NotYet),
        Route::new(ALL,    "/default-types/{rest:.*}",       NotYet),
        Route::new(ALL,    "/workers/{rest:.*}",             NotYet),
        // Nobody thought of it: any pod knows whether it exists and may be read.
        Route::new(GET,    "/{rest:.*}",                     AnyPod),
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
