//! The query of a list: fields, filters, sort keys and the page.

use std::borrow::Cow;

use super::page::Page;
use super::table::{Match, Resource};
use super::{Filter, ResourceError, python};

/// One sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// Attribute.
    pub key: String,
    /// Smallest first.
    pub ascending: bool,
}

/// What a list request asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// The attributes to show; all when empty.
    pub fields: Vec<String>,
    /// All have to hold.
    pub filters: Vec<Filter>,
    /// In order of weight. The id always comes last.
    pub sorts: Vec<Sort>,
    /// Which part of the list.
    pub page: Page,
    /// The query as it was sent, for the links to the neighbouring pages.
    pub pairs: Vec<(String, String)>,
}

impl ListQuery {
    /// Reads a raw query string. `max_limit` caps the page size; 0 means no cap.
    pub fn parse(
        resource: &Resource,
        query: &str,
        max_limit: usize,
    ) -> Result<Self, ResourceError> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .map(|(key, value)| (Cow::into_owned(key), Cow::into_owned(value)))
            .collect();
        let all = |name: &str| -> Vec<String> {
            pairs
                .iter()
                .filter(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.clone())
                .collect()
        };
        let filters = filters(resource, &pairs)?;
        let sorts = sorts(resource, &all("sort_key"), &all("sort_dir"))?;
        let page = Page::parse(&pairs, max_limit)?;
        Ok(Self {
            fields: all("fields"),
            filters,
            sorts,
            page,
            pairs,
        })
    }

    /// The values that an attribute must have one of, when they are plain
    /// equality: what a caller may hand down to the database.
    pub fn exact(&self, name: &str) -> Option<Vec<String>> {
        self.filters.iter().find_map(|filter| match filter {
            Filter::Equal { name: key, values } if *key == name => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        })
    }
}

fn filters(resource: &Resource, pairs: &[(String, String)]) -> Result<Vec<Filter>, ResourceError> {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in pairs {
        if matches!(
            key.as_str(),
            "fields" | "sort_key" | "sort_dir" | "limit" | "marker" | "page_reverse"
        ) {
            continue;
        }
        match grouped.iter_mut().find(|(name, _)| name == key) {
            Some((_, values)) => values.push(value),
            None => grouped.push((key, vec![value])),
        }
    }
    let mut unknown = Vec::new();
    let mut filters = Vec::new();
    for (key, values) in grouped {
        match resource.attribute(key) {
            Some(attribute) if attribute.filter != Match::No => {
                filters.push(Filter::parse(resource, attribute, &values)?);
            }
            _ => unknown.push(key),
        }
    }
    if unknown.is_empty() {
        return Ok(filters);
    }
    Err(ResourceError::bad_request(format!(
        "{} is invalid attribute for filtering",
        python::strings(&unknown)
    )))
}

fn sorts(
    resource: &Resource,
    keys: &[String],
    directions: &[String],
) -> Result<Vec<Sort>, ResourceError> {
    if keys.len() != directions.len() {
        return Err(ResourceError::bad_request(
            "The number of sort_keys and sort_dirs must be same",
        ));
    }
    let sortable = |key: &&String| resource.attribute(key).is_some_and(|found| found.sort);
    let absent: Vec<&String> = keys.iter().filter(|key| !sortable(key)).collect();
    if !absent.is_empty() {
        return Err(ResourceError::bad_request(format!(
            "{} is invalid attribute for sort_keys",
            python::strings(&absent)
        )));
    }
    let odd: Vec<&String> = directions
        .iter()
        .filter(|direction| !matches!(direction.as_str(), "asc" | "desc"))
        .collect();
    if !odd.is_empty() {
        return Err(ResourceError::bad_request(format!(
            "{} is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
            python::strings(&odd)
        )));
    }
    let pairs = keys.iter().zip(directions);
    Ok(pairs
        .map(|(key, direction)| Sort {
            key: key.clone(),
            ascending: direction == "asc",
        })
        .collect())
}
