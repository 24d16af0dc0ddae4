//! What the pods' server groups are called at the top.
//!
//! A server shows the group that its pod knows, by the pod's id. Answers are rewritten
//! without asking the database, so what pods call the groups is kept in memory: read
//! now and then, and at once when an answer names a group that is not known.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use memchr::memmem;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tricircle_db::{DbError, Store};

/// How often they are read.
const PERIOD: Duration = Duration::from_secs(10);
/// Groups that are not ours which are remembered as such.
const STRANGERS: usize = 1000;
/// What stands before the id of a group in an answer.
const PLACES: [&[u8]; 2] = [b"\"server_groups\":", b"\"group\":"];

/// Ids at the top by ids in pods. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct GroupIds {
    known: Arc<RwLock<Arc<HashMap<String, String>>>>,
    strangers: Arc<RwLock<HashSet<String>>>,
}

impl GroupIds {
    /// Reads them now and then until `shutdown`.
    pub async fn keep_fresh(self, store: Store, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.refresh(&store).await {
                tracing::debug!(%error, "ids of server groups could not be read");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Reads them.
    pub async fn refresh(&self, store: &Store) -> Result<(), DbError> {
        let rows = store.server_group_ids().await?;
        self.set(rows);
        Ok(())
    }

    fn set(&self, rows: Vec<(String, String)>) {
        let new = Arc::new(rows.into_iter().collect());
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = new;
        let mut strangers = self
            .strangers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        strangers.clear();
    }

    fn now(&self) -> Arc<HashMap<String, String>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes sure that the groups which an answer names are known, if they are ours.
    pub(crate) async fn learn(&self, bytes: &[u8], store: &Store) {
        let named = named(bytes);
        if named.is_empty() {
            return;
        }
        let known = self.now();
        let new: Vec<String> = {
            let strangers = self
                .strangers
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            named
                .into_iter()
                .filter(|id| !known.contains_key(id) && !strangers.contains(id))
                .collect()
        };
        if new.is_empty() {
            return;
        }
        if let Err(error) = self.refresh(store).await {
            tracing::warn!(%error, "ids of server groups could not be read");
            return;
        }
        let known = self.now();
        let mut strangers = self
            .strangers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if strangers.len() > STRANGERS {
            strangers.clear();
        }
        strangers.extend(new.into_iter().filter(|id| !known.contains_key(id)));
    }

    /// Whether an answer names a group at all.
    pub(crate) fn concern(&self, bytes: &[u8]) -> bool {
        !self.now().is_empty() && !named(bytes).is_empty()
    }

    /// Puts the top's ids in their places, at any depth.
    pub(crate) fn put_into(&self, value: &mut Value) {
        let known = self.now();
        if !known.is_empty() {
            put(&known, value);
        }
    }
}

fn put(known: &HashMap<String, String>, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put(known, item)),
        Value::Object(map) => {
            for (key, inside) in map.iter_mut() {
                match (key.as_str(), &mut *inside) {
                    ("server_groups" | "group", Value::String(id)) => swap(known, id),
                    ("server_groups" | "group", Value::Array(ids)) => {
                        for id in ids {
                            match id {
                                Value::String(id) => swap(known, id),
                                other => put(known, other),
                            }
                        }
                    }
                    _ => put(known, inside),
                }
            }
        }
        _ => {}
    }
}

fn swap(known: &HashMap<String, String>, id: &mut String) {
    if let Some(top) = known.get(id) {
        id.clone_from(top);
    }
}

/// The first id in each place of a group. A server is in one group at most.
fn named(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for place in PLACES {
        for at in memmem::find_iter(bytes, place) {
            let rest = bytes.get(at + place.len()..).unwrap_or_default();
            let skipped = rest
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'[' | b'\n' | b'\t'))
                .unwrap_or(0);
            let Some((b'"', rest)) = rest.get(skipped..).and_then(<[u8]>::split_first) else {
                continue;
            };
            let id = rest.get(..36).map(String::from_utf8_lossy);
            if let Some(id) = id.filter(|id| uuid::Uuid::parse_str(id).is_ok()) {
                found.push(id.into_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BOTTOM: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";
    const OTHER: &str = "1b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    #[test]
    fn groups_are_found_where_they_stand_and_nowhere_else() {
        for (body, found) in [
            (json!({"server": {"server_groups": []}}), 0),
            (json!({"server": {"server_groups": [BOTTOM]}}), 1),
            (json!({"server": {"scheduler_hints": {"group": BOTTOM}}}), 1),
            (json!({"server": {"id": BOTTOM, "group": "x"}}), 0),
        ] {
            assert_eq!(named(body.to_string().as_bytes()).len(), found, "{body}");
        }
        let spaced = format!("{{\"server_groups\": [\"{BOTTOM}\"]}}");
        assert_eq!(named(spaced.as_bytes()), [BOTTOM]);
    }

    #[test]
    fn our_groups_have_the_tops_ids_and_others_their_own() {
        let ids = GroupIds::default();
        ids.set(vec![(BOTTOM.to_owned(), "top".to_owned())]);
        let mut body = json!({"servers": [
            {"server_groups": [BOTTOM], "scheduler_hints": {"group": [BOTTOM], "x": BOTTOM}},
            {"server_groups": [OTHER], "scheduler_hints": {"group": BOTTOM}},
        ]});
        assert!(ids.concern(body.to_string().as_bytes()));
        ids.put_into(&mut body);
        assert_eq!(
            body,
            json!({"servers": [
                {"server_groups": ["top"], "scheduler_hints": {"group": ["top"], "x": BOTTOM}},
                {"server_groups": [OTHER], "scheduler_hints": {"group": "top"}},
            ]})
        );
    }
}
