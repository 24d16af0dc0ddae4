//! The configuration of a simulated world's services: one text, read by the services in
//! this process and by those in processes of their own.

use std::fmt::Write;
use std::path::Path;

use tricircle_config::{CommonArgs, Config};

use crate::world::TOP;

/// What differs between worlds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Keystone's URL with `/v3`.
    pub keystone: String,
    /// The password of all users.
    pub password: String,
    /// The region of the top.
    pub top: String,
    /// `network_vlan_ranges`
    pub vlans: String,
    /// `[database] connection`
    pub database: String,
    /// `[DEFAULT] transport_url`
    pub broker: String,
    /// Whether workers have to look for jobs by themselves at short intervals.
    pub polling: bool,
    /// How long a create may stay unfinished, in seconds.
    pub create_grace: f64,
    /// Section and port of each service in a process of its own; others choose theirs.
    pub ports: Vec<(&'static str, u16)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keystone: String::new(),
            password: "secret".to_owned(),
            top: TOP.to_owned(),
            vlans: "physnet1:1000:1999".to_owned(),
            database: String::new(),
            broker: String::new(),
            polling: false,
            create_grace: 60.0,
            ports: Vec::new(),
        }
    }
}

impl Settings {
    /// The text of a configuration file.
    pub fn text(&self) -> String {
        // Deadlines are short, so that tests of them are; quotas are no subject here.
        let poll_interval = if self.polling { 0.2 } else { 5.0 };
        let mut text = format!(
            "[DEFAULT]\ntransport_url = {broker}\nshutdown_timeout = 2\n\
             [database]\nconnection = {database}\n\
             [oslo_policy]\npolicy_file = /nonexistent/policy.yaml\n\
             [keystone_authtoken]\nauth_url = {keystone}\nusername = tricircle\n\
             password = {password}\nproject_name = service\nhttp_request_max_retries = 0\n\
             [client]\ntop_region_name = {top}\nconnect_timeout = 1\nlist_timeout = 2\nrequest_timeout = 10\n\
             create_timeout = 20\nprobe_interval_max = 1\n\
             [tricircle]\nnetwork_vlan_ranges = {vlans}\n\
             [quota]\ninstances = -1\ncores = -1\nram = -1\nvolumes = -1\ngigabytes = -1\n\
             network = -1\nsubnet = -1\nport = -1\nsecurity_group = -1\nsecurity_group_rule = -1\n\
             [jobs]\nlease = 2\npoll_interval = {poll_interval}\ncreate_grace = {grace}\n\
             retry_base = 0.1\nretry_max = 0.5\n",
            broker = self.broker,
            database = self.database,
            keystone = self.keystone,
            password = self.password,
            top = self.top,
            vlans = self.vlans,
            grace = self.create_grace,
        );
        for section in [
            "admin_api",
            "neutron_api",
            "nova_apigw",
            "cinder_apigw",
            "xjob",
        ] {
            let port = self.ports.iter().find(|(name, _)| *name == section);
            let port = port.map_or(0, |(_, port)| *port);
            write!(
                text,
                "[{section}]\nbind_host = 127.0.0.1\nbind_port = {port}\nworkers = 1\n"
            )
            .unwrap();
        }
        text
    }

    /// Writes the file and reads it back, the environment left out.
    pub fn load(&self, file: &Path) -> Config {
        std::fs::write(file, self.text()).unwrap();
        let arguments = CommonArgs {
            config_file: vec![file.to_owned()],
            ..CommonArgs::default()
        };
        let loaded = Config::load_with(&arguments, []).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        loaded.config
    }
}
