//! Filters of lists, and how they match a row.

use serde_json::Value;

use super::render::Row;
use super::table::{Attribute, Match, Resource};
use super::{ResourceError, python};

/// One condition on one attribute; any of its values may hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The attribute equals one of the values, or has one of them as a member.
    Equal {
        /// Attribute.
        name: &'static str,
        /// Values, read as in a body.
        values: Vec<Value>,
    },
    /// A port has a fixed IP like this. Empty lists do not restrict.
    FixedIps {
        /// Whole addresses.
        addresses: Vec<String>,
        /// Parts of addresses.
        parts: Vec<String>,
        /// Subnets.
        subnets: Vec<String>,
    },
}

impl Filter {
    /// Reads the texts of one query key.
    pub(crate) fn parse(
        resource: &Resource,
        attribute: &'static Attribute,
        texts: &[&str],
    ) -> Result<Self, ResourceError> {
        if attribute.filter == Match::FixedIps {
            return fixed_ips(texts);
        }
        let values = texts
            .iter()
            .map(|text| resource.read_filter(attribute, text))
            .collect::<Result<_, _>>()?;
        Ok(Self::Equal {
            name: attribute.name,
            values,
        })
    }

    /// Whether the row passes.
    pub fn matches(&self, row: &Row) -> bool {
        match self {
            Self::Equal { name, values } => {
                let held = row.get(*name).unwrap_or(&Value::Null);
                values.iter().any(|wanted| equals(held, wanted))
            }
            Self::FixedIps {
                addresses,
                parts,
                subnets,
            } => {
                let Some(ips) = row.get("fixed_ips").and_then(Value::as_array) else {
                    return false;
                };
                let has = |key: &str, test: &dyn Fn(&str) -> bool| {
                    ips.iter()
                        .any(|ip| ip.get(key).and_then(Value::as_str).is_some_and(test))
                };
                let one_of = |wanted: &[String], key: &str| {
                    wanted.is_empty() || has(key, &|held| wanted.iter().any(|w| w == held))
                };
                one_of(addresses, "ip_address")
                    && one_of(subnets, "subnet_id")
                    && (parts.is_empty()
                        || has("ip_address", &|held| parts.iter().any(|p| held.contains(p))))
            }
        }
    }
}

fn equals(held: &Value, wanted: &Value) -> bool {
    match held {
        Value::Array(members) => members.iter().any(|member| equals(member, wanted)),
        // Numbers come as text from a query; absent texts are stored as null.
        Value::Number(number) => Some(number.to_string()) == plain(wanted),
        Value::Null => wanted.is_null() || wanted == "None",
        held => held == wanted,
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `fixed_ips=ip_address=10.0.0.5`: pairs within values.
fn fixed_ips(texts: &[&str]) -> Result<Filter, ResourceError> {
    let (mut addresses, mut parts, mut subnets) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        let Some((key, value)) = text
            .split_once('=')
            .filter(|(key, _)| !key.trim().is_empty())
        else {
            return Err(ResourceError::invalid_input(format!(
                "'{}' is not of the form <key>=[value]",
                python::str(&Value::String((*text).to_owned()))
            )));
        };
        let value = value.trim().to_owned();
        match key.trim() {
            "ip_address" => addresses.push(value),
            "ip_address_substr" => parts.push(value),
            "subnet_id" => subnets.push(value),
            _ => {}
        }
    }
    Ok(Filter::FixedIps {
        addresses,
        parts,
        subnets,
    })
}
