//! Every section and option there is. To add an option, add a field here and
//! run `tricircle-manage config sample` to bring the sample up to date.

mod cloud;
mod process;

pub use cloud::{Client, KeystoneAuthtoken, Quota, Tricircle};
pub use process::{Database, General, Jobs, OpenTelemetry, OsloPolicy, Service};

use crate::section::Section;

/// The whole configuration: plain data, one field per section.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[DEFAULT]`
    pub default: General,
    /// `[database]`
    pub database: Database,
    /// `[oslo_policy]`
    pub oslo_policy: OsloPolicy,
    /// `[keystone_authtoken]`
    pub keystone_authtoken: KeystoneAuthtoken,
    /// `[client]`
    pub client: Client,
    /// `[tricircle]`
    pub tricircle: Tricircle,
    /// `[quota]`
    pub quota: Quota,
    /// `[jobs]`
    pub jobs: Jobs,
    /// `[opentelemetry]`
    pub opentelemetry: OpenTelemetry,
    /// `[nova_apigw]`
    pub nova_apigw: Service,
    /// `[cinder_apigw]`
    pub cinder_apigw: Service,
    /// `[neutron_api]`
    pub neutron_api: Service,
    /// `[admin_api]`
    pub admin_api: Service,
    /// `[xjob]`
    pub xjob: Service,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default: General::default(),
            database: Database::default(),
            oslo_policy: OsloPolicy::default(),
            keystone_authtoken: KeystoneAuthtoken::default(),
            client: Client::default(),
            tricircle: Tricircle::default(),
            quota: Quota::default(),
            jobs: Jobs::default(),
            opentelemetry: OpenTelemetry::default(),
            nova_apigw: Service::on_port(8774),
            cinder_apigw: Service::on_port(8776),
            neutron_api: Service::on_port(9696),
            admin_api: Service::on_port(19999),
            xjob: Service {
                // Nothing but health and metrics: no reason to be seen from afar.
                bind_host: "127.0.0.1".to_owned(),
                ..Service::on_port(19998)
            },
        }
    }
}

impl Config {
    /// The sections under their names in the file, in the sample's order.
    pub fn sections(&mut self) -> Vec<(&'static str, &mut dyn Section)> {
        vec![
            ("DEFAULT", &mut self.default as &mut dyn Section),
            ("database", &mut self.database),
            ("oslo_policy", &mut self.oslo_policy),
            ("keystone_authtoken", &mut self.keystone_authtoken),
            ("client", &mut self.client),
            ("tricircle", &mut self.tricircle),
            ("quota", &mut self.quota),
            ("jobs", &mut self.jobs),
            ("opentelemetry", &mut self.opentelemetry),
            ("nova_apigw", &mut self.nova_apigw),
            ("cinder_apigw", &mut self.cinder_apigw),
            ("neutron_api", &mut self.neutron_api),
            ("admin_api", &mut self.admin_api),
            ("xjob", &mut self.xjob),
        ]
    }
}
