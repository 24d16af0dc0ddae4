//! A broker that can be stopped without stopping anybody else's: a TCP relay in front of
//! the RabbitMQ that `TRICIRCLE_TEST_AMQP_URL` names.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// A relay to the broker. It ends with the test's runtime.
#[derive(Debug)]
pub struct Broker {
    url: Url,
    running: watch::Sender<bool>,
}

impl Broker {
    /// A relay to the broker of the environment, if it names one. Where services are
    /// required it has to.
    pub async fn of_environment() -> Option<Self> {
        let Ok(url) = std::env::var("TRICIRCLE_TEST_AMQP_URL") else {
            let required = std::env::var("TRICIRCLE_REQUIRE_SERVICES").is_ok_and(|v| v == "1");
            assert!(!required, "TRICIRCLE_TEST_AMQP_URL is not set but required");
            return None;
        };
        let mut url = Url::parse(&url).unwrap();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        let (running, state) = watch::channel(true);
        tokio::spawn(relay(listener, target, state));
        Some(Self { url, running })
    }

    /// What `transport_url` has to say.
    pub fn transport_url(&self) -> String {
        self.url.to_string()
    }

    /// Cuts all connections; new ones are closed at once.
    pub fn stop(&self) {
        self.running.send_replace(false);
    }

    /// Lets connections through again.
    pub fn start(&self) {
        self.running.send_replace(true);
    }
}

async fn relay(listener: TcpListener, target: String, running: watch::Receiver<bool>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut running = running.clone();
        let target = target.clone();
        tokio::spawn(async move {
            let carried = async {
                if let Ok(mut broker) = TcpStream::connect(&target).await {
                    // How a connection ends is between the two who have it.
                    let _ = copy_bidirectional(&mut client, &mut broker).await;
                }
            };
            tokio::select! {
                biased;
                _ = running.wait_for(|running| !running) => {}
                () = carried => {}
            }
        });
    }
}
