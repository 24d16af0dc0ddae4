-- Networks, subnets, ports, addresses, security groups: the top is their source of truth.
-- state is 'live', or 'deleting' from the accepted delete until every pod is clean.

CREATE TABLE IF NOT EXISTS networks (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shared BOOLEAN NOT NULL,
    mtu INTEGER NOT NULL,
    router_external BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    port_security_enabled BOOLEAN NOT NULL,
    dns_domain VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    availability_zone_hints MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    network_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    physical_network VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    segmentation_id INTEGER NULL,
    pinned_pod_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    INDEX networks_project (project_id, name),
    INDEX networks_shared (shared)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- A project's own networks; the shared ones.

-- One row per segment in use. Its key is what keeps a segment from being given twice.
CREATE TABLE IF NOT EXISTS network_segments (
    network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    network_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    physical_network VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    segmentation_id INTEGER NOT NULL,
    CONSTRAINT network_segments_segment UNIQUE (network_type, physical_network, segmentation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS subnets (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ip_version INTEGER NOT NULL,
    cidr VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    gateway_ip VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    enable_dhcp BOOLEAN NOT NULL,
    ipv6_ra_mode VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ipv6_address_mode VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    subnetpool_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    allocation_pools MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    dns_nameservers MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    host_routes MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    service_types MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    INDEX subnets_network (network_id),
    INDEX subnets_project (project_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Subnets of a network; of a project.

CREATE TABLE IF NOT EXISTS ports (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    mac_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    device_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    device_owner VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    port_security_enabled BOOLEAN NOT NULL,
    allowed_address_pairs MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    extra_dhcp_opts MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    binding_vnic_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    binding_profile MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    binding_host_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    dns_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    propagate_uplink_status BOOLEAN NOT NULL,
    created_by_gateway BOOLEAN NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT ports_mac UNIQUE (network_id, mac_address),
    INDEX ports_project (project_id, name),
    INDEX ports_device (device_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Ports of a project; of a server.

-- Every address that is taken: ports' own, gateways (one per pod and subnet) and the
-- ranges that pods use for their infrastructure. ip_key is the address in 32 hex
-- digits, so that the key orders as addresses do.
CREATE TABLE IF NOT EXISTS ip_allocations (
    subnet_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ip_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ip_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    purpose VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    port_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    pod_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (subnet_id, ip_key),
    INDEX ip_allocations_port (port_id),
    INDEX ip_allocations_network (network_id, ip_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Addresses of a port; where an address of a network is.

CREATE TABLE IF NOT EXISTS security_groups (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stateful BOOLEAN NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    INDEX security_groups_project (project_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The key makes the first use of a project safe against itself.
CREATE TABLE IF NOT EXISTS default_security_groups (
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    security_group_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    CONSTRAINT default_security_groups_group UNIQUE (security_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- signature spells out what the rule lets through; no group has one twice.
CREATE TABLE IF NOT EXISTS security_group_rules (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    security_group_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    direction VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ethertype VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    protocol VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    port_range_min INTEGER NULL,
    port_range_max INTEGER NULL,
    remote_ip_prefix VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    remote_group_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    signature VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT security_group_rules_signature UNIQUE (security_group_id, signature),
    INDEX security_group_rules_remote (remote_group_id),
    INDEX security_group_rules_project (project_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Rules that admit a group's members; a project's rules.

CREATE TABLE IF NOT EXISTS port_security_groups (
    port_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    security_group_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (port_id, security_group_id),
    INDEX port_security_groups_group (security_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Whether a group is in use.

-- Limits that an administrator set for a project; what is absent follows [quota].
CREATE TABLE IF NOT EXISTS project_quotas (
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    resource VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (project_id, resource)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
