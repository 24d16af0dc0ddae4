//! Floating IPs that a pod's Nova does not know of.
//!
//! The floating IP of a server may be in another pod, where its router leaves
//! (`specs/0016`). The server's own pod shows its fixed addresses only; the floating ones
//! are added to what users see of it. They are read in the background, so that looking
//! at a server costs no query.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use memchr::memmem;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tricircle_db::models::FloatingElsewhere;
use tricircle_db::{DbError, Store};

/// How often they are read. Nova's own view of addresses is not younger.
const PERIOD: Duration = Duration::from_secs(2);

/// Floating address by the MAC address and fixed address that it leads to.
type ByFixed = HashMap<(String, String), String>;

/// What was last read. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct FloatingAddresses(Arc<RwLock<Arc<ByFixed>>>);

impl FloatingAddresses {
    /// Reads them now and then until `shutdown`.
    pub async fn keep_fresh(self, store: Store, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.refresh(&store).await {
                tracing::debug!(%error, "floating IPs of other pods could not be read");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Reads them.
    pub async fn refresh(&self, store: &Store) -> Result<(), DbError> {
        let rows = store.floating_ips_elsewhere().await?;
        self.set(rows);
        Ok(())
    }

    fn set(&self, rows: Vec<FloatingElsewhere>) {
        let new = rows
            .into_iter()
            .map(|row| {
                (
                    (row.mac_address, row.fixed_ip_address),
                    row.floating_ip_address,
                )
            })
            .collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }

    fn now(&self) -> Arc<ByFixed> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a body may show one of their servers.
    pub(crate) fn concern(&self, bytes: &[u8]) -> bool {
        let all = self.now();
        !all.is_empty() && memmem::find(bytes, b"\"OS-EXT-IPS-MAC:mac_addr\"").is_some()
    }

    /// Adds them to lists of addresses, at any depth.
    pub(crate) fn add_to(&self, value: &mut Value) {
        let all = self.now();
        if !all.is_empty() {
            add(&all, value);
        }
    }
}

fn add(all: &ByFixed, value: &mut Value) {
    match value {
        Value::Array(items) => {
            let new: Vec<(usize, Value)> = items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| Some((at, shown(all, item)?)))
                .collect();
            for (at, item) in new.into_iter().rev() {
                items.insert(at + 1, item);
            }
            items.iter_mut().for_each(|item| add(all, item));
        }
        Value::Object(map) => map.values_mut().for_each(|inside| add(all, inside)),
        _ => {}
    }
}

/// The floating address that belongs to a fixed one, as Nova shows it.
fn shown(all: &ByFixed, fixed: &Value) -> Option<Value> {
    let mac = fixed.get("OS-EXT-IPS-MAC:mac_addr")?.as_str()?;
    let address = fixed.get("addr")?.as_str()?;
    let floating = all.get(&(mac.to_owned(), address.to_owned()))?;
    Some(json!({
        "version": 4,
        "addr": floating,
        "OS-EXT-IPS:type": "floating",
        "OS-EXT-IPS-MAC:mac_addr": mac,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_floating_ip_of_another_pod_follows_its_fixed_address() {
        let floating = FloatingAddresses::default();
        let fixed = |ip: &str, mac: &str| {
            json!({"version": 4, "addr": ip, "OS-EXT-IPS:type": "fixed",
                "OS-EXT-IPS-MAC:mac_addr": mac})
        };
        let server = json!({"server": {"addresses": {"net1": [
            fixed("10.0.1.5", "fa:16:3e:00:00:01"), fixed("10.0.1.5", "fa:16:3e:00:00:02"),
        ]}}});
        let bytes = server.to_string().into_bytes();
        assert!(!floating.concern(&bytes));
        floating.set(vec![FloatingElsewhere {
            mac_address: "fa:16:3e:00:00:01".to_owned(),
            fixed_ip_address: "10.0.1.5".to_owned(),
            floating_ip_address: "203.0.113.9".to_owned(),
        }]);
        assert!(floating.concern(&bytes));
        let mut seen = server.clone();
        floating.add_to(&mut seen);
        let list = seen["server"]["addresses"]["net1"].as_array().unwrap();
        let addresses: Vec<&str> = list.iter().map(|ip| ip["addr"].as_str().unwrap()).collect();
        assert_eq!(addresses, ["10.0.1.5", "203.0.113.9", "10.0.1.5"]);
        assert_eq!(list[1]["OS-EXT-IPS:type"], "floating");
        assert_eq!(list[1]["OS-EXT-IPS-MAC:mac_addr"], "fa:16:3e:00:00:01");
    }
}
