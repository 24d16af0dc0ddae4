//! Who logs in where: options over `OS_*` variables.

use clap::Args;
use secrecy::SecretString;

/// Options of the log-in. There is none for the password: other users of the
/// host see command lines.
#[derive(Debug, Default, Args)]
pub(crate) struct LoginArgs {
    /// Keystone's URL [env: OS_AUTH_URL]
    #[arg(long, global = true)]
    os_auth_url: Option<String>,
    /// The user's name [env: OS_USERNAME; the password: OS_PASSWORD]
    #[arg(long, global = true)]
    os_username: Option<String>,
    /// The project's name [env: OS_PROJECT_NAME]
    #[arg(long, global = true)]
    os_project_name: Option<String>,
    /// The top's region [env: OS_REGION_NAME]
    #[arg(long, global = true)]
    os_region: Option<String>,
    /// The admin API's URL, instead of the catalog's [env: TRICIRCLE_ENDPOINT]
    #[arg(long, global = true)]
    endpoint: Option<String>,
}

/// All that a log-in needs.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) auth_url: String,
    pub(crate) username: String,
    pub(crate) password: SecretString,
    pub(crate) project_name: String,
    pub(crate) user_domain: Domain,
    pub(crate) project_domain: Domain,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// A domain by id or by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    Id(String),
    Name(String),
}

impl Login {
    /// Puts options over variables; what is missing is told by its variable.
    pub(crate) fn read(
        options: &LoginArgs,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |option: &Option<String>, name: &str| {
            option
                .clone()
                .or_else(|| set(name))
                .ok_or_else(|| format!("{name} is not set"))
        };
        let domain = |of: &str| {
            set(&format!("OS_{of}_DOMAIN_ID")).map_or_else(
                || {
                    let name = set(&format!("OS_{of}_DOMAIN_NAME"));
                    Domain::Name(name.unwrap_or_else(|| "Default".to_owned()))
                },
                Domain::Id,
            )
        };
        Ok(Self {
            auth_url: needed(&options.os_auth_url, "OS_AUTH_URL")?,
            username: needed(&options.os_username, "OS_USERNAME")?,
            password: SecretString::from(needed(&None, "OS_PASSWORD")?),
            project_name: needed(&options.os_project_name, "OS_PROJECT_NAME")?,
            user_domain: domain("USER"),
            project_domain: domain("PROJECT"),
            region: options.os_region.clone().or_else(|| set("OS_REGION_NAME")),
            endpoint: options
                .endpoint
                .clone()
                .or_else(|| set("TRICIRCLE_ENDPOINT")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &LoginArgs, variables: &[(&str, &str)]) -> Result<Login, String> {
        Login::read(options, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const ALL: [(&str, &str); 4] = [
        ("OS_AUTH_URL", "http://k/v3"),
        ("OS_USERNAME", "admin"),
        ("OS_PASSWORD", "s3cret"),
        ("OS_PROJECT_NAME", "admin"),
    ];

    #[test]
    fn options_win_over_variables_and_domains_have_a_default() {
        let options = LoginArgs {
            os_username: Some("ann".to_owned()),
            ..LoginArgs::default()
        };
        let login = read(
            &options,
            &[&ALL[..], &[("OS_USER_DOMAIN_ID", "d1")]].concat(),
        )
        .unwrap();
        assert_eq!(login.username, "ann");
        assert_eq!(login.user_domain, Domain::Id("d1".to_owned()));
        assert_eq!(login.project_domain, Domain::Name("Default".to_owned()));
        assert_eq!(login.region, None);
        assert!(!format!("{login:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in ALL {
            let rest: Vec<_> = ALL.iter().filter(|(n, _)| *n != name).copied().collect();
            let error = read(&LoginArgs::default(), &rest).unwrap_err();
            assert_eq!(error, format!("{name} is not set"));
            let empty: Vec<_> = rest.iter().copied().chain([(name, "")]).collect();
            assert!(read(&LoginArgs::default(), &empty).is_err());
        }
    }
}
