//! The language in tables; expected answers are oslo.policy's.

use serde_json::json;

use super::*;
use crate::check::Rules;
use crate::credentials::{Credentials, Target};

fn caller() -> Credentials {
    Credentials {
        user_id: Some("u1".to_owned()),
        project_id: Some("p1".to_owned()),
        roles: vec!["Member".to_owned(), "reader".to_owned()],
        ..Credentials::default()
    }
}

fn target() -> Target {
    Target::of_project("p1")
        .with("user_id", "u2")
        .with("shared", true)
        .with("network:project_id", "p9")
        .with("device_owner", "network:dhcp")
        .with("size", 5)
        .with("nothing", json!(null))
        .with("name", "100%(x)s")
}

fn allows(rule: &str) -> bool {
    let rules = Rules::from([
        ("yes".to_owned(), Check::Always),
        ("no".to_owned(), Check::Never),
    ]);
    parse(rule).unwrap().allows(&rules, &caller(), &target())
}

#[test]
fn rules_mean_what_oslo_policy_says() {
    let table = [
        ("", true),
        ("@", true),
        ("!", false),
        ("not !", true),
        ("not not @", true),
        ("NOT @ Or @", true),
        ("role:member", true),
        ("role:MEMBER", true),
        ("role:admin", false),
        ("rule:yes", true),
        ("rule:no", false),
        ("rule:absent", false),
        ("project_id:%(project_id)s", true),
        ("tenant_id:%(tenant_id)s", true),
        ("project_id:p1", true),
        ("project_id:p2", false),
        ("user_id:%(user_id)s", false),
        ("user_id:%(absent)s", false),
        ("not user_id:%(absent)s", true),
        ("project_id:%(network:project_id)s", false),
        ("roles:reader", true),
        ("roles:nobody", false),
        ("True:%(shared)s", true),
        ("'p1':%(project_id)s", true),
        ("\"p1\":%(project_id)s", true),
        ("5:%(size)s", true),
        ("6:%(size)s", false),
        ("domain_id:%(nothing)s", false),
        ("None:%(nothing)s", false),
        ("is_admin:True", false),
        ("is_admin:False", true),
        ("system_scope:all", false),
        ("nothing.of.the.kind:x", false),
        ("user_id:u%%1", false),
        ("field:networks:shared=True", true),
        ("field:networks:shared=False", false),
        ("field:networks:absent=True", false),
        ("field:ports:size=5", true),
        ("field:port:device_owner=~^network:", true),
        ("field:port:device_owner=~work", false),
        ("field:port:device_owner=network:dhcp", true),
        // Precedence.
        ("@ or ! and !", true),
        ("! and ! or @", true),
        ("(@ or !) and !", false),
        ("not ! and !", false),
        ("not (! and !)", true),
        ("( ( @ ) )", true),
        ("((role:member) and (not role:admin))", true),
        (
            "role:admin or (role:member and project_id:%(project_id)s)",
            true,
        ),
    ];
    for (rule, expected) in table {
        assert_eq!(allows(rule), expected, "{rule}");
    }
}

#[test]
fn what_is_no_rule_is_named_with_its_place() {
    let table = [
        ("  ", 3, "expected a check"),
        ("admin", 1, "no colon"),
        ("@ @", 3, "'and' or 'or'"),
        ("@ and", 6, "expected a check"),
        ("and @", 1, "expected a check"),
        ("@ or or @", 6, "expected a check"),
        ("not", 4, "expected a check"),
        ("(@", 3, "closing bracket"),
        ("@)", 2, "too many"),
        ("()", 2, "expected a check"),
        ("role:a (role:b)", 8, "'and' or 'or'"),
        (":x", 1, "before the colon"),
        ("é or user_id:%(x", 1, "no colon"),
        ("@ or user_id:%(x", 14, "%(name)s"),
        ("user_id:%s", 9, "%(name)s"),
        ("field:networks:shared", 7, "field:"),
        ("field:ports:name=~(", 7, "regular expression"),
        ("http://server/", 1, "remote"),
        ("'quoted string'", 1, "no colon"),
    ];
    for (rule, position, problem) in table {
        let error = parse(rule).unwrap_err();
        assert_eq!(error.position, position, "{rule}: {error}");
        assert!(error.problem.contains(problem), "{rule}: {error}");
    }
}

