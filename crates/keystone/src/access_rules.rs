//! Access rules of application credentials: which requests a restricted
//! token may make, matched as keystonemiddleware matches them.

use serde::Deserialize;

/// One permitted kind of request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessRule {
    /// The service type of the catalog, such as `compute`.
    pub service: String,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path pattern, see [`path_matches`].
    pub path: String,
}

impl AccessRule {
    /// Whether this rule permits the request.
    pub fn allows(&self, service_type: &str, method: &str, path: &str) -> bool {
        self.method == method && self.service == service_type && path_matches(path, &self.path)
    }
}

/// One piece of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// These very bytes.
    Literal(&'a str),
    /// `*` or `{name}`: at least one character, none of them a slash.
    Segment,
    /// `**`: anything, nothing included.
    Anything,
}

/// Whether `path` as a whole fits `pattern`, in which `*` and `{name}` stand
/// for one or more characters other than `/`, and `**` for any characters.
pub fn path_matches(path: &str, pattern: &str) -> bool {
    fits(path, &pieces(pattern))
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("**") {
            pieces.push(Piece::Anything);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            pieces.push(Piece::Segment);
            rest = after;
        } else if let Some((_, after)) = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            pieces.push(Piece::Segment);
            rest = after;
        } else {
            // A brace that nobody closes stands for itself, hence the search
            // from the second character on.
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| matches!(c, '*' | '{'))
                .map_or(rest.len(), |(at, _)| at);
            let (literal, after) = rest.split_at(end);
            pieces.push(Piece::Literal(literal));
            rest = after;
        }
    }
    pieces
}

/// Matches by the set of positions reachable after each piece, so that the
/// work is bounded by length times pieces whatever the pattern: patterns are
/// written by users.
fn fits(path: &str, pieces: &[Piece<'_>]) -> bool {
    let bytes = path.as_bytes();
    let mut reached = vec![false; bytes.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for piece in pieces {
        let mut next = vec![false; bytes.len() + 1];
        match piece {
            Piece::Literal(literal) => {
                for at in positions(&reached) {
                    if path.get(at..).is_some_and(|p| p.starts_with(literal)) {
                        mark(&mut next, at + literal.len());
                    }
                }
            }
            Piece::Segment => {
                let mut open = false;
                for at in 0..=bytes.len() {
                    if open {
                        mark(&mut next, at);
                    }
                    open |= reached.get(at).copied().unwrap_or(false);
                    if bytes.get(at) == Some(&b'/') {
                        open = false;
                    }
                }
            }
            Piece::Anything => {
                if let Some(first) = positions(&reached).next() {
                    for at in first..=bytes.len() {
                        mark(&mut next, at);
                    }
                }
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

fn positions(reached: &[bool]) -> impl Iterator<Item = usize> + '_ {
    reached
        .iter()
        .enumerate()
        .filter_map(|(at, hit)| hit.then_some(at))
}

fn mark(reached: &mut [bool], at: usize) {
    if let Some(hit) = reached.get_mut(at) {
        *hit = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_keystonemiddleware() {
        for (pattern, path, fits) in [
            ("/v2.1/servers", "/v2.1/servers", true),
            ("/v2.1/servers", "/v2.1/servers/", false),
            ("/v2.1/servers", "/v2.1/servers/1", false),
            ("/v2.1/servers/*", "/v2.1/servers/1", true),
            ("/v2.1/servers/*", "/v2.1/servers/", false),
            ("/v2.1/servers/*", "/v2.1/servers/1/ips", false),
            ("/v2.1/servers/{server_id}", "/v2.1/servers/1", true),
            ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/ips", true),
            (
                "/v2.1/servers/{server_id}/ips",
                "/v2.1/servers/1/2/ips",
                false,
            ),
            ("/v2.1/**", "/v2.1/servers/1/ips", true),
            ("/v2.1/**", "/v2.1/", true),
            ("/v2.1/**", "/v2.1", false),
            ("**", "", true),
            ("/v2.1/**/action", "/v2.1/servers/1/action", true),
            ("/v2.1/**/action", "/v2.1/servers/1/actions", false),
            ("/v2.1/ser*s", "/v2.1/servers", true),
            ("/v2.1/*/*", "/v2.1/p/servers", true),
            ("/v2.1/*/*", "/v2.1/servers", false),
            ("/v2.1/{open", "/v2.1/{open", true),
            ("", "", true),
            ("", "/", false),
            ("/é/*", "/é/x", true),
        ] {
            assert_eq!(
                path_matches(path, pattern),
                fits,
                "pattern {pattern:?} path {path:?}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length() {
        let pattern = "**a".repeat(2_000);
        let path = "a".repeat(1_999);
        assert!(!path_matches(&path, &pattern));
    }

    #[test]
    fn a_rule_needs_service_method_and_path() {
        let rule = AccessRule {
            service: "compute".to_owned(),
            method: "GET".to_owned(),
            path: "/v2.1/servers".to_owned(),
        };
        assert!(rule.allows("compute", "GET", "/v2.1/servers"));
        assert!(!rule.allows("volumev3", "GET", "/v2.1/servers"));
        assert!(!rule.allows("compute", "POST", "/v2.1/servers"));
        assert!(!rule.allows("compute", "GET", "/v2.1/flavors"));
    }
}
