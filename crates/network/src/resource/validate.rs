//! Checks of single values that any resource may use, with Neutron's texts.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde_json::Value;

use super::convert::whole;
use super::table::Check;
use super::{Problem, python};

type Checked = Result<(), Problem>;

/// Refuses with a reason.
pub(crate) fn because(reason: impl Into<String>) -> Checked {
    Err(Problem::Reason(reason.into()))
}

impl Check {
    /// Whether the value is what it has to be.
    pub(crate) fn run(self, value: &Value) -> Checked {
        match self {
            Self::Any => Ok(()),
            Self::Text(max) => text(value, max),
            Self::Name(max) => name(value, max),
            Self::Uuid => uuid(value),
            Self::UuidOrNull => or_null(value, uuid),
            Self::UuidList => list_of(value, uuid),
            Self::OneOf(values) => match value.as_str() {
                Some(text) if values.contains(&text) => Ok(()),
                _ => because(format!("{} is not in valid_values", python::str(value))),
            },
            Self::OneOfNumbers(values) => match value.as_i64() {
                Some(number) if values.contains(&number) => Ok(()),
                _ => because(format!("{} is not in valid_values", python::str(value))),
            },
            Self::NonNegative => match whole(value) {
                Some(number) if number >= 0 => Ok(()),
                Some(_) => because(format!("'{}' should be non-negative", python::str(value))),
                None => because(not_integer(value)),
            },
            Self::Range(min, max) => range(value, min, max),
            Self::AddressOrNull => or_null(value, address),
            Self::CidrOrNull => or_null(value, cidr),
            Self::MapOrNull => or_null(value, map),
            Self::By(check) => check(value),
        }
    }
}

fn or_null(value: &Value, check: fn(&Value) -> Checked) -> Checked {
    if value.is_null() {
        Ok(())
    } else {
        check(value)
    }
}

fn not_integer(value: &Value) -> String {
    format!("'{}' is not an integer", python::str(value))
}

fn range(value: &Value, min: i64, max: i64) -> Checked {
    let shown = python::str(value);
    match whole(value) {
        None => because(not_integer(value)),
        Some(number) if number < min => {
            because(format!("'{shown}' is too small - must be at least '{min}'"))
        }
        Some(number) if number > max => because(format!(
            "'{shown}' is too large - must be no larger than '{max}'"
        )),
        Some(_) => Ok(()),
    }
}

/// A text of at most `max` characters.
pub(crate) fn text(value: &Value, max: usize) -> Checked {
    match value.as_str() {
        None => because(not_text(value)),
        Some(text) if text.chars().count() > max => {
            because(format!("'{text}' exceeds maximum length of {max}"))
        }
        Some(_) => Ok(()),
    }
}

fn not_text(value: &Value) -> String {
    format!("'{}' is not a valid string", python::str(value))
}

/// Printable, no blanks at the ends, nothing outside of the basic plane (which
/// Neutron's own pattern leaves out).
fn name(value: &Value, max: usize) -> Checked {
    text(value, max)?;
    let text = value.as_str().unwrap_or_default();
    let printable = |c: char| !c.is_control() && (c as u32) < 0xFFFF;
    let ends = [text.chars().next(), text.chars().next_back()];
    let trimmed = ends.into_iter().flatten().all(|c| !c.is_whitespace());
    if trimmed && text.chars().all(printable) {
        Ok(())
    } else {
        because(not_text(value))
    }
}

/// A UUID, with or without its dashes.
pub(crate) fn uuid(value: &Value) -> Checked {
    let like = value.as_str().is_some_and(|text| {
        let text = text.trim_start_matches("urn:").trim_start_matches("uuid:");
        let text = text.trim_matches(|c| c == '{' || c == '}');
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
    });
    if like {
        Ok(())
    } else {
        because(format!("'{}' is not a valid UUID", python::str(value)))
    }
}

/// A list of different items that each pass `check`.
pub(crate) fn list_of(value: &Value, check: impl Fn(&Value) -> Checked) -> Checked {
    let Some(items) = value.as_array() else {
        return because(format!("'{}' is not a list", python::str(value)));
    };
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for item in items {
        let shown = python::str(item);
        if !seen.insert(item.to_string()) && !twice.contains(&shown) {
            twice.push(shown);
        }
    }
    if !twice.is_empty() {
        return because(format!(
            "Duplicate items in the list: '{}'",
            twice.join(", ")
        ));
    }
    items.iter().try_for_each(check)
}

