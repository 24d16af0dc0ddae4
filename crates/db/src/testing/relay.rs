//! A TCP relay in front of a server, for tests of what happens when the server goes.

use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the relay does with its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Carries both ways.
    Open,
    /// Carries nothing; connections stay, and new ones are accepted.
    Silent,
    /// Closes connections; new ones are closed as soon as they are made.
    Closed,
}

/// A relay on a port of its own. It ends with the test's runtime.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    state: watch::Sender<State>,
}

impl Relay {
    /// Listens, and connects through to `target` (`host:port`).
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = watch::channel(State::Open).0;
        tokio::spawn(accept(listener, target.to_owned(), state.subscribe()));
        Ok(Self { port, state })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection; new ones are closed as soon as they are made.
    pub fn cut(&self) {
        self.state.send_replace(State::Closed);
    }

    /// Carries nothing more, and lets nobody know.
    pub fn hang(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Carries again; connections that were silent are closed.
    pub fn mend(&self) {
        if *self.state.borrow() == State::Silent {
            self.cut();
        }
        self.state.send_replace(State::Open);
    }

    /// Breaks every connection and takes new ones at once: a server that restarted
    /// while nobody asked.
    pub fn blink(&self) {
        self.cut();
        self.mend();
    }
}

async fn accept(listener: TcpListener, target: String, state: watch::Receiver<State>) {
    while let Ok((near, _)) = listener.accept().await {
        let mut state = state.clone();
        let begun = *state.borrow_and_update();
        if begun != State::Closed {
            tokio::spawn(carry(near, target.clone(), begun, state));
        }
    }
}

/// Ends when the state is another: a connection outlives no change but into silence.
async fn carry(
    mut near: TcpStream,
    target: String,
    begun: State,
    mut state: watch::Receiver<State>,
) {
    if begun == State::Open {
        let carried = async {
            if let Ok(mut far) = TcpStream::connect(&target).await {
                // How a connection ends is between the two who have it.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        };
        // What is sent after the change is not carried.
        let changed = tokio::select! {
            biased;
            changed = state.changed() => changed,
            () = carried => return,
        };
        if changed.is_err() || *state.borrow_and_update() != State::Silent {
            return;
        }
    }
    // Held open, and silent, until something else is wanted.
    let _ = state.changed().await;
}
