//! Where an answer may lead: a redirect, the next page, the place where a token is fetched. It decides which
//! hosts may be reached by that and whether a pass goes along; no request is made here.

use reqwest::Url;

use super::place::Place;
use super::settings::Settings;

/// Who answered, and from where: needed to judge where the answer leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whence {
    /// The address that was asked last.
    pub url: Url,
    /// Where the host stands that was connected to.
    pub place: Place,
}

/// How an answer leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// By `Location` or `Link`.
    On,
    /// By the `realm` of a challenge: a service for tokens stands beside its registry, often under another
    /// name, and may stand as far inside as the registry itself.
    Realm,
}

impl Whence {
    /// How far inside an answer may lead, or why it may not lead there at all.
    pub(super) fn reach(&self, lead: Lead, to: &Url, settings: &Settings) -> Result<Place, String> {
        if !matches!(to.scheme(), "http" | "https") {
            return Err(format!("it leads to `{}:`, which is no web address", to.scheme()));
        }
        if self.url.scheme() == "https" && to.scheme() == "http" {
            return Err(format!("it leads from https to plain http at {}", host(to)));
        }
        if self.url.origin() == to.origin() {
            return Ok(Place::Link);
        }
        if settings.is_named(to.host_str().unwrap_or_default(), to.port_or_known_default()) {
            return Ok(Place::Link);
        }
        let reach = match lead {
            Lead::On if self.place == Place::Private => Place::Private,
            Lead::On => Place::Public,
            Lead::Realm => self.place.min(Place::Loopback),
        };
        match Place::named(to) {
            Some(place) if place > reach => Err(out_of_reach(to)),
            _ => Ok(reach),
        }
    }

    /// Whether an address is of the host that answered: scheme, name and port.
    pub fn is_home(&self, url: &Url) -> bool {
        self.url.origin() == url.origin()
    }
}

/// Why an address is refused.
pub(super) fn out_of_reach(to: &Url) -> String {
    format!("it leads to {}, an address inside that no other host may lead to", host(to))
}

fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(from: (&str, Place), lead: Lead, to: &str) -> Result<Place, String> {
        let whence = Whence { url: from.0.parse().expect("an address"), place: from.1 };
        let settings = Settings {
            plain: std::collections::BTreeSet::from(["127.0.0.1:7000".to_owned()]),
            ..Settings::default()
        };
        whence.reach(lead, &to.parse().expect("an address"), &settings)
    }

    const OPEN: (&str, Place) = ("https://quay.io/v2/", Place::Public);
    const INSIDE: (&str, Place) = ("https://harbor.corp.example/v2/", Place::Private);
    const HERE: (&str, Place) = ("http://127.0.0.1:5000/v2/", Place::Loopback);

    #[test]
    fn nobody_leads_further_inside_than_they_stand() {
        assert_eq!(reach(OPEN, Lead::On, "https://cdn.quay.io/x"), Ok(Place::Public));
        assert!(reach(OPEN, Lead::On, "https://10.0.0.1/x").is_err());
        assert!(reach(OPEN, Lead::On, "https://localhost/x").is_err());
        assert_eq!(reach(INSIDE, Lead::On, "https://10.0.0.1/x"), Ok(Place::Private));
        assert!(reach(INSIDE, Lead::On, "https://127.0.0.1/x").is_err());
        assert!(reach(HERE, Lead::On, "http://127.0.0.1:6000/x").is_err(), "another service of this machine");
        assert!(reach(HERE, Lead::On, "http://10.0.0.1/x").is_err());
    }

    #[test]
    fn the_link_local_network_is_for_nobody() {
        for from in [OPEN, INSIDE, HERE] {
            for lead in [Lead::On, Lead::Realm] {
                assert!(reach(from, lead, "https://169.254.169.254/latest/meta-data").is_err());
                assert!(reach(from, lead, "https://[::ffff:169.254.169.254]/").is_err());
            }
        }
    }

    #[test]
    fn tokens_are_fetched_as_far_inside_as_the_registry_stands() {
        assert_eq!(reach(HERE, Lead::Realm, "http://127.0.0.1:6000/token"), Ok(Place::Loopback));
        assert_eq!(reach(INSIDE, Lead::Realm, "https://10.0.0.1/token"), Ok(Place::Private));
        assert!(reach(INSIDE, Lead::Realm, "https://127.0.0.1/token").is_err());
        assert!(reach(OPEN, Lead::Realm, "https://192.168.0.1/token").is_err());
    }

    #[test]
    fn https_never_becomes_http_and_other_schemes_lead_nowhere() {
        assert!(reach(OPEN, Lead::On, "http://quay.io/v2/").is_err_and(|why| why.contains("plain http")));
        assert!(reach(OPEN, Lead::Realm, "http://auth.quay.io/").is_err());
        assert!(reach(OPEN, Lead::On, "file:///etc/passwd").is_err());
        assert!(reach(HERE, Lead::On, "ftp://127.0.0.1:5000/").is_err());
    }

    #[test]
    fn the_same_host_and_hosts_that_a_person_named_may_stand_anywhere() {
        assert_eq!(reach(HERE, Lead::On, "http://127.0.0.1:5000/v2/next"), Ok(Place::Link));
        assert_eq!(reach(HERE, Lead::On, "http://127.0.0.1:7000/"), Ok(Place::Link));
    }
}
