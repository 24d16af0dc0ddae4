//! `$name` and `${section.name}` in values, as oslo.config puts in the values
//! of other options.
//!
//! A plain name is looked up in the section of the value, then in
//! `[DEFAULT]`. `$$` and `\$` stand for a dollar sign; a dollar sign before
//! anything else stays. A name that is no option is an error, as there.

use std::collections::BTreeMap;

/// The section and name of an option.
pub(crate) type OptionName = (String, String);

/// A value longer than this after substitution is a mistake or an attack.
const LONGEST: usize = 1 << 20;

/// Resolves the values of all options, each once.
pub(crate) struct Substitution<'a> {
    raw: &'a BTreeMap<OptionName, Vec<String>>,
    resolved: BTreeMap<OptionName, Vec<String>>,
    under_way: Vec<OptionName>,
}

impl<'a> Substitution<'a> {
    /// `raw` has every option there is, defaults included, since any of them
    /// can be referred to.
    pub fn new(raw: &'a BTreeMap<OptionName, Vec<String>>) -> Self {
        Self {
            raw,
            resolved: BTreeMap::new(),
            under_way: Vec::new(),
        }
    }

    /// The words of an option after substitution, or what is wrong with them.
    pub fn resolve(&mut self, name: &OptionName) -> Result<Vec<String>, String> {
        if let Some(words) = self.resolved.get(name) {
            return Ok(words.clone());
        }
        if self.under_way.contains(name) {
            return Err("the value refers to itself".to_owned());
        }
        let raw = self.raw.get(name).cloned().unwrap_or_default();
        self.under_way.push(name.clone());
        let words: Result<Vec<String>, String> =
            raw.iter().map(|word| self.expand(&name.0, word)).collect();
        self.under_way.pop();
        let words = words?;
        self.resolved.insert(name.clone(), words.clone());
        Ok(words)
    }

    fn expand(&mut self, section: &str, text: &str) -> Result<String, String> {
        let text = text.replace("\\$", "$$");
        let mut rest = text.as_str();
        let mut out = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((key, after)) = reference(after) {
                let name = self.find(section, key)?;
                // A list that is referred to appears as its words joined.
                out.push_str(&self.resolve(&name)?.join(","));
                rest = after;
            } else {
                out.push('$');
                rest = after;
            }
            if out.len() > LONGEST {
                return Err("the value is too long after substitution".to_owned());
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn find(&self, section: &str, key: &str) -> Result<OptionName, String> {
        let candidates = match key.split_once('.') {
            Some((section, option)) => vec![(section.to_lowercase(), option)],
            None => vec![(section.to_owned(), key), ("default".to_owned(), key)],
        };
        candidates
            .into_iter()
            .map(|(section, option)| (section, option.to_owned()))
            .find(|name| self.raw.contains_key(name))
            .ok_or_else(|| format!("${key} is no option; write $$ for a dollar sign"))
    }
}

/// Splits a reference from what follows a dollar sign.
fn reference(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (key, after) = braced.split_once('}')?;
        return (!key.is_empty() && identifier(key) == key.len()).then_some((key, after));
    }
    let length = identifier(text);
    (length > 0).then(|| text.split_at(length))
}

/// The length of the option name, dots included, that a text starts with.
fn identifier(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        options: &[(&str, &str, &str)],
        section: &str,
        option: &str,
    ) -> Result<String, String> {
        let raw = options
            .iter()
            .map(|(s, o, v)| (((*s).to_owned(), (*o).to_owned()), vec![(*v).to_owned()]))
            .collect();
        Substitution::new(&raw)
            .resolve(&(section.to_owned(), option.to_owned()))
            .map(|words| words.concat())
    }

    /// The expected values are what oslo.config 10 answered.
    #[test]
    fn references_are_replaced_as_oslo_does() {
        let table = [
            ("$b", Ok("bee")),
            ("${b}x", Ok("beex")),
            ("$$b \\$b $ 5$", Ok("$b $b $ 5$")),
            ("${g.x}", Ok("dx")),
            ("$g.x", Ok("dx")),
            ("${", Ok("${")),
            ("${}", Ok("${}")),
            ("${b", Ok("${b")),
            ("${a b}", Ok("${a b}")),
            ("$5", Ok("$5")),
            ("é$bé", Ok("ébeeé")),
            ("$nope", Err("is no option")),
            ("$b.bak", Err("is no option")),
            ("$g", Err("is no option")),
            ("$a", Err("itself")),
            ("$c", Err("itself")),
        ];
        for (text, expected) in table {
            let options = [
                ("default", "a", text),
                ("default", "b", "bee"),
                ("default", "c", "$a"),
                ("g", "x", "dx"),
            ];
            let found = resolve(&options, "default", "a");
            match expected {
                Ok(value) => assert_eq!(found.as_deref(), Ok(value), "{text}"),
                Err(part) => assert!(found.unwrap_err().contains(part), "{text}"),
            }
        }
    }

    #[test]
    fn own_section_wins_over_default() {
        let options = [
            ("default", "a", "top"),
            ("g", "a", "own"),
            ("g", "x", "$a"),
            ("h", "x", "$a"),
        ];
        assert_eq!(resolve(&options, "g", "x").unwrap(), "own");
        assert_eq!(resolve(&options, "h", "x").unwrap(), "top");
    }

    #[test]
    fn a_doubling_chain_ends_in_an_error_not_in_all_of_memory() {
        let names: Vec<String> = (0..64).map(|i| format!("n{i}")).collect();
        let values: Vec<String> = (0..64)
            .map(|i| {
                if i == 63 {
                    "xx".into()
                } else {
                    format!("$n{0}$n{0}", i + 1)
                }
            })
            .collect();
        let options: Vec<(&str, &str, &str)> = names
            .iter()
            .zip(&values)
            .map(|(n, v)| ("default", n.as_str(), v.as_str()))
            .collect();
        assert!(
            resolve(&options, "default", "n0")
                .unwrap_err()
                .contains("too long")
        );
        // Nothing to grow: must end quickly all the same.
        let mut empty = options.clone();
        empty[63].2 = "";
        assert_eq!(resolve(&empty, "default", "n0").unwrap(), "");
    }
}
