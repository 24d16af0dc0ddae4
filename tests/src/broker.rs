//! The RabbitMQ that `TRICIRCLE_TEST_AMQP_URL` names, behind a relay that can be cut.

use tricircle_db::testing::Relay;
use url::Url;

/// A relay to the broker. It ends with the test's runtime.
#[derive(Debug)]
pub struct Broker {
    url: Url,
    relay: Relay,
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
        let relay = Relay::start(&target).await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(relay.port())).unwrap();
        Some(Self { url, relay })
    }

    /// What `transport_url` has to say.
    pub fn transport_url(&self) -> String {
        self.url.to_string()
    }

    /// Cuts all connections; new ones are closed at once.
    pub fn stop(&self) {
        self.relay.cut();
    }

    /// Nothing comes through any more, and nobody is told.
    pub fn hang(&self) {
        self.relay.hang();
    }

    /// Lets connections through again.
    pub fn start(&self) {
        self.relay.mend();
    }
}
