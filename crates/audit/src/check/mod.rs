//! The comparison: pure, over what was [`Seen`].
//!
//! `objects` goes from what pods have to the rows, `rows` from the rows to the pods and
//! the jobs. `index` answers what both ask.

mod index;
mod objects;
mod rows;
#[cfg(test)]
mod tests;

use crate::{Finding, Problem, Remedy, Seen};
use index::Index;

/// Everything that is wrong, in an order in which it can be mended.
pub fn check(seen: &Seen) -> Vec<Finding> {
    let index = Index::new(seen);
    let mut findings = not_checked(seen);
    findings.extend(objects::check(&index));
    findings.extend(rows::check(&index));
    // Within a problem by kind as found: ports before subnets before networks.
    findings.sort_by_key(|finding| finding.problem);
    findings
}

fn not_checked(seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pod in &seen.pods {
        for (kind, part) in &pod.parts {
            if let Err(why) = part {
                findings.push(Finding {
                    problem: Problem::NotChecked,
                    pod: pod.region.clone(),
                    kind: kind.as_str().to_owned(),
                    id: "-".to_owned(),
                    detail: why.clone(),
                    remedy: Remedy::ByHand,
                });
            }
        }
    }
    findings
}
