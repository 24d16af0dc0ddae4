//! Identifiers and timestamps in the shapes of OpenStack's services.

use chrono::{DateTime, Utc};
use rand::RngExt;
use uuid::Uuid;

/// A random UUID with dashes, as Nova, Neutron and Cinder give out.
pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

/// A random UUID without dashes, as Keystone gives out.
pub(crate) fn hex_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Whether `text` is a UUID, with or without dashes.
pub(crate) fn is_uuid(text: &str) -> bool {
    matches!(text.len(), 32 | 36) && Uuid::try_parse(text).is_ok()
}

/// A request id, `req-<uuid>`.
pub(crate) fn request_id() -> String {
    format!("req-{}", uuid())
}

/// Whether `text` is a request id that a service takes over from its caller.
pub(crate) fn is_request_id(text: &str) -> bool {
    text.strip_prefix("req-")
        .is_some_and(|rest| rest.len() == 36 && is_uuid(rest))
}

/// Random text of `length` characters out of letters and digits.
pub(crate) fn secret(length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    (0..length)
        .filter_map(|_| ALPHABET.get(rng.random_range(0..ALPHABET.len())))
        .map(|byte| char::from(*byte))
        .collect()
}

/// A MAC address in Neutron's default range.
pub(crate) fn mac_address() -> String {
    let tail: u32 = rand::rng().random();
    let [_, a, b, c] = tail.to_be_bytes();
    format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}")
}

/// Now, cut to seconds: the services' databases keep no more.
pub(crate) fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now)
}

/// `2026-11-22T02:07:22Z`: Neutron, and Nova's `created` and `updated`.
pub(crate) fn seconds(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22T02:07:22.000000`: Cinder and most of Nova.
pub(crate) fn naive(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// `2026-11-22T02:07:22.000000Z`: Keystone.
pub(crate) fn zulu(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_request_ids_of_the_right_form_are_taken_over() {
        assert!(is_request_id(&request_id()));
        assert!(!is_request_id("req-1"));
        assert!(!is_request_id(&uuid()));
        assert!(!is_request_id(&format!("{}x", request_id())));
    }
}
