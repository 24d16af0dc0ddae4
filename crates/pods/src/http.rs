//! The HTTP client to the pods.

use std::sync::Arc;
use std::time::Duration;

use tricircle_config::{Client as ClientConfig, KeystoneAuthtoken};

/// Pooled connections to pods, and the deadlines for using them. Cheap to clone.
///
/// A service makes one for each worker thread: connections then live where they
/// are used, which costs less than handing every answer from thread to thread.
#[derive(Debug, Clone)]
pub struct PodHttp {
    pub(crate) client: reqwest::Client,
    pub(crate) timeouts: Arc<Timeouts>,
}

/// How long calls may take.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// A whole call.
    pub request: Duration,
    /// A whole call that creates a server or volume.
    pub create: Duration,
    /// One pod's part in a fan-out.
    pub list: Duration,
    /// A version document.
    pub probe: Duration,
}

impl PodHttp {
    /// A client of its own, with no connection yet.
    ///
    /// It follows no redirect, sends no referer, asks no proxy of the environment,
    /// decompresses nothing and repeats nothing: what goes in and out is what
    /// the caller and the pod said.
    pub fn new(client: &ClientConfig, tls: &KeystoneAuthtoken) -> Result<Self, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .http1_only()
            .connect_timeout(client.connect_timeout)
            .read_timeout(client.read_timeout)
            .pool_max_idle_per_host(client.pool_idle_per_host)
            .pool_idle_timeout(client.pool_idle_timeout)
            .user_agent(client.user_agent.clone());
        if tls.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(path) = &tls.cafile {
            match std::fs::read(path) {
                Ok(pem) => {
                    builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "the cafile can not be read");
                }
            }
        }
        Ok(Self {
            client: builder.build()?,
            timeouts: Arc::new(Timeouts {
                request: client.request_timeout,
                create: client.create_timeout,
                list: client.list_timeout,
                probe: client.probe_timeout,
            }),
        })
    }

    /// The deadlines.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }
}
