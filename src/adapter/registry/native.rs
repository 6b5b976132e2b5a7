//! Listings of registries beside the distribution API, where one request brings digests and dates: Docker
//! Hub (docs.docker.com/reference/api/hub) and Quay (docs.redhat.com, `GET /api/v1/repository/.../tag/`).
//! Only public repositories are read by them; Google's registries tell the same within the distribution API.

use reqwest::Url;

use super::door::Visit;
use super::page::is_tag;
use super::words;
use crate::adapter::web::Ask;
use crate::port::upstream::{Known, Silence, Tags, Unanswered};

/// The most pages that are read, the newest first: 10,000 tags.
const PAGES: usize = 100;

/// Which interface a registry has beside the common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Native {
    /// `hub.docker.com`.
    Hub,
    /// `quay.io`; Quay elsewhere is known by nothing in its name.
    Quay,
}

/// What was read: the tags, and whether these are all.
pub(super) struct Listed {
    pub tags: Tags,
    pub is_all: bool,
}

#[derive(serde::Deserialize)]
struct HubPage {
    next: Option<String>,
    results: Vec<HubTag>,
}

#[derive(serde::Deserialize)]
struct HubTag {
    name: String,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    tag_last_pushed: Option<String>,
    #[serde(default)]
    images: Option<Vec<HubImage>>,
}

#[derive(serde::Deserialize)]
struct HubImage {
    #[serde(default)]
    digest: Option<String>,
}

#[derive(serde::Deserialize)]
struct QuayPage {
    tags: Vec<QuayTag>,
    #[serde(default)]
    has_additional: bool,
}

#[derive(serde::Deserialize)]
struct QuayTag {
    name: String,
    #[serde(default)]
    manifest_digest: Option<String>,
    #[serde(default)]
    start_ts: Option<i64>,
}

impl Native {
    /// The interface of a registry's host.
    pub fn of(registry: &str) -> Option<Self> {
        match registry {
            "docker.io" => Some(Self::Hub),
            "quay.io" => Some(Self::Quay),
            _ => None,
        }
    }

    /// Lists a repository.
    pub async fn list(self, visit: &Visit<'_>) -> Result<Listed, Unanswered> {
        let mut tags = Tags::default();
        for number in 1..=PAGES {
            let answer =
                visit.web.ask(Ask::get(self.page(visit, number)?).accept("application/json").kept()).await?;
            if !answer.status.is_success() {
                return Err(words::refused(&answer, &format!("the tags of {}", visit.repository)));
            }
            let before = tags.size();
            let more = self.read(&answer.body, &mut tags).map_err(|error| {
                let words = format!(
                    "the tags of {}: what came is no list of tags: {}",
                    visit.repository,
                    answer.veil.plain(&error.to_string())
                );
                Unanswered::new(Silence::Invalid, words)
            })?;
            if !more || tags.size() == before {
                return Ok(Listed { tags, is_all: !more });
            }
        }
        Ok(Listed { tags, is_all: false })
    }

    fn page(self, visit: &Visit<'_>, number: usize) -> Result<Url, Unanswered> {
        let name = &visit.repository.name;
        let (base, path) = match (self, name.split_once('/')) {
            (Self::Hub, Some((space, name))) => (
                visit.settings.base("hub.docker.com", visit.web)?,
                format!("v2/namespaces/{space}/repositories/{name}/tags?page_size=100&page={number}"),
            ),
            (Self::Hub, None) => {
                return Err(Unanswered::new(
                    Silence::Missing,
                    format!("Docker Hub has no `{name}`: a name has two parts"),
                ));
            }
            (Self::Quay, _) => (
                visit.base.clone(),
                format!("api/v1/repository/{name}/tag/?limit=100&page={number}&onlyActiveTags=true"),
            ),
        };
        base.join(&path)
            .map_err(|_| Unanswered::new(Silence::Invalid, format!("`{name}` can't stand in an address")))
    }

