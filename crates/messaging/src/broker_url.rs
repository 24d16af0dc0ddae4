//! oslo.messaging's transport URLs:
//! `rabbit://user:password@host:port,user:password@host:port/vhost`.
//!
//! User, password and vhost may hold %-escapes. Hosts without credentials take
//! those of the host before (oslo.messaging would try without and warn). The
//! URL holds a password: neither errors nor `Debug` show it.

use std::fmt;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use percent_encoding::percent_decode_str;

/// How often a silent connection is probed, in seconds; a broker that vanished
/// without closing is noticed after twice that.
const HEARTBEAT: u16 = 10;
/// How long one try to connect to a broker may take, in milliseconds.
const CONNECT_TIMEOUT: u64 = 5_000;

/// What is wrong with a transport URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It does not start with a scheme.
    #[error("transport_url has no scheme such as rabbit://")]
    NoScheme,
    /// The scheme is of another kind of broker.
    #[error("transport_url has the unsupported scheme '{0}'; use rabbit://")]
    Scheme(String),
    /// There is no host in it.
    #[error("transport_url names no host")]
    NoHost,
    /// The text after a host's colon is no port.
    #[error("transport_url has a bad port for host {0}")]
    Port(String),
    /// An escape does not give valid text.
    #[error("transport_url has a %-escape that is no text")]
    Escape,
}

/// The brokers of a cluster, in the order they are tried.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrls(Vec<AMQPUri>);

impl fmt::Debug for BrokerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(address)).finish()
    }
}

/// Where a broker is, without credentials.
pub(crate) fn address(uri: &AMQPUri) -> String {
    format!(
        "{}:{}/{}",
        uri.authority.host, uri.authority.port, uri.vhost
    )
}

impl BrokerUrls {
    /// Reads a transport URL. `amqp://` and `amqps://` are accepted too.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::NoScheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let tls_asked = query
            .split('&')
            .any(|pair| matches!(pair.to_ascii_lowercase().as_str(), "ssl=1" | "ssl=true"));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "amqps" => AMQPScheme::AMQPS,
            "rabbit" | "amqp" | "kombu" if tls_asked => AMQPScheme::AMQPS,
            "rabbit" | "amqp" | "kombu" => AMQPScheme::AMQP,
            _ => return Err(UrlError::Scheme(scheme.to_owned())),
        };
        let (hosts, vhost) = rest.split_once('/').unwrap_or((rest, ""));
        let vhost = match decode(vhost)?.as_str() {
            "" => "/".to_owned(),
            vhost => vhost.to_owned(),
        };
        let mut credentials = AMQPUserInfo {
            username: "guest".to_owned(),
            password: "guest".to_owned(),
        };
        let mut brokers = Vec::new();
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            let address = match host.rsplit_once('@') {
                Some((user, address)) => {
                    let (username, password) = user.split_once(':').unwrap_or((user, ""));
                    credentials = AMQPUserInfo {
                        username: decode(username)?,
                        password: decode(password)?,
                    };
                    address
                }
                None => host,
            };
            let (host, port) = split_port(address)?;
            brokers.push(AMQPUri {
                authority: AMQPAuthority {
                    userinfo: credentials.clone(),
                    host,
                    port: port.unwrap_or(scheme.default_port()),
                },
                scheme: scheme.clone(),
                vhost: vhost.clone(),
                query: AMQPQueryString {
                    heartbeat: Some(HEARTBEAT),
                    connection_timeout: Some(CONNECT_TIMEOUT),
                    ..AMQPQueryString::default()
                },
            });
        }
        if brokers.is_empty() {
            return Err(UrlError::NoHost);
        }
        Ok(Self(brokers))
    }

    /// The brokers in turn, for ever.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = AMQPUri> + Send + use<> {
        self.0.clone().into_iter().cycle()
    }
}

fn split_port(address: &str) -> Result<(String, Option<u16>), UrlError> {
    // [::1]:5672
    let (host, port) = match address.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => {
            let port = rest.strip_prefix(':');
            (host, Some(port.ok_or(UrlError::Port(host.to_owned()))?))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let port = port
        .map(|port| port.parse().map_err(|_| UrlError::Port(host.to_owned())))
        .transpose()?;
    Ok((host.to_owned(), port))
}

fn decode(text: &str) -> Result<String, UrlError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| UrlError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each broker as `user|password|host|port|vhost`.
    fn parts(url: &str) -> Vec<String> {
        let urls = BrokerUrls::parse(url).unwrap();
        let one = |uri: &AMQPUri| {
            let AMQPAuthority {
                userinfo,
                host,
                port,
            } = &uri.authority;
            let AMQPUserInfo { username, password } = userinfo;
            format!("{username}|{password}|{host}|{port}|{}", uri.vhost)
        };
        urls.0.iter().map(one).collect()
    }

    #[test]
    fn urls_of_oslo_messaging_are_understood() {
        let table: [(&str, &[&str]); 9] = [
            ("rabbit://u:p@h:1/v", &["u|p|h|1|v"]),
            ("amqp://u:p@h/v", &["u|p|h|5672|v"]),
            ("amqps://u:p@h/v", &["u|p|h|5671|v"]),
            ("rabbit://u:p@h/v?ssl=1", &["u|p|h|5671|v"]),
            ("rabbit://h", &["guest|guest|h|5672|/"]),
            ("rabbit://h//", &["guest|guest|h|5672|/"]),
            (
                "rabbit://us%40er:p%2F%3A%2Cw@h:5672/%2Fv%20h",
                &["us@er|p/:,w|h|5672|/v h"],
            ),
            (
                "rabbit://u:p@h1:1,u2:p2@h2:2,h3/v",
                &["u|p|h1|1|v", "u2|p2|h2|2|v", "u2|p2|h3|5672|v"],
            ),
            ("rabbit://u:p@[::1]:5/", &["u|p|::1|5|/"]),
        ];
        for (url, expected) in table {
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn wrong_urls_are_refused_without_showing_the_password() {
        let table = [
            ("host:5672", UrlError::NoScheme),
            ("kafka://u:hunter2@h", UrlError::Scheme("kafka".into())),
            ("rabbit://", UrlError::NoHost),
            ("rabbit://,/v", UrlError::NoHost),
            ("rabbit://u:hunter2@/v", UrlError::NoHost),
            ("rabbit://u:hunter2@h:x", UrlError::Port("h".into())),
            ("rabbit://u:hunter2@h:99999", UrlError::Port("h".into())),
            ("rabbit://u:hunter2@[::1]x", UrlError::Port("::1".into())),
            ("rabbit://u:hunter2%ff@h", UrlError::Escape),
        ];
        for (url, expected) in table {
            let error = BrokerUrls::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
            assert_eq!(error, expected, "{url}");
        }
        let urls = BrokerUrls::parse("rabbit://u:hunter2@h/v").unwrap();
        assert_eq!(format!("{urls:?}"), "[\"h:5672/v\"]");
    }
}
