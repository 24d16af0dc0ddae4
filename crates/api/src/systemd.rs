//! What the service manager is told: ready, alive, stopping.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by SIGTERM or SIGINT.
pub fn shutdown_on_signals() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let cancel = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM received, stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT received, stopping"),
        }
        cancel.cancel();
    });
    Ok(shutdown)
}

/// Says that the process is ready, and from now on that it is alive, until it
/// is told to stop. Does nothing where no service manager listens. Call it once
/// in a process, when all its services listen.
pub fn ready(shutdown: &CancellationToken) {
    tell(NotifyState::Ready);
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        match sd_notify::watchdog_enabled() {
            None => shutdown.cancelled().await,
            Some(limit) => {
                let mut tick = tokio::time::interval(period(limit));
                loop {
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        _ = tick.tick() => tell(NotifyState::Watchdog),
                    }
                }
            }
        }
        tell(NotifyState::Stopping);
    });
}

/// Twice as often as asked for, so that one late tick kills nobody.
fn period(limit: Duration) -> Duration {
    (limit / 2).max(Duration::from_millis(100))
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(error = %error, "the service manager could not be told");
    }
}
