//! `tricircle`: the admin API on the command line.
//!
//! Logs in at Keystone with the `OS_*` variables every OpenStack client knows,
//! finds the admin API in the catalog, and prints tables, or JSON for scripts.
//! Exit codes: 0 done, 1 the API said no, 64 wrong command line, 69 something
//! could not be reached, 77 the log-in was refused.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod command;
mod environment;
mod session;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::command::Arguments;
use crate::environment::Login;
use crate::session::{Session, SessionError};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Nobody to tell where the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if asked { 0 } else { 64 });
        }
    };
    match run(arguments).await {
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            // `tricircle … | head` closed the pipe: it has what it wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(arguments: Arguments) -> Result<String, SessionError> {
    let login = Login::read(&arguments.login, |name| std::env::var(name).ok())
        .map_err(SessionError::Usage)?;
    let call = arguments.command.call().map_err(SessionError::Usage)?;
    let session = Session::open(&login).await?;
    let answer = session.send(&call).await?;
    Ok(if arguments.json {
        format!("{answer:#}\n")
    } else {
        table::render(&answer, call.columns, call.inner)
    })
}
