//! One module per noun of the command line, and what can go wrong in any.

pub mod check;
pub mod config;
pub mod db;
pub mod policy;

use std::io::Write;

use tricircle_config::startup::{EXIT_CONFIG, EXIT_SOFTWARE};
use tricircle_config::{CommonArgs, Config, ConfigError};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration can not be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The transport URL can not be used.
    #[error("[DEFAULT] transport_url: {0}")]
    TransportUrl(#[from] tricircle_messaging::UrlError),
    /// The policy can not be used.
    #[error("policy")]
    Policy(#[from] tricircle_policy::PolicyError),
    /// The database can not be used.
    #[error("database")]
    Database(#[from] tricircle_db::DbError),
    /// What the services work with could not be built.
    #[error(transparent)]
    Start(#[from] tricircle_api::StartError),
    /// The rows could not be read.
    #[error("check")]
    Audit(#[from] tricircle_audit::AuditError),
    /// The result could not be written.
    #[error("cannot write the result")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// The exit code that says what kind of failure it was.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::TransportUrl(_)
            | Self::Policy(_)
            | Self::Start(_)
            | Self::Database(tricircle_db::DbError::BadUrl(_)) => EXIT_CONFIG,
            Self::Database(_) | Self::Audit(_) | Self::Output(_) => EXIT_SOFTWARE,
        }
    }
}

/// Writes a result to standard output.
fn print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", text.trim_end())?;
    output.flush()
}

/// Loads the configuration and shows its warnings on standard error.
fn load(arguments: &CommonArgs) -> Result<(Config, usize), Failure> {
    let loaded = Config::load(arguments)?;
    for warning in &loaded.warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    Ok((loaded.config, loaded.warnings.len()))
}
