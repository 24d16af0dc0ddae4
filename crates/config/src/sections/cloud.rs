//! Options of the cloud that is built: Keystone, the pods, networks, quotas.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use secrecy::SecretString;

use crate::section::section;
use crate::value::{BaseMac, Interface, PhysicalMapping, VlanRange};

section! {
    /// How tokens are validated and how Tricircle's own user logs in. The names
    /// are those of keystonemiddleware.
    KeystoneAuthtoken {
        /// The Keystone URL told to clients that come without a valid token.
        /// Empty: auth_url.
        www_authenticate_uri: String = String::new(),
        /// The Keystone that is asked, for example
        /// `http://127.0.0.1:5000/v3`.
        auth_url: String = String::new(),
        /// The service user's name.
        username: String = "tricircle".to_owned(),
        /// The service user's password.
        password: SecretString = SecretString::from(""),
        /// The service user's project.
        project_name: String = "service".to_owned(),
        /// The id of the service user's domain; wins over the name.
        user_domain_id: Option<String> = None,
        /// The name of the service user's domain.
        user_domain_name: String = "Default".to_owned(),
        /// The id of the domain of the project; wins over the name.
        project_domain_id: Option<String> = None,
        /// The name of the domain of the project.
        project_domain_name: String = "Default".to_owned(),
        /// The region whose identity endpoint is used. Empty: any.
        region_name: String = String::new(),
        /// How long a validated token is trusted without asking again, at most
        /// until it expires. 0: ask every time.
        token_cache_time: Duration = Duration::from_secs(300),
        /// The most tokens kept.
        token_cache_size: u64 = 10_000,
        /// Roles, any of which makes a service token count as one.
        service_token_roles: Vec<String> = vec!["service".to_owned()],
        /// Refuse service tokens without any of these roles.
        service_token_roles_required: bool = true,
        /// The service type that access rules of application credentials are
        /// checked against. Empty: each service uses its own.
        service_type: String = String::new(),
        /// A file with the certificates of authorities to trust for Keystone
        /// and the pods, beside the system's.
        cafile: Option<PathBuf> = None,
        /// Do not verify certificates.
        insecure: bool = false,
        /// How long a connection to Keystone may take.
        http_connect_timeout: Duration = Duration::from_secs(2),
        /// How long an answer from Keystone may take.
        http_request_timeout: Duration = Duration::from_secs(5),
        /// How many times a failed request to Keystone is repeated.
        http_request_max_retries: u32 = 3,
    }
}

