//! The HTTP client as every call of a service to a service needs it.

use tricircle_config::KeystoneAuthtoken;

use crate::KeystoneError;

/// A client builder with the trust settings of `[keystone_authtoken]`.
///
/// It follows no redirect (a token must not travel where somebody else says),
/// sends no referer, takes no proxy from the environment, and repeats nothing
/// by itself: who calls knows which calls may be repeated.
pub fn client_builder(config: &KeystoneAuthtoken) -> Result<reqwest::ClientBuilder, KeystoneError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .tls_danger_accept_invalid_certs(config.insecure);
    if let Some(path) = &config.cafile {
        let refused =
            |reason: String| KeystoneError::Config(format!("cafile {}: {reason}", path.display()));
        let pem = std::fs::read(path).map_err(|e| refused(e.to_string()))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| refused(e.to_string()))?;
        if certificates.is_empty() {
            return Err(refused("no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}