#[test]
fn lists_mean_any_of_all_of() {
    let table = [
        (json!([]), true),
        (json!([[]]), false),
        (json!(["@"]), true),
        (json!(["!", "@"]), true),
        (json!([["@", "!"]]), false),
        (json!([["@", "!"], ["@", "role:member"]]), true),
        (json!([["role:admin"], "project_id:%(project_id)s"]), true),
    ];
    for (list, expected) in table {
        let items = list.as_array().unwrap();
        let check = parse_list(items).unwrap();
        assert_eq!(
            check.allows(&Rules::new(), &caller(), &target()),
            expected,
            "{list}"
        );
    }
    for wrong in [json!([1]), json!([["admin"]]), json!([[["@"]]])] {
        assert!(parse_list(wrong.as_array().unwrap()).is_err(), "{wrong}");
    }
}

#[test]
fn depth_is_limited() {
    for opener in ["(", "not ", "not ( "] {
        let rule = format!("{}@", opener.repeat(100_000));
        assert!(parse(&rule).is_err());
    }
    let closed = format!("{}@{}", "(".repeat(50), ")".repeat(50));
    assert!(parse(&closed).is_ok());
}

/// A boolean expression of `@` and `!` is what a direct evaluation says, for
/// every expression of up to five words.
#[test]
fn every_short_expression_is_evaluated_right() {
    let words = ["@", "!", "and", "or", "not", "(", ")"];
    let mut expressions: Vec<Vec<&str>> = vec![Vec::new()];
    let (mut valid, mut wrong) = (0, 0);
    for _ in 0..5 {
        expressions = expressions
            .iter()
            .flat_map(|e| words.iter().map(move |w| [e.as_slice(), &[*w]].concat()))
            .collect();
        for expression in &expressions {
            let rule = expression.join(" ");
            match (parse(&rule), direct(expression)) {
                (Ok(check), Some(expected)) => {
                    let found = check.allows(&Rules::new(), &caller(), &target());
                    assert_eq!(found, expected, "{rule}");
                    valid += 1;
                }
                (Err(_), None) => wrong += 1,
                (found, expected) => panic!("{rule}: {found:?} but {expected:?}"),
            }
        }
    }
    assert!(valid > 50 && wrong > 10_000, "{valid} {wrong}");
}

/// Evaluates by rewriting: constants are folded until one is left.
fn direct(expression: &[&str]) -> Option<bool> {
    let mut text = format!(" {} ", expression.join(" "));
    let rules = [
        ("( @ )", "@"),
        ("( ! )", "!"),
        ("not @", "!"),
        ("not !", "@"),
        ("@ and @", "@"),
        ("@ and !", "!"),
        ("! and @", "!"),
        ("! and !", "!"),
    ];
    let ors = [
        ("@ or @", "@"),
        ("@ or !", "@"),
        ("! or @", "@"),
        ("! or !", "!"),
    ];
    loop {
        let before = text.clone();
        if let Some((from, to)) = rules
            .iter()
            .find(|(from, _)| text.contains(&format!(" {from} ")))
        {
            text = text.replacen(&format!(" {from} "), &format!(" {to} "), 1);
        } else {
            // An `or` binds last: neither neighbour may be an `and` or `not`.
            for (from, to) in ors {
                for (left, right) in [("(", ")"), ("(", "or"), ("or", ")"), ("or", "or")] {
                    let pattern = format!(" {left} {from} {right} ");
                    let framed = format!(" ({text}) ");
                    if framed.contains(&pattern) {
                        let replaced =
                            framed.replacen(&pattern, &format!(" {left} {to} {right} "), 1);
                        text = replaced[2..replaced.len() - 2].to_owned();
                        break;
                    }
                }
                if text != before {
                    break;
                }
            }
        }
        if text == before {
            break;
        }
    }
    match text.trim() {
        "@" => Some(true),
        "!" => Some(false),
        _ => None,
    }
}
