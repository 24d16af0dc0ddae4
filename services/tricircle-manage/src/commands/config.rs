//! `config sample`, `config check`.

use std::process::ExitCode;

use clap::Subcommand;
use tricircle_config::{CommonArgs, ExposeSecret, sample};
use tricircle_db::{Store, StoreOptions};
use tricircle_messaging::BrokerUrls;

use super::{Failure, load, policy, print};

#[derive(Subcommand)]
pub enum Command {
    /// Write a sample with every option, its default and its meaning.
    Sample,
    /// Read configuration and policy as the services would and say what is
    /// wrong. Nothing is connected to.
    Check {
        /// Count unknown sections, options and rules as wrong.
        #[arg(long)]
        strict: bool,
    },
}

pub fn run(command: Command, arguments: &CommonArgs) -> Result<ExitCode, Failure> {
    match command {
        Command::Sample => print(&sample::generate())?,
        Command::Check { strict } => {
            let warnings = check(arguments)?;
            if strict && warnings > 0 {
                return Ok(ExitCode::FAILURE);
            }
            print("The configuration is valid.")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything the services do with the configuration before they connect to
/// anything; returns the number of warnings.
fn check(arguments: &CommonArgs) -> Result<usize, Failure> {
    let (config, warnings) = load(arguments)?;
    let transport_url = config.default.transport_url.expose_secret().trim();
    if !transport_url.is_empty() && !transport_url.starts_with("fake:") {
        BrokerUrls::parse(transport_url)?;
    }
    let connection = config.database.connection.expose_secret();
    Store::connect(connection, StoreOptions::default())?;
    Ok(warnings + policy::check(&config)?)
}
