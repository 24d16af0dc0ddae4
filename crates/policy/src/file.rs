//! `policy.yaml` as operators write it: lines of `"rule": "check"`.
//!
//! That is the form of the generated samples of every OpenStack service, with
//! the lines that matter uncommented. Reading just this instead of all of YAML
//! means that a file which is more than it seems is refused with line and
//! column, not half understood. JSON's outer braces with one rule a line are
//! accepted for the older `policy.json`.

use std::path::Path;

use serde_json::Value;

use crate::check::Check;
use crate::parser::{parse, parse_list};

/// The rules of a file in their order.
#[derive(Debug, Clone, Default)]
pub struct PolicyFile {
    /// Name and check of each rule.
    pub(crate) rules: Vec<(String, Check)>,
}

/// Why a policy file can not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file can not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is not of the form that is understood.
    #[error("{path}:{line}:{column}: {problem}")]
    Syntax {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// The character in the line, counted from 1.
        column: usize,
        /// What is wrong.
        problem: String,
    },
}

/// A problem within a line: its column, counted from 0, and text.
type LineError = (usize, String);

impl PolicyFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Unreadable {
            path: name.clone(),
            source,
        })?;
        Self::parse(&text, &name)
    }

    /// Reads the text of a file called `name`.
    pub fn parse(text: &str, name: &str) -> Result<Self, FileError> {
        let mut rules: Vec<(String, Check)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let rule = read_line(line).map_err(|(column, problem)| FileError::Syntax {
                path: name.to_owned(),
                line: index + 1,
                column: column + 1,
                problem,
            })?;
            if let Some((rule, check)) = rule {
                // As in YAML the last of two wins.
                rules.retain(|(name, _)| *name != rule);
                rules.push((rule, check));
            }
        }
        Ok(Self { rules })
    }
}

fn read_line(line: &str) -> Result<Option<(String, Check)>, LineError> {
    let content = line.trim();
    let skipped = content.is_empty()
        || content.starts_with('#')
        || matches!(content, "---" | "..." | "{" | "}" | "{}");
    if skipped {
        return Ok(None);
    }
    let indent = line.chars().take_while(|c| c.is_whitespace()).count();
    let (name, after) = key(content).map_err(|(column, text)| (indent + column, text))?;
    let start = indent + content.chars().count() - after.chars().count();
    let blanks = after.chars().take_while(|c| c.is_whitespace()).count();
    let check =
        value(after.trim_start()).map_err(|(column, text)| (start + blanks + column, text))?;
    Ok(Some((name, check)))
}

/// The rule's name and what follows its colon.
fn key(content: &str) -> Result<(String, &str), LineError> {
    let (name, after) = if content.starts_with(['"', '\'']) {
        quoted(content)?
    } else {
        // Names of rules hold colons; the one that ends a key has a blank, or
        // nothing, after it.
        let end = content
            .find(": ")
            .or_else(|| content.strip_suffix(':').map(str::len))
            .ok_or((0, "expected \"rule\": \"check\"".to_owned()))?;
        let (name, after) = content.split_at(end);
        (name.to_owned(), after)
    };
    let column = content.chars().count() - after.chars().count();
    match after.trim_start().strip_prefix(':') {
        Some(rest) if !name.is_empty() => Ok((name, rest)),
        Some(_) => Err((0, "a rule without name".to_owned())),
        None => Err((column, "expected a colon after the rule's name".to_owned())),
    }
}

fn value(text: &str) -> Result<Check, LineError> {
    if text.starts_with('[') {
        return list(text);
    }
    let (rule, after, offset) = if text.starts_with(['"', '\'']) {
        let (rule, after) = quoted(text)?;
        (rule, after, 1)
    } else if text.is_empty() || text.starts_with('#') {
        let problem = "expected a check; \"\" allows everybody".to_owned();
        return Err((0, problem));
    } else if text.starts_with(['{', '>', '|', '&', '*', '!', '@', '%', '`']) {
        return Err((0, "put the check in quotes, on one line".to_owned()));
    } else {
        let end = text.find(" #").unwrap_or(text.len());
        let (rule, after) = text.split_at(end);
        (rule.trim_end().to_owned(), after, 0)
    };
    let rest = after.trim_start();
    // The comma is policy.json's.
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        let column = text.chars().count() - rest.chars().count();
        return Err((column, "unexpected text after the check".to_owned()));
    }
    parse(&rule).map_err(|error| (offset + error.position - 1, error.problem))
}

fn list(text: &str) -> Result<Check, LineError> {
    let end = text.rfind(']').map_or(text.len(), |end| end + 1);
    let (list, after) = text.split_at(end);
    let rest = after.trim_start();
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        let column = text.chars().count() - rest.chars().count();
        return Err((column, "unexpected text after the list".to_owned()));
    }
    match serde_json::from_str::<Value>(list) {
        Ok(Value::Array(items)) => parse_list(&items).map_err(|error| (0, error.problem)),
        _ => Err((
            0,
            "expected a list of checks, or of lists, in double quotes".to_owned(),
        )),
    }
}

/// The text in the quotes that start `text`, and what follows them.
fn quoted(text: &str) -> Result<(String, &str), LineError> {
    let mut characters = text.char_indices();
    let quote = characters.next().map_or('"', |(_, quote)| quote);
    let mut out = String::new();
    let mut column = 0;
    while let Some((index, character)) = characters.next() {
        column += 1;
        if character == quote {
            let after = text.get(index + 1..).unwrap_or_default();
            // A doubled single quote is YAML's way to write one.
            if quote == '\'' && after.starts_with('\'') {
                characters.next();
                column += 1;
                out.push('\'');
                continue;
            }
            return Ok((out, after));
        }
        if character == '\\' && quote == '"' {
            column += 1;
            match characters.next() {
                Some((_, escaped @ ('"' | '\\' | '/'))) => out.push(escaped),
                _ => return Err((column - 1, "unsupported escape".to_owned())),
            }
            continue;
        }
        out.push(character);
    }
    Err((0, "a quote that does not end on its line".to_owned()))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
