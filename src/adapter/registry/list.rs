//! The tags of a repository by the distribution API (OCI distribution-spec 1.1, "Content Discovery"): page
//! after page by `Link`. It decides when paging leads nowhere and when there is too much.

use std::collections::BTreeSet;

use reqwest::Url;

use super::door::{Doors, Visit};
use super::page::{self, Page, Sink, Trouble};
use super::words;
use crate::adapter::web::{Ask, Lead, Whence, next_page};
use crate::diag::count;
use crate::digest::{self, Digest};
use crate::port::upstream::{Silence, Tags, Unanswered};

/// How many tags a page should have; a registry may give fewer.
const PAGE: usize = 1000;

/// How often a page is asked for that breaks off.
const TRIES: usize = 3;

/// How many pages without a name may follow each other.
const EMPTY: usize = 20;

/// A listing on its way.
struct Listing<'a> {
    doors: &'a Doors,
    visit: &'a Visit<'a>,
    urls: BTreeSet<Digest>,
    pages: BTreeSet<u64>,
    empty: usize,
    /// Whether the last page was as long as was asked for.
    full: bool,
    /// Whether a page led to another one: then the last one leads nowhere.
    linked: bool,
    /// Whether the page that is asked for was guessed: nothing says that it is there.
    guessed: bool,
}

/// All tags; `details` also takes what Google's registries tell beside the names.
pub(super) async fn tags(doors: &Doors, visit: &Visit<'_>, details: bool) -> Result<Tags, Unanswered> {
    let path = format!("v2/{}/tags/list?n={PAGE}", visit.repository.name);
    let url = visit.base.join(&path).map_err(|_| {
        Unanswered::new(Silence::Invalid, format!("`{}` can't stand in an address", visit.repository.name))
    })?;
    let mut listing = Listing {
        doors,
        visit,
        urls: BTreeSet::new(),
        pages: BTreeSet::new(),
        empty: 0,
        full: false,
        linked: false,
        guessed: false,
    };
    let mut sink = Sink::new(visit.settings.most_tags, details);
    let mut next = Some((url, None));
    while let Some((url, whence)) = next {
        listing.enter(&url)?;
        // What is only guessed may be refused: then all is there already.
        let whole = (listing.guessed && listing.urls.len() == 2).then(|| sink.tags.clone());
        (sink, next) = match (listing.page(sink, url, whence).await, whole) {
            (Ok(page), _) => page,
            (Err(silence), Some(whole)) if matches!(silence.why, Silence::Missing | Silence::Invalid) => {
                return Ok(whole);
            }
            (Err(silence), _) => return Err(silence),
        };
        // A registry may page without saying so ("A Link header MAY be included"): what is just as long as
        // was asked for may not be all, unless there were links before.
        if next.is_none() && listing.full && !listing.linked {
            next = listing.behind(&sink)?.map(|url| (url, None));
        }
    }
    Ok(sink.tags)
}

