//! Migrations: re-runnable, versioned, and the same shape on both backends.

use tricircle_db::testing::TestStore;

#[tokio::test]
async fn migrating_twice_changes_nothing_and_the_version_is_known() {
    for test in TestStore::both().await.unwrap() {
        let version = test.store.version().await.unwrap();
        assert!(version.is_some());
        assert!(test.store.migrate().await.unwrap().is_empty());
        assert_eq!(test.store.version().await.unwrap(), version);
        test.drop_schema().await.unwrap();
    }
}

/// Table → column names, read from the text of the migrations themselves.
fn tables(folder: &str) -> std::collections::BTreeMap<String, Vec<String>> {
    let root = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let mut tables = std::collections::BTreeMap::new();
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("up.sql")).unwrap();
        let mut table = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
                let name = rest.trim_end_matches(" (").to_owned();
                tables.insert(name.clone(), Vec::new());
                table = Some(name);
            } else if line.starts_with(')') {
                table = None;
            } else if let Some(name) = &table {
                let word = line.split_whitespace().next().unwrap_or_default();
                if !["CONSTRAINT", "PRIMARY", "INDEX", "--"].contains(&word) {
                    let nullable = !line.contains("NOT NULL");
                    tables
                        .get_mut(name)
                        .unwrap()
                        .push(format!("{word} nullable={nullable}"));
                }
            }
        }
    }
    tables
}

#[test]
fn both_backends_have_the_same_tables_and_columns() {
    let sqlite = tables("sqlite");
    assert!(sqlite.len() > 5);
    assert_eq!(sqlite, tables("mysql"));
}
