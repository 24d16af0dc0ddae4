-- Routers, floating IPs, and the networks that join the pods' parts of a router.
-- A router's interfaces and its gateway are rows of ports whose device_id is the router.

CREATE TABLE IF NOT EXISTS routers (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    admin_state_up BOOLEAN NOT NULL,
    status VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    availability_zone_hints MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    gateway_network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    gateway_port_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    enable_snat BOOLEAN NOT NULL,
    routes MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    INDEX routers_project (project_id, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One floating IP for each address of a port on one external network. A deleted one has
-- no target, and its address is free when its port is.
CREATE TABLE IF NOT EXISTS floating_ips (
    id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    floating_network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    floating_ip_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    floating_port_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    port_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    fixed_ip_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    router_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    status VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    dns_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    dns_domain VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    revision_number BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    CONSTRAINT floating_ips_target UNIQUE (floating_network_id, port_id, fixed_ip_address),
    INDEX floating_ips_project (project_id),
    INDEX floating_ips_port (port_id),
    INDEX floating_ips_router (router_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The bridge network of a project. Both keys keep racing first uses apart.
CREATE TABLE IF NOT EXISTS bridge_networks (
    project_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    network_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    cidr VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    CONSTRAINT bridge_networks_cidr UNIQUE (cidr)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a pod has of a project, by kind. MySQL has no IF NOT EXISTS for an index.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'pod_realizations'
        AND index_name = 'pod_realizations_project') = 0,
    'CREATE INDEX pod_realizations_project ON pod_realizations (project_id, kind, pod_id)',
    'DO 0');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
