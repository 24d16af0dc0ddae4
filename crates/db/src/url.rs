//! `[database] connection`: SQLAlchemy's URLs, as operators of OpenStack write them.

use crate::DbError;

/// Where the database is, for the driver that serves it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// Path of the file.
    Sqlite(String),
    /// `mysql://user:password@host:port/database`.
    Mysql(String),
}

impl DatabaseUrl {
    /// Understands `sqlite:///relative`, `sqlite:////absolute` and
    /// `mysql[+driver]://`, `mariadb[+driver]://`; options such as `?charset=utf8`
    /// belong to Python drivers and are dropped.
    pub(crate) fn parse(connection: &str) -> Result<Self, DbError> {
        let bad = |why: &str| Err(DbError::BadUrl(why.to_owned()));
        let Some((scheme, rest)) = connection.split_once("://") else {
            return bad("it has no scheme");
        };
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        let dialect = scheme.split_once('+').map_or(scheme, |(name, _)| name);
        match dialect {
            "sqlite" => match rest.strip_prefix('/') {
                Some(path) if !path.is_empty() && path != ":memory:" => {
                    Ok(Self::Sqlite(path.to_owned()))
                }
                _ => bad("sqlite needs the path of a file"),
            },
            "mysql" | "mariadb" => {
                if rest.split_once('/').is_none_or(|(_, name)| name.is_empty()) {
                    return bad("it names no database");
                }
                // Else the driver asks a server on this machine for its socket and goes there,
                // past the tunnel or balancer that was named.
                Ok(Self::Mysql(format!("mysql://{rest}?prefer_socket=false")))
            }
            other => bad(&format!("{other} is not a database that is known here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_oslo_db_are_understood() {
        let parse = |text: &str| DatabaseUrl::parse(text).ok();
        let mysql = |text: &str| Some(DatabaseUrl::Mysql(format!("{text}?prefer_socket=false")));
        let sqlite = |text: &str| Some(DatabaseUrl::Sqlite(text.to_owned()));
        for (text, wanted) in [
            (
                "mysql+pymysql://u:p@h:3306/tricircle?charset=utf8",
                mysql("mysql://u:p@h:3306/tricircle"),
            ),
            ("mariadb://u@h/t", mysql("mysql://u@h/t")),
            ("sqlite:////var/lib/t.sqlite", sqlite("/var/lib/t.sqlite")),
            ("sqlite:///t.sqlite", sqlite("t.sqlite")),
            ("sqlite://", None),
            ("sqlite:///:memory:", None),
            ("mysql://u@h", None),
            ("mysql://u@h/", None),
            ("postgresql://u@h/t", None),
            ("", None),
        ] {
            assert!(parse(text) == wanted, "{text}");
        }
    }
}
