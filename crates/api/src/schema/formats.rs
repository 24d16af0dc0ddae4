//! The formats that Nova's schemas name.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

/// How a value keeps to a format.
pub(super) enum Format {
    Kept,
    Broken,
    /// What names must be, which Nova says without naming the field.
    BadName(&'static str),
}

const NAME: &str = "printable characters. Can not start or end with whitespace.";
const ZONE: &str = "printable characters except :.Can not start or end with whitespace.";

/// Judges a value. What is no text keeps to every format but those of names.
pub(super) fn check(format: &str, value: &Value) -> Format {
    let is = |kept: bool| if kept { Format::Kept } else { Format::Broken };
    let text = match (format, value) {
        ("name", Value::String(text)) if is_name(text) => return Format::Kept,
        ("name", _) => return Format::BadName(NAME),
        ("az_name", Value::String(text)) if is_name(text) && !text.contains(':') => {
            return Format::Kept;
        }
        ("az_name", _) => return Format::BadName(ZONE),
        (_, Value::String(text)) => text.as_str(),
        _ => return Format::Kept,
    };
    match format {
        // As oslo.utils: hyphens, braces and `urn:uuid:` say nothing.
        "uuid" => is(uuid::Uuid::parse_str(text.trim()).is_ok()),
        "ipv4" => is(text.parse::<Ipv4Addr>().is_ok()),
        "ipv6" => is(text.parse::<Ipv6Addr>().is_ok()),
        "date-time" => is(is_moment(text)),
        "base64" => is(is_base64(text)),
        "cidr" => is(is_cidr(text)),
        "regex" => is(!text.is_empty() && regex::Regex::new(text).is_ok()),
        _ => Format::Kept,
    }
}

/// Printable characters of Unicode's first plane, no blank at either end.
fn is_name(text: &str) -> bool {
    let printable = |c: char| {
        let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}');
        !c.is_control() && !invisible && u32::from(c) < 0xffff
    };
    let at_end = |c: Option<char>| c.is_some_and(char::is_whitespace);
    text.chars().all(printable) && !at_end(text.chars().next()) && !at_end(text.chars().last())
}

fn is_moment(text: &str) -> bool {
    let plain = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y%m%dT%H%M%S",
    ];
    let plain = plain
        .iter()
        .any(|form| NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), form).is_ok());
    plain
        || DateTime::parse_from_rfc3339(text).is_ok()
        || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// As Python decodes it: what is not in the alphabet is skipped, the padding must fit.
fn is_base64(text: &str) -> bool {
    let letters = text
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .count();
    let padding = text.bytes().filter(|byte| *byte == b'=').count();
    match letters % 4 {
        0 => true,
        1 => false,
        rest => padding + rest >= 4,
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let length = length.parse::<u8>().ok();
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => length.is_some_and(|length| length <= 32),
        Ok(std::net::IpAddr::V6(_)) => length.is_some_and(|length| length <= 128),
        Err(_) => false,
    }
}
