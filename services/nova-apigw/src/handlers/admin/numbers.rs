//! Numbers that pods give to hypervisors, services and migrations, made unambiguous.
//!
//! Two pods have a service 1 each. At the top the number carries the pod's ordinal, which
//! is never given again, above its 32 lower bits: Nova's own numbers have 31. The sum fits
//! into the 53 bits that every JSON reader keeps.

use serde_json::{Value, json};
use std::sync::Arc;
use tricircle_pods::{PodEntry, Snapshot};

const BITS: u32 = 32;

/// A pod's number as the top shows it.
pub(crate) fn at_top(pod: &PodEntry, number: i64) -> i64 {
    (i64::from(pod.view.pod.ordinal) << BITS) | (number & 0xffff_ffff)
}

/// The same for the member of an object, if it is a number.
pub(crate) fn member_at_top(pod: &PodEntry, object: &mut Value, key: &str) {
    if let Some(value) = object.get_mut(key)
        && let Some(number) = value.as_i64()
    {
        *value = json!(at_top(pod, number));
    }
}

/// The pod of a number of the top, and the number there.
pub(crate) fn in_pod(snapshot: &Snapshot, number: i64) -> Option<(Arc<PodEntry>, i64)> {
    let (ordinal, number) = split(number)?;
    let pod = snapshot
        .callable()
        .find(|pod| pod.view.pod.ordinal == ordinal)?;
    Some((pod.clone(), number))
}

fn split(number: i64) -> Option<(i32, i64)> {
    let ordinal = i32::try_from(number >> BITS).ok()?;
    (number >= 0).then_some((ordinal, number & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_apart_again() {
        for (ordinal, number) in [(0_i64, 1_i64), (1, 1), (7, 0x7fff_ffff)] {
            let top = (ordinal << BITS) | number;
            assert_eq!(split(top), Some((i32::try_from(ordinal).unwrap(), number)));
        }
        assert_eq!(split(-1), None);
        assert_eq!(split(i64::MAX), Some((i32::MAX, 0xffff_ffff)));
    }
}
