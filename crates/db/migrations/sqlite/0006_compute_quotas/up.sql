-- Limits of the Compute API: those of a project (user_id is empty), of a user in a
-- project, and of a class. The class `default` stands for what projects have by default.
CREATE TABLE IF NOT EXISTS compute_quotas (
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id, resource)
);

CREATE TABLE IF NOT EXISTS compute_quota_classes (
    class_name TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (class_name, resource)
);
