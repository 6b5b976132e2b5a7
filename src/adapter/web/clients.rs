//! The clients that requests go out with: one for each trust and each reach, made when the first request
//! needs it. TLS is rustls with ring; proxies are those of the environment; redirects are followed by none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Url};

use super::place::{Place, Within};
use super::settings::{Settings, Trust};
use super::words::cause;

/// How this program names itself.
const NAME: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// Clients by trust and reach.
pub(super) struct Clients {
    made: Mutex<BTreeMap<(Option<usize>, Place), Client>>,
    proxies: Matcher,
}

/// Makes ring what TLS is done with, unless something else was chosen before.
pub(in crate::adapter) fn choose_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Clients {
    pub fn new() -> Self {
        Self { made: Mutex::default(), proxies: Matcher::from_env() }
    }

    /// The client for an address, no further inside than `reach`.
    pub fn client(&self, url: &Url, reach: Place, settings: &Settings) -> Result<Client, String> {
        let host = url.host_str().unwrap_or_default();
        let trust = settings.trust(host, url.port_or_known_default());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&(trust, reach)) {
            return Ok(client.clone());
        }
        let client = self.make(trust.and_then(|at| settings.trusts.get(at)), reach, settings)?;
        made.insert((trust, reach), client.clone());
        Ok(client)
    }

    /// Whether a proxy stands between: the address that is connected to is then the proxy's.
    pub fn is_proxied(&self, url: &Url) -> bool {
        self.proxy(url.as_str()).is_some()
    }

    fn proxy(&self, url: &str) -> Option<String> {
        let intercept = self.proxies.intercept(&url.parse().ok()?)?;
        intercept.uri().host().map(str::to_owned)
    }

    fn make(&self, trust: Option<&Trust>, reach: Place, settings: &Settings) -> Result<Client, String> {
        choose_ring();
        let mut builder = Client::builder()
            .user_agent(NAME)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect)
            .read_timeout(settings.read)
            .pool_max_idle_per_host(settings.in_flight)
            .tcp_nodelay(true);
        if reach < Place::Link {
            // Any name will do: which proxy is taken depends on the scheme alone, and on names left out.
            let proxies = ["http://proxied.invalid/", "https://proxied.invalid/"];
            let proxies = proxies.iter().filter_map(|url| self.proxy(url)).collect();
            builder = builder.dns_resolver(Arc::new(Within { reach, proxies }));
        }
        if let Some(trust) = trust {
            builder = trusting(builder, trust)?;
        }
        builder.build().map_err(|error| format!("preparing to ask: {}", cause(error)))
    }
}

/// A client with the certificates of a trust.
fn trusting(mut builder: ClientBuilder, trust: &Trust) -> Result<ClientBuilder, String> {
    if !trust.authorities.is_empty() {
        let read = Certificate::from_pem_bundle(&trust.authorities)
            .map_err(|error| format!("the authorities' certificates can't be read: {}", cause(error)))?;
        if read.is_empty() {
            return Err("there is no certificate of an authority in PEM".to_owned());
        }
        builder = builder.tls_certs_merge(read);
    }
    if let Some(pem) = &trust.certificate {
        let read = Identity::from_pem(pem.expose().as_bytes())
            .map_err(|error| format!("the client certificate can't be read: {}", cause(error)))?;
        builder = builder.identity(read);
    }
    Ok(builder)
}

impl Trust {
    /// That its certificates can be used: whoever waits for the first connection to fail is told too late.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), String> {
        choose_ring();
        let builder = trusting(Client::builder(), self)?;
        builder.build().map(drop).map_err(|error| format!("its certificates can't be used: {}", cause(error)))
    }
}
