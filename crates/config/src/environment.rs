//! Options from the environment, as oslo.config's environment driver names
//! them: `OS_` + section + `__` + option, all upper case. They win over files:
//! that is how containers and systemd hand in secrets.

use crate::source::{Entry, Layer, normalize_section};

/// Takes the variables that have the form of an option. Which of them are
/// really options is for the caller to judge.
pub fn layer(variables: impl IntoIterator<Item = (String, String)>) -> Layer {
    let entries = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let (section, option) = name.strip_prefix("OS_")?.split_once("__")?;
            if section.is_empty() || option.is_empty() {
                return None;
            }
            Some(Entry {
                section: normalize_section(section),
                option: option.to_lowercase(),
                value,
                origin: format!("environment variable {name}"),
            })
        })
        .collect();
    Layer { entries }
}

/// The variables of this process that are text; others can not be options.
pub fn of_this_process() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_right_form_are_options() {
        let variables = [
            (
                "OS_DEFAULT__TRANSPORT_URL",
                Some(("default", "transport_url")),
            ),
            (
                "OS_NOVA_APIGW__BIND_PORT",
                Some(("nova_apigw", "bind_port")),
            ),
            ("OS_AUTH_URL", None),
            ("OS___X", None),
            ("OS_X__", None),
            ("PATH", None),
            ("os_default__debug", None),
        ];
        for (name, expected) in variables {
            let layer = layer([(name.to_owned(), "v".to_owned())]);
            let found = layer
                .entries
                .first()
                .map(|e| (e.section.as_str(), e.option.as_str()));
            assert_eq!(found, expected, "{name}");
        }
    }
}