    /// Takes the tags of a page; whether more follow.
    fn read(self, body: &[u8], tags: &mut Tags) -> serde_json::Result<bool> {
        match self {
            Self::Hub => {
                let page: HubPage = serde_json::from_slice(body)?;
                for tag in page.results {
                    add(tags, &tag.name.clone(), tag.known());
                }
                Ok(page.next.is_some_and(|next| !next.is_empty()))
            }
            Self::Quay => {
                let page: QuayPage = serde_json::from_slice(body)?;
                for tag in page.tags {
                    let pushed = tag.start_ts.and_then(|at| jiff::Timestamp::from_second(at).ok());
                    let digest = tag.manifest_digest.filter(|digest| super::is_digest(digest));
                    add(tags, &tag.name, Known { digest, children: Vec::new(), pushed });
                }
                Ok(page.has_additional)
            }
        }
    }
}

impl HubTag {
    fn known(self) -> Known {
        let images = self.images.unwrap_or_default().into_iter();
        let mut children: Vec<String> =
            images.filter_map(|image| image.digest).filter(|digest| super::is_digest(digest)).collect();
        // Old tags have no digest of their own: with one platform that of its manifest is the tag's.
        let digest = match self.digest.filter(|digest| super::is_digest(digest)) {
            None if children.len() == 1 => children.pop(),
            digest => digest,
        };
        children.retain(|child| Some(child) != digest.as_ref());
        let pushed = self.tag_last_pushed.or(self.last_updated).and_then(|text| text.parse().ok());
        Known { digest, children, pushed }
    }
}

fn add(tags: &mut Tags, name: &str, known: Known) {
    if is_tag(name) {
        tags.push(name);
        tags.known.insert(name.to_owned(), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hubs_page_tells_digests_of_the_index_and_its_platforms() {
        let [index, one, two] = ["a", "b", "c"].map(|c| format!("sha256:{}", c.repeat(64)));
        let body = format!(
            r#"{{"count":3,"next":"https://hub.docker.com/x?page=2","previous":null,"results":[
            {{"name":"8.0","digest":"{index}","last_updated":"2026-01-02T03:04:05.678901Z","images":[
                {{"architecture":"amd64","digest":"{one}"}},{{"architecture":"arm64","digest":"{two}"}}]}},
            {{"name":"old","last_updated":"2016-01-02T03:04:05Z","images":[{{"digest":"{one}"}}]}},
            {{"name":"bare","last_updated":null,"images":null}}]}}"#
        );
        let mut tags = Tags::default();
        assert!(Native::Hub.read(body.as_bytes(), &mut tags).expect("a page"));
        let known = &tags.known["8.0"];
        assert_eq!(
            (known.digest.as_ref(), known.children.as_slice()),
            (Some(&index), &[one.clone(), two][..])
        );
        assert_eq!(known.pushed.expect("a date").as_second(), 1_767_323_045);
        assert_eq!((tags.known["old"].digest.as_ref(), tags.known["old"].children.len()), (Some(&one), 0));
        assert_eq!(tags.known["bare"], Known::default());
        assert_eq!(tags.iter().count(), 3);
    }

    #[test]
    fn quays_page_tells_digests_and_whether_more_follow() {
        let digest = format!("sha256:{}", "d".repeat(64));
        let body = format!(
            r#"{{"tags":[{{"name":"v1","reversion":false,"start_ts":1717680780,"manifest_digest":"{digest}","is_manifest_list":true,"size":null,"last_modified":"Thu, 06 Jun 2024 13:33:00 -0000"}}],"page":1,"has_additional":true}}"#
        );
        let mut tags = Tags::default();
        assert!(Native::Quay.read(body.as_bytes(), &mut tags).expect("a page"));
        assert_eq!(tags.known["v1"].digest.as_ref(), Some(&digest));
        assert_eq!(tags.known["v1"].pushed.expect("a date").to_string(), "2024-06-06T13:33:00Z");
        assert!(Native::Quay.read(b"<html>", &mut tags).is_err());
    }
}