section! {
    /// How pods are called.
    Client {
        /// The region of the top, where users find Tricircle's endpoints.
        top_region_name: String = "RegionOne".to_owned(),
        /// Which interface of the pods' endpoints is used: public, internal or
        /// admin.
        endpoint_interface: Interface = Interface::Public,
        /// How long a connection to a pod may take.
        connect_timeout: Duration = Duration::from_secs(2),
        /// How long a pod may be silent in the middle of an answer.
        read_timeout: Duration = Duration::from_secs(30),
        /// How long one pod may take for its part of a list over all pods.
        list_timeout: Duration = Duration::from_secs(5),
        /// How long a call to a pod may take altogether. Less than the clients of
        /// Tricircle and the proxies before it wait.
        request_timeout: Duration = Duration::from_secs(25),
        /// How long a call that creates a server or volume may take.
        create_timeout: Duration = Duration::from_secs(90),
        /// The most idle connections kept per pod endpoint and worker thread.
        pool_idle_per_host: usize = 64,
        /// How long an idle connection is kept: less than the pods' own
        /// keep-alive time, or a request meets a closing connection.
        pool_idle_timeout: Duration = Duration::from_secs(4),
        /// Calls to a service of a pod that fail in a row (no connection, no answer,
        /// or 502, 503, 504) until it is not called any more, but probed until it
        /// answers. 0: it is always called.
        breaker_failures: u32 = 5,
        /// The same for failures among a hundred calls of the last
        /// breaker_window. 0: no such share is too large.
        breaker_failure_share: u32 = 50,
        /// How many calls breaker_window must have for the share to count.
        breaker_least_calls: u32 = 20,
        /// The while over which breaker_failure_share is counted.
        breaker_window: Duration = Duration::from_secs(30),
        /// The pause before the first probe of a service that is not called. It is
        /// doubled with each probe that fails.
        probe_interval: Duration = Duration::from_secs(1),
        /// The longest pause between two probes.
        probe_interval_max: Duration = Duration::from_secs(15),
        /// How long a probe, or any other look at a version document, may take.
        probe_timeout: Duration = Duration::from_secs(2),
        /// A service that was not called for this long is probed too. 0: never.
        probe_idle: Duration = Duration::from_secs(30),
        /// The most calls that a process has under way in one pod. What comes
        /// beyond is refused (503). 0: no limit.
        max_calls_per_pod: usize = 256,
        /// The most memory, in bytes, that a process spends on reading answers of
        /// pods. What comes beyond is refused (503), or left out of a list.
        answers_memory: usize = 512 << 20,
        /// Leave pods that do not answer out of lists. If not, such a list is
        /// refused (503). Servers of these pods are shown as UNKNOWN from compute
        /// microversion 2.69 on, whatever this says.
        list_records_by_skipping_down_pods: bool = true,
        /// What Tricircle calls itself to the pods.
        user_agent: String = concat!("tricircle/", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

section! {
    /// What the top offers to users.
    Tricircle {
        /// The network types that are enabled.
        type_drivers: Vec<String> = vec!["local".to_owned(), "vlan".to_owned(), "flat".to_owned()],
        /// The types tried in turn for a network whose type nobody named.
        tenant_network_types: Vec<String> = vec!["vlan".to_owned(), "local".to_owned()],
        /// VLAN ids for users' networks, as `physical_network:first:last`,
        /// separated by commas or in repeated lines. A physical network without
        /// range is only for networks whose segment an administrator names. The
        /// ids must be free in every pod.
        network_vlan_ranges: Vec<VlanRange> = Vec::new(),
        /// Physical networks that have another name in a pod, as `region:name:name in
        /// the pod`, separated by commas or in repeated lines.
        physical_network_mappings: Vec<PhysicalMapping> = Vec::new(),
        /// The network type of bridge networks, which join the parts of a router that are
        /// in different pods. Empty: the first of tenant_network_types that spans pods.
        bridge_network_type: String = String::new(),
        /// The prefix that bridge networks are taken from. No network of users may
        /// use addresses of it.
        bridge_prefix: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10)),
        /// The prefix length of one bridge network. Each router of its project has one
        /// address on it for each pod that it reaches.
        bridge_prefix_length: u32 = 24,
        /// The most routes to single servers of other pods that a router has in a pod.
        /// Servers beyond them are reached by the route to their subnet. Neutron allows
        /// 30 routes of all kinds, unless max_routes says otherwise.
        router_host_routes: u32 = 16,
        /// The physical networks that administrators may use as a whole, without tags. *:
        /// any.
        flat_networks: Vec<String> = vec!["*".to_owned()],
        /// The start of all MAC addresses given to ports. The first three octets
        /// stay; the fourth stays too unless it is 00.
        base_mac: BaseMac = BaseMac([0xfa, 0x16, 0x3e, 0, 0, 0]),
        /// The availability zone of servers and volumes whose creator named
        /// none. Empty: any pod that fits.
        default_availability_zone: String = String::new(),
        /// How many addresses of a subnet are set aside for each pod that uses
        /// it (its gateway, DHCP and metadata ports).
        infrastructure_ports_per_subnet: u32 = 3,
        /// The MTU of networks when no pod gives a smaller one.
        default_mtu: u32 = 1500,
        /// The most items in one page of a list.
        max_limit: u64 = 1000,
        /// The highest compute microversion offered. Empty: the highest that
        /// Tricircle knows.
        compute_max_version: String = String::new(),
        /// The highest block storage microversion offered. Empty: the highest
        /// that Tricircle knows.
        volume_max_version: String = String::new(),
        /// The most resource routings kept in memory.
        routing_cache_size: u64 = 100_000,
        /// How long a resource routing is kept in memory.
        routing_cache_ttl: Duration = Duration::from_secs(60),
        /// How long the pods are not asked again for an id that none of them knew
        /// when the same token asked before. 0: they are asked each time.
        unknown_id_ttl: Duration = Duration::from_secs(5),
    }
}

section! {
    /// How much each project may have, for projects without limits of their
    /// own. -1: unlimited.
    Quota {
        /// Servers.
        instances: i64 = 10,
        /// Virtual CPUs of all servers.
        cores: i64 = 20,
        /// Memory of all servers, in MiB.
        ram: i64 = 51_200,
        /// Key pairs of a user.
        key_pairs: i64 = 100,
        /// Networks.
        network: i64 = 100,
        /// Subnets.
        subnet: i64 = 100,
        /// Ports.
        port: i64 = 500,
        /// Security groups.
        security_group: i64 = 10,
        /// Rules of all security groups.
        security_group_rule: i64 = 100,
        /// Routers.
        router: i64 = 10,
        /// Floating IPs.
        floatingip: i64 = 50,
        /// Volumes.
        volumes: i64 = 10,
        /// Size of all volumes, in GiB.
        gigabytes: i64 = 1000,
    }
}
