-- What a pod allows, as found when it was registered or as an operator said. A pod
-- without a row allows what the configuration says.
CREATE TABLE IF NOT EXISTS pod_limits (
    pod_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    mtu INTEGER NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
