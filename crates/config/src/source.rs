//! Reads oslo.config's INI dialect.
//!
//! The `config` crate's own INI reader stumbles over what OpenStack files are
//! full of: values on several lines, repeated options, `:` as separator. This
//! reader follows oslo.config line by line, including what looks odd:
//!
//! - Only a whole line can be a comment, and it starts in the first column; in
//!   `a = b # c` the value is `b # c`.
//! - A line that starts with blank or tab belongs to the value above it. An
//!   empty line or a comment ends the value.
//! - Quotes around the first line of a value are taken off when they match.
//! - The first of `=` and `:` separates.
//!
//! Three things are more lenient than there: section names are not case
//! sensitive (`[default]` is `[DEFAULT]`), `-` in names is `_`, and a
//! byte order mark is skipped.
//!
//! A [`Layer`] is the outcome of one file (or of the environment) and a source
//! for the `config` crate, which lays later layers over earlier ones. Every
//! value keeps its origin for messages.

use std::path::Path;

use config::{Map, Source, Value, ValueKind};

use crate::error::ConfigError;

/// One assignment as it stood in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section: lower case, `-` replaced.
    pub section: String,
    /// The option: case as written, `-` replaced.
    pub option: String,
    /// The value, lines joined by newlines.
    pub value: String,
    /// Where the assignment starts, counted from 1.
    pub line: usize,
}

/// A line that is not of the dialect. Without its text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// The name under which a section or option is known.
pub(crate) fn normalize_section(name: &str) -> String {
    name.trim().to_lowercase().replace('-', "_")
}

/// Reads the text of one file.
pub fn parse(text: &str) -> Result<Vec<Assignment>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The three kinds of line end that Python's text files know.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut done = Vec::new();
    let mut open: Option<Assignment> = None;
    let mut section: Option<String> = None;
    for (index, raw) in text.split('\n').enumerate() {
        let line = index + 1;
        let error = |problem| SyntaxError { line, problem };
        let content = raw.trim_end();
        if content.starts_with([' ', '\t']) {
            let assignment = open.as_mut().ok_or(error("unexpected continuation line"))?;
            assignment.value.push('\n');
            assignment.value.push_str(content.trim_start());
            continue;
        }
        done.extend(open.take());
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let name = rest
                .strip_suffix(']')
                .ok_or(error("a section must end with ]"))?;
            if name.is_empty() {
                return Err(error("empty section name"));
            }
            section = Some(normalize_section(name));
            continue;
        }
        let (key, value) = content
            .split_once(['=', ':'])
            .ok_or(error("no '=' or ':' in an assignment"))?;
        let option = key.trim().replace('-', "_");
        if option.is_empty() {
            return Err(error("an option without name"));
        }
        let section = section
            .clone()
            .ok_or(error("an assignment before the first section"))?;
        open = Some(Assignment {
            section,
            option,
            value: unquote(value.trim()).to_owned(),
            line,
        });
    }
    done.extend(open);
    Ok(done)
}

fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() == 1 && value.starts_with(quote) {
            return "";
        }
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    value
}

/// One value of a layer with its origin.
#[derive(Clone)]
pub struct Entry {
    /// The section under its normalized name.
    pub section: String,
    /// The option.
    pub option: String,
    /// The value as text.
    pub value: String,
    /// File and line, or the variable.
    pub origin: String,
}

/// Everything one file or the environment says.
#[derive(Clone, Default)]
pub struct Layer {
    /// The values in their order; repeated options appear repeatedly.
    pub entries: Vec<Entry>,
}

// By hand, since values may be secrets.
impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.entries.iter().map(|e| (&e.section, &e.option));
        f.debug_list().entries(names).finish()
    }
}

impl Layer {
    /// Reads a file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let assignments = parse(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            line: error.line,
            problem: error.problem,
        })?;
        let entries = assignments
            .into_iter()
            .map(|assignment| Entry {
                origin: format!("{}:{}", path.display(), assignment.line),
                section: assignment.section,
                option: assignment.option,
                value: assignment.value,
            })
            .collect();
        Ok(Self { entries })
    }
}

/// A layer as the `config` crate takes it: `{section: {option: [value, ...]}}`.
impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let mut words: Map<&str, Map<String, Vec<Value>>> = Map::new();
        for entry in &self.entries {
            words
                .entry(&entry.section)
                .or_default()
                .entry(entry.option.clone())
                .or_default()
                .push(Value::new(
                    Some(&entry.origin),
                    ValueKind::String(entry.value.clone()),
                ));
        }
        let sections = words.into_iter().map(|(section, options)| {
            let options: Map<String, Value> = options
                .into_iter()
                .map(|(option, values)| (option, Value::from(values)))
                .collect();
            (section.to_owned(), Value::from(options))
        });
        Ok(sections.collect())
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
