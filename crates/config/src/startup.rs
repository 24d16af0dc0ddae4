//! The first lines of every `main`: configuration, then logging, and a plain
//! message with the right exit code when either fails.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use crate::load::CommonArgs;
use crate::logging::{self, Listener};
use crate::sections::Config;

/// `EX_USAGE` of sysexits: the command line is wrong.
pub const EXIT_USAGE: u8 = 64;
/// `EX_SOFTWARE`: the service failed while it ran or started.
pub const EXIT_SOFTWARE: u8 = 70;
/// `EX_CONFIG`: the configuration is wrong.
pub const EXIT_CONFIG: u8 = 78;

/// Reads the command line. On a mistake, and after `--help` or `--version`, the
/// text is written and the exit code returned.
pub fn arguments<A: clap::Parser>() -> Result<A, ExitCode> {
    A::try_parse().map_err(|error| {
        // Where the terminal is gone there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() {
            ExitCode::from(EXIT_USAGE)
        } else {
            ExitCode::SUCCESS
        }
    })
}

/// Loads the configuration, sets up logging and logs the warnings. What `listen` makes
/// of the configuration sees the process's spans too. On failure the reason is written
/// to standard error and the exit code returned.
pub fn start<E: Error + 'static>(
    args: &CommonArgs,
    listen: impl FnOnce(&Config) -> Result<Option<Listener>, E>,
) -> Result<Config, ExitCode> {
    let loaded = Config::load(args).map_err(|error| fail(&error, EXIT_CONFIG))?;
    let listener = listen(&loaded.config).map_err(|error| fail(&error, EXIT_CONFIG))?;
    logging::init(&loaded.config.default, listener).map_err(|error| fail(&error, EXIT_CONFIG))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded.config)
}

/// Writes an error with all its causes to standard error and gives the exit
/// code back, for use at the end of `main`.
pub fn fail(error: &dyn Error, code: u8) -> ExitCode {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}
