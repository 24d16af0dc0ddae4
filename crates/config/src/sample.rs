//! The commented sample of `tricircle.conf`, made from the declarations.

use crate::sections::Config;

const HEAD: &str = "\
# Tricircle: sample configuration.
#
# Every option is shown with its default. The dialect is oslo.config's: a
# value continues on lines that start with a blank, ${section.name} stands for
# the value of another option, $$ for a dollar sign. Options can also come from
# the environment: OS_<SECTION>__<OPTION>, for example
# OS_DATABASE__CONNECTION. Times are seconds and may have a fraction.
#
# This file is generated: tricircle-manage config sample
";

/// The whole sample.
pub fn generate() -> String {
    let mut sample = HEAD.to_owned();
    for (name, section) in Config::default().sections() {
        sample.push_str(&format!("\n[{name}]\n"));
        for line in section.about() {
            sample.push_str(&comment(line));
        }
        for option in section.options() {
            sample.push('\n');
            for line in option.doc {
                sample.push_str(&comment(line));
            }
            sample.push_str(&format!("# ({})\n", option.kind));
            // A dollar sign in a default would be read as a reference.
            let value = option.value.replace('$', "$$");
            let line = format!("#{} = {value}", option.name);
            sample.push_str(line.trim_end());
            sample.push('\n');
        }
    }
    sample
}

fn comment(line: &str) -> String {
    let line = format!("#{}", line.replace('`', ""));
    format!("{}\n", line.trim_end())
}
