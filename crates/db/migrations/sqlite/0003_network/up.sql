-- Networks, subnets, ports, addresses, security groups: the top is their source of truth.
-- state is 'live', or 'deleting' from the accepted delete until every pod is clean.

CREATE TABLE IF NOT EXISTS networks (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    shared BOOLEAN NOT NULL,
    mtu INTEGER NOT NULL,
    router_external BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    port_security_enabled BOOLEAN NOT NULL,
    dns_domain TEXT NOT NULL,
    availability_zone_hints TEXT NOT NULL,
    network_type TEXT NOT NULL,
    physical_network TEXT NULL,
    segmentation_id INTEGER NULL,
    pinned_pod_id TEXT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
-- A project's own networks; the shared ones.
CREATE INDEX IF NOT EXISTS networks_project ON networks (project_id, name);
CREATE INDEX IF NOT EXISTS networks_shared ON networks (shared);

-- One row per segment in use. Its key is what keeps a segment from being given twice.
CREATE TABLE IF NOT EXISTS network_segments (
    network_id TEXT NOT NULL PRIMARY KEY,
    network_type TEXT NOT NULL,
    physical_network TEXT NOT NULL,
    segmentation_id INTEGER NOT NULL,
    CONSTRAINT network_segments_segment UNIQUE (network_type, physical_network, segmentation_id)
);

CREATE TABLE IF NOT EXISTS subnets (
    id TEXT NOT NULL PRIMARY KEY,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    cidr TEXT NOT NULL,
    gateway_ip TEXT NULL,
    enable_dhcp BOOLEAN NOT NULL,
    ipv6_ra_mode TEXT NULL,
    ipv6_address_mode TEXT NULL,
    subnetpool_id TEXT NULL,
    allocation_pools TEXT NOT NULL,
    dns_nameservers TEXT NOT NULL,
    host_routes TEXT NOT NULL,
    service_types TEXT NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
-- Subnets of a network; of a project.
CREATE INDEX IF NOT EXISTS subnets_network ON subnets (network_id);
CREATE INDEX IF NOT EXISTS subnets_project ON subnets (project_id, name);

CREATE TABLE IF NOT EXISTS ports (
    id TEXT NOT NULL PRIMARY KEY,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    port_security_enabled BOOLEAN NOT NULL,
    allowed_address_pairs TEXT NOT NULL,
    extra_dhcp_opts TEXT NOT NULL,
    binding_vnic_type TEXT NOT NULL,
    binding_profile TEXT NOT NULL,
    binding_host_id TEXT NOT NULL,
    dns_name TEXT NOT NULL,
    propagate_uplink_status BOOLEAN NOT NULL,
    created_by_gateway BOOLEAN NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT ports_mac UNIQUE (network_id, mac_address)
);
-- Ports of a project; of a server.
CREATE INDEX IF NOT EXISTS ports_project ON ports (project_id, name);
CREATE INDEX IF NOT EXISTS ports_device ON ports (device_id);

-- Every address that is taken: ports' own, gateways (one per pod and subnet) and the
-- ranges that pods use for their infrastructure. ip_key is the address in 32 hex
-- digits, so that the key orders as addresses do.
CREATE TABLE IF NOT EXISTS ip_allocations (
    subnet_id TEXT NOT NULL,
    ip_key TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    network_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    port_id TEXT NULL,
    pod_id TEXT NULL,
    PRIMARY KEY (subnet_id, ip_key)
);
-- Addresses of a port; where an address of a network is.
CREATE INDEX IF NOT EXISTS ip_allocations_port ON ip_allocations (port_id);
CREATE INDEX IF NOT EXISTS ip_allocations_network ON ip_allocations (network_id, ip_key);

CREATE TABLE IF NOT EXISTS security_groups (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    stateful BOOLEAN NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS security_groups_project ON security_groups (project_id, name);

-- The key makes the first use of a project safe against itself.
CREATE TABLE IF NOT EXISTS default_security_groups (
    project_id TEXT NOT NULL PRIMARY KEY,
    security_group_id TEXT NOT NULL,
    CONSTRAINT default_security_groups_group UNIQUE (security_group_id)
);

-- signature spells out what the rule lets through; no group has one twice.
CREATE TABLE IF NOT EXISTS security_group_rules (
    id TEXT NOT NULL PRIMARY KEY,
    security_group_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT NULL,
    port_range_min INTEGER NULL,
    port_range_max INTEGER NULL,
    remote_ip_prefix TEXT NULL,
    remote_group_id TEXT NULL,
    description TEXT NOT NULL,
    signature TEXT NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT security_group_rules_signature UNIQUE (security_group_id, signature)
);
-- Rules that admit a group's members; a project's rules.
CREATE INDEX IF NOT EXISTS security_group_rules_remote ON security_group_rules (remote_group_id);
CREATE INDEX IF NOT EXISTS security_group_rules_project ON security_group_rules (project_id);

CREATE TABLE IF NOT EXISTS port_security_groups (
    port_id TEXT NOT NULL,
    security_group_id TEXT NOT NULL,
    PRIMARY KEY (port_id, security_group_id)
);
-- Whether a group is in use.
CREATE INDEX IF NOT EXISTS port_security_groups_group ON port_security_groups (security_group_id);

-- Limits that an administrator set for a project; what is absent follows [quota].
CREATE TABLE IF NOT EXISTS project_quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (project_id, resource)
);
