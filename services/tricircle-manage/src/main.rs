//! `tricircle-manage`: what an operator does on the command line of a host
//! that runs Tricircle, beside its services.
//!
//! Results go to standard output, as plain text for people and scripts;
//! everything else goes to standard error. Exit codes: 0 done, 1 the answer is
//! no, 64 wrong command line, 70 failed, 78 wrong configuration.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tricircle_config::{CommonArgs, startup};

#[derive(Parser)]
#[command(
    name = "tricircle-manage",
    version,
    about = "Manage a Tricircle installation"
)]
struct Arguments {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The database of the top.
    #[command(subcommand)]
    Db(commands::db::Command),
    /// The configuration files.
    #[command(subcommand)]
    Config(commands::config::Command),
    /// The rules of who may do what.
    #[command(subcommand)]
    Policy(commands::policy::Command),
    /// Compare the top's rows with what the pods have; exit code 1 when something is
    /// wrong or could not be checked.
    Check(commands::check::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Arguments = match startup::arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let outcome = match arguments.command {
        Command::Db(command) => commands::db::run(command, &arguments.common).await,
        Command::Config(command) => commands::config::run(command, &arguments.common),
        Command::Policy(command) => commands::policy::run(command, &arguments.common),
        Command::Check(options) => commands::check::run(&options, &arguments.common).await,
    };
    outcome.unwrap_or_else(|failure| startup::fail(&failure, failure.exit_code()))
}
