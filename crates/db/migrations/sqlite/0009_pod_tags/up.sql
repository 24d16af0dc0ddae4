-- A word by which flavors ask for a pod; empty: it has none. SQLite has no IF NOT EXISTS
-- for a column, and takes a migration back that did not come to its end.
ALTER TABLE pods ADD COLUMN affinity_tag TEXT NOT NULL DEFAULT '';
