//! JSON values as Python prints them.
//!
//! Neutron's texts repeat the offending value with `%s`; clients and tests
//! compare them, so `true` has to read `True` and `null` has to read `None`.

use serde_json::Value;

/// The value as `str()` of what Python's JSON reader makes of it.
pub(crate) fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// The value as `repr()` shows it.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => list(items.iter().map(repr)),
        Value::Object(map) => {
            let inner: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), repr(value)))
                .collect();
            format!("{{{}}}", inner.join(", "))
        }
    }
}

/// Strings as a list of them is shown: `['a', 'b']`.
pub(crate) fn strings<S: AsRef<str>>(items: &[S]) -> String {
    list(items.iter().map(|item| quoted(item.as_ref())))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn values_read_as_in_python() {
        for (value, shown) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!("a"), "a"),
            (json!(5), "5"),
            (
                json!({"a": true, "b": null, "c": "d"}),
                "{'a': True, 'b': None, 'c': 'd'}",
            ),
            (json!(["it's", "a\"b'"]), "[\"it's\", 'a\"b\\'']"),
        ] {
            assert_eq!(super::str(&value), shown);
        }
    }
}
