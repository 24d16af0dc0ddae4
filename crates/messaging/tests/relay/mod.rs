//! A TCP relay in front of a broker that can be cut and mended.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Relay {
    address: String,
    open: watch::Sender<bool>,
}

impl Relay {
    /// Listens on a port of its own and connects through to `target`.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = watch::channel(true).0;
        tokio::spawn(accept(listener, target.to_owned(), open.subscribe()));
        Self { address, open }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Breaks every connection; new ones are closed as soon as they are made.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn accept(listener: TcpListener, target: String, open: watch::Receiver<bool>) {
    while let Ok((mut near, _)) = listener.accept().await {
        if !*open.borrow() {
            continue;
        }
        let target = target.clone();
        let mut open = open.clone();
        tokio::spawn(async move {
            let mut far = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = open.wait_for(|open| !open) => {}
            }
        });
    }
}
