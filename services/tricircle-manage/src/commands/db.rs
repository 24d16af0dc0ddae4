//! `db sync`, `db version`.

use std::process::ExitCode;

use clap::Subcommand;
use tricircle_config::{CommonArgs, ExposeSecret};
use tricircle_db::{Store, StoreOptions};

use super::{Failure, load, print};

#[derive(Subcommand)]
pub enum Command {
    /// Bring the schema to the version of this program. Safe to repeat.
    Sync,
    /// Show the version of the schema; exit code 1 when there is none yet.
    Version,
}

pub async fn run(command: Command, arguments: &CommonArgs) -> Result<ExitCode, Failure> {
    let (config, _) = load(arguments)?;
    let options = StoreOptions {
        max_pool_size: config.database.max_pool_size,
        pool_timeout: config.database.pool_timeout,
    };
    let store = Store::connect(config.database.connection.expose_secret(), options)?;
    match command {
        Command::Sync => {
            let applied = store.migrate().await?;
            if applied.is_empty() {
                print("The schema is up to date.")?;
            }
            for version in applied {
                print(&format!("Applied {version}."))?;
            }
        }
        Command::Version => match store.version().await? {
            Some(version) => print(&version)?,
            None => return Ok(ExitCode::FAILURE),
        },
    }
    Ok(ExitCode::SUCCESS)
}
