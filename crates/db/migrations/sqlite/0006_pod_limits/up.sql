-- What a pod allows, as found when it was registered or as an operator said. A pod
-- without a row allows what the configuration says.
CREATE TABLE IF NOT EXISTS pod_limits (
    pod_id TEXT NOT NULL PRIMARY KEY,
    mtu INTEGER NULL
);
