//! The channels of the Kubernetes project: small texts with one version in each, `stable.txt`, `latest.txt` and
//! one for each minor, `stable-1.36.txt` (kubernetes.io/releases/download; dl.k8s.io/release).

use super::super::loose::{Leaf, Unreadable};
use super::super::tidy;
use super::offered::Reading;
use super::{Offered, Plan, Provider};
use crate::version::{KubeMinor, KubeVersion};

/// How many minors below the newest have their channel looked at: those that are supported, and some that were.
const MINORS: u32 = 6;

/// The longest text of a channel, in bytes.
const LONGEST: usize = 64;

/// A channel with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its name: `stable`, `stable-1.36`, `latest`.
    pub channel: String,
    /// Its version.
    pub version: KubeVersion,
}

/// Reads the text of a channel.
///
/// # Errors
/// When it is not one version.
pub fn channel(name: &str, bytes: &[u8]) -> Result<Marker, Unreadable> {
    let wrong = |what: &str| Unreadable(format!("the channel {name} has {what} instead of a version"));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("no text"))?.trim();
    let version = match text {
        "" => return Err(wrong("nothing")),
        text if text.starts_with('<') => return Err(wrong("a web page")),
        text if text.len() > LONGEST => return Err(wrong("a long text")),
        text => text.parse::<KubeVersion>().ok().filter(|version| version.patch().is_some()),
    };
    let version = version.ok_or_else(|| wrong(&format!("`{}`", tidy(text))))?;
    Ok(Marker { channel: name.to_owned(), version })
}

/// The channels of minors that are worth a look, when this is the newest version: its own first.
pub fn markers(newest: &KubeVersion) -> Vec<String> {
    let KubeMinor { major, minor } = newest.minor();
    (minor.saturating_sub(MINORS)..=minor).rev().map(|minor| format!("stable-{major}.{minor}")).collect()
}

impl Offered {
    /// What the Kubernetes project offers, by its channels.
    pub fn upstream(markers: Vec<Marker>, problems: Vec<String>) -> Self {
        let mut reading = Reading::new(Provider::Upstream, &Leaf::Missing);
        problems.into_iter().for_each(|problem| reading.tell(problem));
        for Marker { channel, version } in markers {
            let plan = if version.is_prerelease() { Plan::Preview } else { Plan::Unknown };
            let entry = reading.entry(version);
            entry.is_default |= channel == "stable";
            entry.plan = plan;
            entry.channels.insert(channel);
        }
        reading.done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_one_version() {
        let read = |text: &str| channel("stable", text.as_bytes()).map(|marker| marker.version.to_string());
        assert_eq!(read("v1.36.4\n").as_deref(), Ok("v1.36.4"));
        assert_eq!(read("v1.37.0-beta.0").as_deref(), Ok("v1.37.0-beta.0"));
        for (text, what) in [
            ("", "nothing"),
            ("<html>", "a web page"),
            ("v1.36", "`v1.36`"),
            ("v1.36.4 v1.35.8", "`v1.36.4 v1.35.8`"),
            (&"1".repeat(65), "a long text"),
        ] {
            let why = read(text).unwrap_err().to_string();
            assert_eq!(why, format!("the channel stable has {what} instead of a version"), "{text}");
        }
        assert!(channel("stable", &[0xff]).is_err());
    }

    #[test]
    fn each_version_is_offered_once_with_all_its_channels() {
        let marker = |name: &str, text: &str| channel(name, text.as_bytes()).unwrap();
        let offered = Offered::upstream(
            vec![
                marker("stable", "v1.36.4"),
                marker("stable-1.35", "v1.35.8"),
                marker("stable-1.36", "v1.36.4"),
                marker("latest", "v1.37.0-rc.0"),
            ],
            Vec::new(),
        );
        let versions: Vec<String> = offered.versions.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(versions, ["v1.37.0-rc.0", "v1.36.4", "v1.35.8"]);
        assert_eq!(offered.default().map(|one| one.channels.len()), Some(2));
        assert_eq!(offered.highest(), Some(KubeMinor::new(1, 36)), "what is only tried out is no goal");
        assert_eq!(markers(&"v1.2.0".parse().unwrap()), ["stable-1.2", "stable-1.1", "stable-1.0"]);
    }
}
