//! The rule language: `role:member and (project_id:%(project_id)s or not @)`.
//!
//! `not` binds closer than `and`, `and` closer than `or`, whatever their case.
//! Words are separated by blanks; brackets stand at the start or end of a
//! word, since those inside belong to `%(name)s`. The older lists of lists mean
//! "any of: all of".

use regex::Regex;
use serde_json::Value;

use crate::check::{Check, FieldValue, Left, Part, Template};

/// Brackets deeper than this are a mistake or an attack.
const DEEPEST: usize = 64;

/// A rule that can not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {position}")]
pub struct RuleSyntaxError {
    /// What is wrong.
    pub problem: String,
    /// Where in the rule, counted from 1.
    pub position: usize,
}

fn error<T>(position: usize, problem: impl Into<String>) -> Result<T, RuleSyntaxError> {
    Err(RuleSyntaxError {
        problem: problem.into(),
        position: position + 1,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(&'a str),
}

/// Reads a rule. An empty one allows everybody.
pub(crate) fn parse(rule: &str) -> Result<Check, RuleSyntaxError> {
    if rule.is_empty() {
        return Ok(Check::Always);
    }
    let mut parser = Parser {
        tokens: tokens(rule),
        next: 0,
        length: rule.chars().count(),
    };
    let check = parser.any(0)?;
    match parser.peek() {
        None => Ok(check),
        Some(Token::Close) => error(parser.position(), "a closing bracket too many"),
        Some(_) => error(parser.position(), "expected 'and' or 'or'"),
    }
}

/// Reads a rule in the older form: any of the items, an item being a check or
/// a list of checks that must all hold.
pub(crate) fn parse_list(items: &[Value]) -> Result<Check, RuleSyntaxError> {
    let single = |value: &Value| match value {
        Value::String(text) => word(text, 0),
        _ => error(0, "expected a check in the list"),
    };
    let mut any = Vec::new();
    for item in items {
        match item {
            Value::Array(all) if all.is_empty() => {}
            Value::Array(all) => any.push(Check::All(
                all.iter().map(single).collect::<Result<_, _>>()?,
            )),
            item => any.push(single(item)?),
        }
    }
    Ok(match (items.is_empty(), any.is_empty()) {
        (true, _) => Check::Always,
        (false, true) => Check::Never,
        _ => Check::Any(any),
    })
}

/// The tokens with the position of each.
fn tokens(rule: &str) -> Vec<(Token<'_>, usize)> {
    let mut tokens = Vec::new();
    let mut rest = rule;
    let mut position = 0;
    loop {
        let trimmed = rest.trim_start();
        position += rest.chars().take_while(|c| c.is_whitespace()).count();
        if trimmed.is_empty() {
            return tokens;
        }
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let (piece, after) = trimmed.split_at(end);
        let inner = piece.trim_start_matches('(');
        for offset in 0..piece.len() - inner.len() {
            tokens.push((Token::Open, position + offset));
        }
        let clean = inner.trim_end_matches(')');
        let start = position + piece.len() - inner.len();
        if !clean.is_empty() {
            let token = match clean.to_ascii_lowercase().as_str() {
                "and" => Token::And,
                "or" => Token::Or,
                "not" => Token::Not,
                _ => Token::Word(clean),
            };
            tokens.push((token, start));
        }
        let close = start + clean.chars().count();
        for offset in 0..inner.len() - clean.len() {
            tokens.push((Token::Close, close + offset));
        }
        position += piece.chars().count();
        rest = after;
    }
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, usize)>,
    next: usize,
    length: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).map(|(token, _)| *token)
    }

    fn position(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.length, |(_, position)| *position)
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Check, RuleSyntaxError> {
        let first = self.all(depth)?;
        let mut checks = vec![first];
        while self.take(Token::Or) {
            checks.push(self.all(depth)?);
        }
        Ok(joined(checks, Check::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Check, RuleSyntaxError> {
        let first = self.single(depth)?;
        let mut checks = vec![first];
        while self.take(Token::And) {
            checks.push(self.single(depth)?);
        }
        Ok(joined(checks, Check::All))
    }

    fn single(&mut self, depth: usize) -> Result<Check, RuleSyntaxError> {
        if depth > DEEPEST {
            return error(self.position(), "nested too deep");
        }
        if self.take(Token::Not) {
            return Ok(Check::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.take(Token::Open) {
            let inner = self.any(depth + 1)?;
            if !self.take(Token::Close) {
                return error(self.position(), "expected a closing bracket");
            }
            return Ok(inner);
        }
        let position = self.position();
        match self.peek() {
            Some(Token::Word(text)) => {
                self.next += 1;
                word(text, position)
            }
            _ => error(position, "expected a check"),
        }
    }
}

fn joined(mut checks: Vec<Check>, join: fn(Vec<Check>) -> Check) -> Check {
    match (checks.len(), checks.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            checks.push(last);
            join(checks)
        }
        (_, None) => Check::Never,
    }
}

/// Reads one check.
fn word(text: &str, position: usize) -> Result<Check, RuleSyntaxError> {
    match text {
        "@" => return Ok(Check::Always),
        "!" => return Ok(Check::Never),
        _ => {}
    }
    let Some((kind, right)) = text.split_once(':') else {
        return error(position, format!("'{text}' is no check: it has no colon"));
    };
    let start = position + kind.chars().count() + 1;
    match kind {
        "" => error(position, "nothing before the colon"),
        "rule" => Ok(Check::Rule(right.to_owned())),
        "role" => Ok(Check::Role(template(right, start)?)),
        "field" => field(right, start),
        "http" | "https" => error(position, "checks by a remote server are not supported"),
        _ => Ok(Check::Compare {
            left: left(kind),
            right: template(right, start)?,
        }),
    }
}

fn left(kind: &str) -> Left {
    let quoted = ['\'', '"'].iter().find_map(|quote| {
        kind.strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    match quoted {
        Some(text) => Left::Literal(text.to_owned()),
        None if matches!(kind, "True" | "False" | "None") || kind.parse::<i64>().is_ok() => {
            Left::Literal(kind.to_owned())
        }
        None => Left::Attribute(kind.to_owned()),
    }
}

fn field(text: &str, position: usize) -> Result<Check, RuleSyntaxError> {
    let parts = text
        .split_once(':')
        .and_then(|(resource, rest)| Some((resource, rest.split_once('=')?)));
    let Some((resource, (name, value))) = parts else {
        return error(position, "expected field:resource:name=value");
    };
    let value = match value.strip_prefix('~') {
        // Python's match: from the start, not necessarily to the end.
        Some(pattern) => match Regex::new(&format!("^(?:{pattern})")) {
            Ok(pattern) => FieldValue::Pattern(pattern),
            Err(_) => return error(position, "not a regular expression"),
        },
        None => FieldValue::Text(value.to_owned()),
    };
    Ok(Check::Field {
        resource: resource.to_owned(),
        name: name.to_owned(),
        value,
    })
}

fn template(text: &str, position: usize) -> Result<Template, RuleSyntaxError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        literal.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            literal.push('%');
            rest = after;
            continue;
        }
        let attribute = after
            .strip_prefix('(')
            .and_then(|after| after.split_once(")s"));
        let Some((name, after)) = attribute else {
            return error(position, "expected %(name)s after %");
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Attribute(name.to_owned()));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Template(parts))
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
