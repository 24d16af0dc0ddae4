//! Answers as text: a list as a table, one thing as lines of name and value.

use serde_json::{Map, Value};

/// Renders an answer of the admin API. A list shows the given columns.
pub(crate) fn render(answer: &Value, columns: &[&str]) -> String {
    let Some(members) = answer.as_object() else {
        return String::new();
    };
    let list = members
        .iter()
        .filter(|(name, _)| !name.ends_with("_links"))
        .find_map(|(_, value)| value.as_array());
    match list {
        Some(items) => table(items, columns),
        None => members
            .iter()
            .filter_map(|(name, value)| Some(fields(name, value.as_object()?)))
            .collect::<Vec<_>>()
            .join("\n"),
    }
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
            render(&answer, &["id", "region_name", "state"]),
            "id  region_name  state\n1   Pod1         enabled\n22  Pod [2\n"
        );
        assert_eq!(render(&json!({"pods": []}), &["id"]), "id\n");
    }

    #[test]
    fn one_thing_is_lines_of_name_and_value() {
        let answer = json!({
            "pod": {"id": "1", "zones": [{"top": "az1"}]},
            "registration": {"vlans_in_use": []},
        });
        assert_eq!(
            render(&answer, &[]),
            "pod\nid     1\nzones  [{\"top\":\"az1\"}]\n\nregistration\nvlans_in_use  []\n"
        );
        assert_eq!(render(&Value::Null, &[]), "");
    }
}