/// An IPv4 or IPv6 address.
pub(crate) fn address(value: &Value) -> Checked {
    let text = value.as_str().unwrap_or_default();
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    if let Some(ip) = without_leading_zeros(text) {
        return because(format!(
            "'{text}' is not an accepted IP address, '{ip}' is recommended"
        ));
    }
    because(format!(
        "'{}' is not a valid IP address",
        python::str(value)
    ))
}

/// `010.0.0.1` could be octal or not, so it is refused with what to write.
fn without_leading_zeros(text: &str) -> Option<Ipv4Addr> {
    let octets: Vec<u8> = text
        .split('.')
        .filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|part| part.parse().ok())
        .collect();
    let octets: [u8; 4] = octets.try_into().ok()?;
    (text.split('.').count() == 4).then(|| octets.into())
}

/// A CIDR with a prefix length.
pub(crate) fn cidr(value: &Value) -> Checked {
    match value.as_str().map(str::parse::<IpNet>) {
        Some(Ok(_)) => Ok(()),
        _ => because(format!("'{}' is not a valid IP subnet", python::str(value))),
    }
}

fn map(value: &Value) -> Checked {
    if value.is_object() {
        Ok(())
    } else {
        because(format!("'{}' is not a dictionary", python::str(value)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(check: Check, value: Value) -> String {
        match check.run(&value) {
            Ok(()) => "ok".to_owned(),
            Err(Problem::Reason(reason)) => reason,
            Err(Problem::Error(error)) => error.message,
        }
    }

    #[test]
    fn values_and_reasons() {
        let id = "11111111-1111-1111-1111-111111111111";
        for (check, value, expected) in [
            (Check::Name(255), json!("net 1"), "ok"),
            (Check::Name(255), json!(""), "ok"),
            (Check::Name(255), json!("ünï"), "ok"),
            (Check::Name(255), json!(" a"), "' a' is not a valid string"),
            (
                Check::Name(255),
                json!("a\n"),
                "'a\n' is not a valid string",
            ),
            (
                Check::Name(3),
                json!("abcd"),
                "'abcd' exceeds maximum length of 3",
            ),
            (Check::Text(3), json!(null), "'None' is not a valid string"),
            (Check::Uuid, json!(id), "ok"),
            (Check::Uuid, json!("x"), "'x' is not a valid UUID"),
            (Check::Uuid, json!(5), "'5' is not a valid UUID"),
            (Check::UuidOrNull, json!(null), "ok"),
            (Check::UuidList, json!("x"), "'x' is not a list"),
            (
                Check::UuidList,
                json!([id, id]),
                "Duplicate items in the list: '11111111-1111-1111-1111-111111111111'",
            ),
            (Check::OneOf(&["a"]), json!("b"), "b is not in valid_values"),
            (
                Check::OneOfNumbers(&[4, 6]),
                json!(5),
                "5 is not in valid_values",
            ),
            (Check::NonNegative, json!(-3), "'-3' should be non-negative"),
            (
                Check::Range(-1, 9),
                json!(-5),
                "'-5' is too small - must be at least '-1'",
            ),
            (
                Check::Range(-1, 9),
                json!(10),
                "'10' is too large - must be no larger than '9'",
            ),
            (Check::AddressOrNull, json!("10.0.0.1"), "ok"),
            (Check::AddressOrNull, json!("fe80::1"), "ok"),
            (
                Check::AddressOrNull,
                json!("10.0.0"),
                "'10.0.0' is not a valid IP address",
            ),
            (
                Check::AddressOrNull,
                json!("10.0.0.01"),
                "'10.0.0.01' is not an accepted IP address, '10.0.0.1' is recommended",
            ),
            (
                Check::CidrOrNull,
                json!("10.0.0.0"),
                "'10.0.0.0' is not a valid IP subnet",
            ),
            (Check::MapOrNull, json!([]), "'[]' is not a dictionary"),
        ] {
            assert_eq!(reason(check, value.clone()), expected, "{value}");
        }
    }
}
