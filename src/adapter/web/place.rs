//! Where an address stands: in the open, in a private network, on this machine, or where no question may
//! go. A stranger's answer must not lead this program into a network that only this machine can see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where an address stands, from the outside inwards: who may be led to one may be led to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Reachable for everybody.
    Public,
    /// In a private network (RFC 1918, 4193, 6598).
    Private,
    /// On this machine.
    Loopback,
    /// Only on this link (where clouds keep the credentials of machines), or no host's address at all.
    Link,
}

impl Place {
    /// Where an address stands.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Where the host of an address stands, if its name alone tells.
    pub fn named(url: &Url) -> Option<Self> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse() {
            return Some(Self::of(address));
        }
        // RFC 6761: names below `localhost` are this machine.
        let last = host.trim_end_matches('.').rsplit('.').next()?;
        last.eq_ignore_ascii_case("localhost").then_some(Self::Loopback)
    }
}

fn of_v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (127, _, _) => Place::Loopback,
        (10, _, _) | (192, 168, _) | (172, 16..=31, _) | (100, 64..=127, _) | (198, 18..=19, _) => {
            Place::Private
        }
        (0, _, _) | (169, 254, _) | (192, 0, 0) | (224.., _, _) => Place::Link,
        _ => Place::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Place {
    if let Some(inner) = address.to_ipv4_mapped() {
        return of_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        _ if address.is_loopback() => Place::Loopback,
        // An IPv4 address inside: translated (RFC 6052), compatible (RFC 4291), or tunnelled (RFC 3056).
        (0x64, 0xff9b) => embedded(g, h),
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) => embedded(g, h).max(Place::Private),
        (0x2002, _) => embedded(b, c),
        (0xfc00..=0xfdff, _) | (0xfec0..=0xfeff, _) => Place::Private,
        (0, _) | (0xfe80..=0xfebf, _) | (0xff00.., _) => Place::Link,
        _ => Place::Public,
    }
}

/// A name stands where a stranger may not lead.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for an address that nobody else may lead to")]
pub(super) struct OutOfReach;

/// Finds addresses of names and leaves out those beyond a place. The address that is checked is the one
/// that is connected to: a name that changes its mind in between gains nothing.
pub(super) struct Within {
    /// The innermost place that may be reached.
    pub reach: Place,
    /// Hosts of proxies, which stand where they stand.
    pub proxies: Vec<String>,
}

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = if self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str())) {
            Place::Link
        } else {
            self.reach
        };
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let fit: Vec<SocketAddr> = found.into_iter().filter(|a| Place::of(a.ip()) <= reach).collect();
            if any && fit.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::of(text.parse().expect("an address"))
    }

    #[test]
    fn every_address_stands_somewhere() {
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert_eq!(place(public), Place::Public, "{public}");
        }
        let private = ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1"];
        for private in private.into_iter().chain(["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:c0a8:101::1"]) {
            assert_eq!(place(private), Place::Private, "{private}");
        }
        for loopback in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
            assert_eq!(place(loopback), Place::Loopback, "{loopback}");
        }
        let nowhere = ["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1"];
        for nowhere in nowhere.into_iter().chain(["::", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"]) {
            assert_eq!(place(nowhere), Place::Link, "{nowhere}");
        }
    }

    #[test]
    fn a_name_tells_where_it_stands_only_if_it_is_an_address_or_this_machine() {
        let named = |text: &str| Place::named(&text.parse().expect("an address"));
        assert_eq!(named("http://[::1]:5000/"), Some(Place::Loopback));
        assert_eq!(named("http://2130706433/"), Some(Place::Loopback), "127.0.0.1 as one number");
        assert_eq!(named("http://x.LOCALHOST./"), Some(Place::Loopback));
        assert_eq!(named("https://10.0.0.1/"), Some(Place::Private));
        assert_eq!(named("https://registry.example.com/"), None);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_found_by_who_may_not_come_here() {
        let ask = |reach| Within { reach, proxies: vec![] }.resolve("localhost".parse().expect("a name"));
        assert!(ask(Place::Private).await.err().expect("refused").is::<OutOfReach>());
        assert!(ask(Place::Loopback).await.expect("found").count() > 0);
        let proxy = Within { reach: Place::Public, proxies: vec!["localhost".to_owned()] };
        assert!(proxy.resolve("localhost".parse().expect("a name")).await.is_ok());
    }
}
