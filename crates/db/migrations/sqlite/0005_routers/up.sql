-- Routers, floating IPs, and the networks that join the pods' parts of a router.
-- A router's interfaces and its gateway are rows of ports whose device_id is the router.

CREATE TABLE IF NOT EXISTS routers (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    availability_zone_hints TEXT NOT NULL,
    gateway_network_id TEXT NULL,
    gateway_port_id TEXT NULL,
    enable_snat BOOLEAN NOT NULL,
    routes TEXT NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS routers_project ON routers (project_id, name);

-- One floating IP for each address of a port on one external network. A deleted one has
-- no target, and its address is free when its port is.
CREATE TABLE IF NOT EXISTS floating_ips (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    floating_network_id TEXT NOT NULL,
    floating_ip_address TEXT NOT NULL,
    floating_port_id TEXT NOT NULL,
    port_id TEXT NULL,
    fixed_ip_address TEXT NULL,
    router_id TEXT NULL,
    status TEXT NOT NULL,
    dns_name TEXT NOT NULL,
    dns_domain TEXT NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT floating_ips_target UNIQUE (floating_network_id, port_id, fixed_ip_address)
);
CREATE INDEX IF NOT EXISTS floating_ips_project ON floating_ips (project_id);
CREATE INDEX IF NOT EXISTS floating_ips_port ON floating_ips (port_id);
CREATE INDEX IF NOT EXISTS floating_ips_router ON floating_ips (router_id);

-- The bridge network of a project. Both keys keep racing first uses apart.
CREATE TABLE IF NOT EXISTS bridge_networks (
    project_id TEXT NOT NULL PRIMARY KEY,
    network_id TEXT NOT NULL,
    cidr TEXT NOT NULL,
    CONSTRAINT bridge_networks_cidr UNIQUE (cidr)
);

-- What a pod has of a project, by kind.
CREATE INDEX IF NOT EXISTS pod_realizations_project ON pod_realizations (project_id, kind, pod_id);