impl Listing<'_> {
    fn silence(&self, why: Silence, words: &str) -> Unanswered {
        Unanswered::new(why, format!("the tags of {}: {words}", self.visit.repository))
    }

    /// Where tags behind the last one would be.
    fn behind(&mut self, sink: &Sink) -> Result<Option<Url>, Unanswered> {
        self.guessed = true;
        let Some(last) = sink.tags.iter().last() else { return Ok(None) };
        let path = format!("v2/{}/tags/list", self.visit.repository.name);
        let wrong = |_| self.silence(Silence::Invalid, "they have no address");
        let mut url = self.visit.base.join(&path).map_err(wrong)?;
        url.query_pairs_mut().append_pair("n", &PAGE.to_string()).append_pair("last", last);
        Ok(Some(url))
    }

    fn enter(&mut self, url: &Url) -> Result<(), Unanswered> {
        if self.urls.len() >= self.visit.settings.most_pages {
            let most = count(self.visit.settings.most_pages, "page");
            return Err(self.silence(Silence::TooMuch, &format!("they take more than {most}")));
        }
        if self.urls.insert(digest::bytes(url.as_str().as_bytes())) {
            return Ok(());
        }
        Err(self.silence(Silence::Invalid, "the registry's pages go in a circle"))
    }

    /// One page; where the next one is, and who said so.
    async fn page(
        &mut self,
        mut sink: Sink,
        url: Url,
        led: Option<Whence>,
    ) -> Result<(Sink, Option<(Url, Option<Whence>)>), Unanswered> {
        let mut tries = 1;
        loop {
            let mut ask =
                Ask::get(url.clone()).accept("application/json").most(self.visit.settings.most_bytes).kept();
            if let Some(whence) = &led {
                ask = ask.led(whence, Lead::On);
            }
            let (answer, mut body) = self.heard(ask, self.visit.is_home(&url)).await?;
            let read;
            (sink, read) = page::read(sink, &mut body).await;
            match read {
                Ok(page) => {
                    self.full = page.count == PAGE;
                    // Who does not know `last` begins anew: then there was nothing behind.
                    if std::mem::take(&mut self.guessed) && self.pages.contains(&page.names) {
                        self.full = false;
                        return Ok((sink, None));
                    }
                    self.judge(page)?;
                    if answer
                        .headers
                        .get_all(http::header::LINK)
                        .iter()
                        .any(|link| !link.as_bytes().contains(&b'<'))
                    {
                        return Err(self.silence(Silence::Invalid, "where the next page is can't be read"));
                    }
                    let next = next_page(&answer.headers).map(|text| {
                        self.next(&answer.whence.url, &text).map_err(|silence| answer.veil.silence(silence))
                    });
                    self.linked |= next.is_some();
                    return Ok((sink, next.transpose()?.map(|url| (url, Some(answer.whence)))));
                }
                Err(Trouble::Broken(broken)) if tries == TRIES || broken.why == Silence::TooMuch => {
                    return Err(self.silence(broken.why, &broken.message));
                }
                Err(Trouble::Broken(_)) => tries += 1,
                Err(Trouble::Wrong(words)) => {
                    return Err(self.silence(Silence::Invalid, &answer.veil.hide(&words)));
                }
                Err(Trouble::TooMany) => {
                    let most = count(self.visit.settings.most_tags, "tag");
                    return Err(self.silence(Silence::TooMuch, &format!("there are more than {most}")));
                }
            }
        }
    }

    /// Asks at the registry's door, or where a page led to: there nobody is told who asks.
    async fn heard(
        &self,
        ask: Ask,
        is_home: bool,
    ) -> Result<(crate::adapter::web::Answer, crate::adapter::web::Body), Unanswered> {
        let what = format!("the tags of {}", self.visit.repository);
        let (mut answer, mut body, found) = if is_home {
            let heard = self.doors.ask(self.visit, ask).await?;
            (heard.answer, heard.body, heard.found)
        } else {
            let (answer, body) = self.visit.web.stream(ask).await?;
            (answer, body, super::credentials::Found::default())
        };
        if answer.status == http::StatusCode::PARTIAL_CONTENT {
            return Err(
                self.silence(Silence::Invalid, "only a part of the list came, which was not asked for")
            );
        }
        if answer.status.is_success() {
            return Ok((answer, body));
        }
        if answer.body.is_empty() {
            answer.body = body.all().await.unwrap_or_default();
        }
        Err(words::of(&answer, &what, self.visit.repository, &found))
    }

    fn judge(&mut self, page: Page) -> Result<(), Unanswered> {
        self.empty = if page.count == 0 { self.empty + 1 } else { 0 };
        let is_new = page.count == 0 || self.pages.insert(page.names);
        if is_new && self.empty <= EMPTY {
            return Ok(());
        }
        Err(self.silence(Silence::Invalid, "the registry's pages bring nothing new, and do not end"))
    }

    fn next(&self, from: &Url, text: &str) -> Result<Url, Unanswered> {
        let url = from.join(text).map_err(|_| {
            let words = format!("the next page is at `{}`, which is no address", super::plain(text));
            self.silence(Silence::Invalid, &words)
        })?;
        Ok(url)
    }
}
