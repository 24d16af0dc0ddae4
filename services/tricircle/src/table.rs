//! Answers as text: a list as a table, one thing as lines of name and value.

use serde_json::{Map, Value};

/// Renders an answer of the admin API. A list shows the given columns; of one thing, the
/// lists that `inner` names are tables below it. `a/b` names the lists `b` of all in `a`,
/// whose own fields each line has too.
pub(crate) fn render(answer: &Value, columns: &[&str], inner: &[(&str, &[&str])]) -> String {
    let Some(members) = answer.as_object() else {
        return String::new();
    };
    let list = members
        .iter()
        .filter(|(name, _)| !name.ends_with("_links"))
        .find_map(|(_, value)| value.as_array());
    if let Some(items) = list {
        return table(items, columns);
    }
    let mut texts: Vec<String> = Vec::new();
    for (name, value) in members {
        let Some(thing) = value.as_object() else {
            continue;
        };
        let own = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        let listed: Vec<String> = inner.iter().map(|(path, _)| own(path)).collect();
        let mut plain = thing.clone();
        plain.retain(|name, _| !listed.contains(name));
        texts.push(fields(name, &plain));
        for (path, columns) in inner {
            let items = items_at(thing, path);
            if !items.is_empty() {
                texts.push(format!("{path}\n{}", table(&items, columns)));
            }
        }
    }
    texts.join("\n")
}

/// The list at a path of one or two names.
fn items_at(thing: &Map<String, Value>, path: &str) -> Vec<Value> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let Some((outer, inside)) = path.split_once('/') else {
        return list(thing.get(path));
    };
    let mut all = Vec::new();
    for outer in list(thing.get(outer)) {
        for mut item in list(outer.get(inside)) {
            let own = outer.as_object().into_iter().flatten();
            for (name, value) in own.filter(|(name, _)| *name != inside) {
                if item.get(name).is_none() {
                    item[name.as_str()] = value.clone();
                }
            }
            all.push(item);
        }
    }
    all
}

fn table(items: &[Value], columns: &[&str]) -> String {
    let header: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|column| cell(&item[*column])).collect());
    lines(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

fn fields(name: &str, members: &Map<String, Value>) -> String {
    let header = vec![name.to_owned(), String::new()];
    let rows = members
        .iter()
        .map(|(name, value)| vec![name.clone(), cell(value)]);
    lines(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

/// Pads all but the last column to its widest cell.
fn lines(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A value in one line, without what would move the terminal's cursor: names
/// are written by users.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_table_of_its_columns() {
        let answer = json!({
            "pods_links": [{"rel": "next"}],
            "pods": [
                {"id": "1", "region_name": "Pod1", "state": "enabled", "x": 1},
                {"id": "22", "region_name": "Pod\u{1b}[2", "state": null},
            ],
        });
        assert_eq!(
            render(&answer, &["id", "region_name", "state"], &[]),
            "id  region_name  state\n1   Pod1         enabled\n22  Pod [2\n"
        );
        assert_eq!(render(&json!({"pods": []}), &["id"], &[]), "id\n");
    }

    #[test]
    fn one_thing_is_lines_of_name_and_value() {
        let answer = json!({
            "pod": {"id": "1", "zones": [{"top": "az1"}]},
            "registration": {"vlans_in_use": []},
        });
        assert_eq!(
            render(&answer, &[], &[]),
            "pod\nid     1\nzones  [{\"top\":\"az1\"}]\n\nregistration\nvlans_in_use  []\n"
        );
        assert_eq!(render(&Value::Null, &[], &[]), "");
    }

    #[test]
    fn lists_within_a_thing_are_tables_below_it() {
        let answer = json!({"topology": {
            "id": "n",
            "pods": [
                {"region_name": "Pod1", "state": "up", "rows": [{"top_id": "n", "state": "present"}]},
                {"region_name": "Pod2", "rows": [{"top_id": "s"}]},
            ],
            "jobs": [],
        }});
        let inner: &[(&str, &[&str])] = &[
            ("pods/rows", &["region_name", "top_id", "state"]),
            ("jobs", &["id"]),
        ];
        assert_eq!(
            render(&answer, &[], inner),
            "topology\nid        n\n\npods/rows\nregion_name  top_id  state\n\
             Pod1         n       present\nPod2         s\n"
        );
    }
}
