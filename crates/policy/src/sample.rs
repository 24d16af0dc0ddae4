//! The commented sample of `policy.yaml`, made from the defaults.

use crate::defaults;

const HEAD: &str = "\
# Tricircle: sample policy.
#
# Every rule is shown with its default. Uncomment a line to change it; the form
# is one rule a line, \"name\": \"check\". The names are those of Nova, Neutron and
# Cinder, so that one file serves them and Tricircle.
#
# This file is generated: tricircle-manage policy sample
";

/// The whole sample.
pub fn sample() -> String {
    let mut sample = HEAD.to_owned();
    for (title, rules) in defaults::by_service() {
        sample.push_str(&format!("\n# --- {title} ---\n"));
        for rule in rules {
            sample.push_str(&format!("\n# {}\n", rule.about));
            sample.push_str(&format!("#\"{}\": \"{}\"\n", rule.name, rule.check));
        }
    }
    sample
}
