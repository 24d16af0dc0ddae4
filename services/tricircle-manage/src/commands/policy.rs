//! `policy sample`, `policy check`.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use tricircle_config::{CommonArgs, Config};
use tricircle_policy::Enforcer;

use super::{Failure, load, print};

#[derive(Subcommand)]
pub enum Command {
    /// Write a sample with every rule, its default and its meaning.
    Sample,
    /// Read the policy file and say what is wrong.
    Check,
}

pub fn run(command: Command, arguments: &CommonArgs) -> Result<ExitCode, Failure> {
    match command {
        Command::Sample => print(&tricircle_policy::sample())?,
        Command::Check => {
            let (config, _) = load(arguments)?;
            check(&config)?;
            print("The policy is valid.")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads the policy as the services do and shows its warnings; returns their
/// number.
pub(super) fn check(config: &Config) -> Result<usize, Failure> {
    let enforcer = Enforcer::load_if_exists(&config.oslo_policy.policy_file)?;
    for rule in enforcer.unused() {
        writeln!(
            std::io::stderr(),
            "warning: rule {rule} in {} is unknown",
            config.oslo_policy.policy_file.display()
        )?;
    }
    Ok(enforcer.unused().len())
}
