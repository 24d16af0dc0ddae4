//! The chaos run (see `tricircle_tests::chaos`). `make chaos` is how to start it.
//!
//! `MINUTES` (5), `SEED` (any) and `PODS` (10) are environment variables, as are those of
//! the sandbox whose MariaDB and RabbitMQ it kills. The exit code is 0 when nothing was
//! found. With `LOGS` the processes' logs are left in that folder.

use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use tricircle_tests::chaos::{Options, Outcome, dice::Dice, run};

#[tokio::main]
async fn main() -> ExitCode {
    let any = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let any = u64::try_from(any.as_nanos() % u128::from(u64::MAX)).unwrap_or(1);
    let options = Options {
        time: Duration::from_secs_f64(60.0 * variable("MINUTES", 5.0)),
        seed: variable("SEED", Dice::new(any).throw() % 1_000_000),
        pods: variable("PODS", 10),
    };
    say(&format!(
        "chaos: {:.0} s, SEED={} PODS={}",
        options.time.as_secs_f64(),
        options.seed,
        options.pods
    ));
    let Some(outcome) = run(options).await else {
        say("there is no MariaDB or no RabbitMQ: see `make chaos`");
        return ExitCode::FAILURE;
    };
    say(&outcome.report);
    keep_logs(&outcome);
    match outcome.good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// A variable of the environment, or what it is without.
fn variable<T: FromStr>(name: &str, default: T) -> T {
    let value = std::env::var(name).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn say(text: &str) {
    // Who does not listen misses it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn keep_logs(outcome: &Outcome) {
    let Ok(folder) = std::env::var("LOGS") else {
        return;
    };
    for (name, log) in &outcome.logs {
        let file = std::path::Path::new(&folder).join(format!("{name}.log"));
        let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, log));
        if let Err(error) = kept {
            say(&format!("{}: {error}", file.display()));
        }
    }
}
