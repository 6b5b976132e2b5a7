//! Asks: finds a seat at the host, sends, tries again what may pass by itself, follows where the answer
//! leads if it may lead there, and takes from the disk what did not change. The rules are in the files
//! beside this one; this is their order.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Response, Url};
use tokio::time::{Instant, sleep, timeout_at};

use super::ask::{Answer, Ask};
use super::body::{Body, Seal, Source, drain};
use super::budget::{Counts, Hindrance, Host, Seat, Tally, retry_after};
use super::clients::Clients;
use super::disk::{self, Disk, Keeper, Kept};
use super::lead::{Lead, Whence, out_of_reach};
use super::place::{OutOfReach, Place};
use super::settings::Settings;
use super::words::cause;
use crate::port::upstream::{Silence, Unanswered};

/// How often one question is sent if nothing, or an error of the server, comes back.
const TRIES: u32 = 3;

/// How often a host may ask one question for patience.
const PATIENCE: u32 = 8;

/// How many redirects are followed.
const HOPS: usize = 5;

/// Asks hosts, for one run.
pub struct Web {
    settings: Settings,
    clients: Clients,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
    disk: Option<Arc<Disk>>,
    tally: Tally,
    until: Instant,
}

/// An answer whose body is still to be read.
pub(super) struct Opened {
    status: StatusCode,
    headers: HeaderMap,
    whence: Whence,
    body: Body,
}

impl Web {
    /// Begins a run: its time counts from now.
    pub fn new(settings: Settings) -> Self {
        Self {
            until: Instant::now() + settings.whole,
            disk: settings.keep.clone().map(|keep| Arc::new(Disk::new(keep))),
            clients: Clients::new(),
            hosts: Mutex::default(),
            tally: Tally::default(),
            settings,
        }
    }

    /// A whole answer, whatever its status; [`Answer::good`] judges that.
    ///
    /// # Errors
    /// Whenever there is no answer that is one: nothing came, or not all, or too much, or too late.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Unanswered> {
        let veil = ask.veil.clone();
        self.whole(ask).await.map_err(|silence| veil.silence(silence))
    }

    async fn whole(&self, ask: Ask) -> Result<Answer, Unanswered> {
        let mut tries = 1;
        loop {
            let mut opened = self.open(ask.clone()).await?;
            match opened.body.all().await {
                Ok(body) => {
                    let Opened { status, headers, whence, .. } = opened;
                    return Ok(Answer { status, headers, body, whence, veil: ask.veil });
                }
                Err(broken) if broken.why == Silence::TooMuch || tries == TRIES || opened.body.is_other() => {
                    return Err(broken);
                }
                Err(broken) => {
                    self.pause(tries, &ask).await.map_err(|_| broken)?;
                    tries += 1;
                }
            }
        }
    }

    /// An answer whose body is handed out as it comes, for what may be large. If it breaks off it is for the
    /// caller to ask again. The body of the answer is empty.
    ///
    /// # Errors
    /// As [`Web::ask`]; later trouble is told by the body.
    pub async fn stream(&self, ask: Ask) -> Result<(Answer, Body), Unanswered> {
        let veil = ask.veil.clone();
        let Opened { status, headers, whence, body } =
            self.open(ask).await.map_err(|silence| veil.silence(silence))?;
        Ok((Answer { status, headers, body: Vec::new(), whence, veil }, body))
    }

    /// What was asked so far.
    pub fn counts(&self) -> Counts {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Counts {
            sent: self.tally.sent.load(Ordering::Relaxed),
            retries: self.tally.retries.load(Ordering::Relaxed),
            kept: self.tally.kept.load(Ordering::Relaxed),
            peak: hosts.iter().map(|(name, host)| (name.clone(), host.peak())).collect(),
        }
    }

    /// Whether a person allowed to ask this host without TLS.
    pub fn is_plain(&self, url: &Url) -> bool {
        self.settings.is_plain(url.host_str().unwrap_or_default(), url.port_or_known_default())
    }

    /// Where the host of an address stands that was connected to before; nothing if none was.
    pub fn place(&self, url: &Url) -> Option<Place> {
        self.host(url).place()
    }

    /// What is left of the run.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    async fn open(&self, mut ask: Ask) -> Result<Opened, Unanswered> {
        let asked = ask.clone();
        let mut reach = self.reach(&ask)?;
        for _ in 0..=HOPS {
            let mut kept = self.kept(&ask).await;
            let stays = |kept: &Kept| ask.sealed.is_some() || (ask.fresh && kept.fresh);
            if let Some((key, kept)) = kept.take_if(|(_, kept)| stays(kept)) {
                if ask.sealed.is_some() {
                    self.touch(key).await;
                }
                // Nobody was connected to: what it leads to is judged as if it came from outside.
                let place = Place::named(&ask.url).unwrap_or(Place::Public);
                return Ok(self.again(&ask, kept, Whence { url: ask.url.clone(), place }));
            }
            let (response, host, seat) = self.answer(&ask, kept.as_ref().map(|k| &k.1), reach).await?;
            let whence = self.whence(&ask.url, &response);
            match (response.status(), kept) {
                (StatusCode::NOT_MODIFIED, Some((key, kept))) => {
                    self.touch(key).await;
                    return Ok(self.again(&ask, kept, whence));
                }
                (status, _) if leads_on(status) => {
                    let to = location(&response).ok_or_else(|| {
                        asked.unanswered(Silence::Invalid, format!("it answered {status}, and not where to"))
                    })?;
                    drain(response).await;
                    let to = to.map_err(|text| {
                        let words = format!("it leads to `{}`, which is no address", super::plain(&text));
                        asked.unanswered(Silence::Invalid, words)
                    })?;
                    if !ask.is_plain_question() && !whence.is_home(&to) {
                        let words = "it leads to another host, which is not told what this one is";
                        return Err(asked.unanswered(Silence::Invalid, words));
                    }
                    if status == StatusCode::SEE_OTHER && !ask.is_plain_question() {
                        ask = Ask { method: Method::GET, body: bytes::Bytes::new(), ..ask };
                    }
                    ask = Ask { url: to, ..ask }.led(&whence, Lead::On);
                    reach = self.reach(&ask).map_err(|refused| asked.unanswered(refused.why, refused))?;
                }
                _ => return self.opened(&ask, response, host, seat, whence).await,
            }
        }
        Err(asked.unanswered(Silence::Invalid, format!("it leads on and on, more than {HOPS} times")))
    }

    /// How far inside the address of a question may stand.
    fn reach(&self, ask: &Ask) -> Result<Place, Unanswered> {
        let url = &ask.url;
        let invalid = |words: String| ask.unanswered(Silence::Invalid, words);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("an address holds no user and no password".to_owned()));
        }
        if let Some((whence, lead)) = &ask.led {
            return whence.reach(*lead, url, &self.settings).map_err(invalid);
        }
        let here = Place::named(url) == Some(Place::Loopback);
        match url.scheme() {
            "https" => Ok(Place::Link),
            "http" if here || self.is_plain(url) => Ok(Place::Link),
            "http" => Err(invalid(
                "only this machine is asked without TLS, unless the settings name the host".to_owned(),
            )),
            other => Err(invalid(format!("`{other}:` is no web address"))),
        }
    }

    /// Sends until something comes back that is an answer.
    async fn answer(
        &self,
        ask: &Ask,
        kept: Option<&Kept>,
        reach: Place,
    ) -> Result<(Response, Arc<Host>, Seat), Unanswered> {
        let host = self.host(&ask.url);
        let (mut tries, mut patience) = (1, 0);
        loop {
            let seat = host.enter(self.until).await.map_err(|hindrance| hindered(ask, hindrance))?;
            let last = match self.send(ask, kept, reach).await {
                Ok(response) => {
                    host.answered();
                    let status = response.status();
                    let wait = retry_after(response.headers());
                    if status == StatusCode::TOO_MANY_REQUESTS
                        || (wait.is_some() && status == StatusCode::SERVICE_UNAVAILABLE)
                    {
                        patience += 1;
                        host.hold(wait.unwrap_or_else(|| self.settings.pause * 2_u32.pow(patience.min(6))));
                        drain(response).await;
                        if patience > PATIENCE {
                            return Err(
                                ask.unanswered(Silence::Limited, "it asks for more patience again and again")
                            );
                        }
                        self.tally.retries.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    if !status.is_server_error() {
                        return Ok((response, host, seat));
                    }
                    drain(response).await;
                    ask.unanswered(Silence::Unreachable, format!("it answered {status}"))
                }
                Err(failure) if failure.why == Silence::Invalid => return Err(failure),
                Err(failure) => {
                    host.failed(&failure.message);
                    failure
                }
            };
            drop(seat);
            if tries == TRIES {
                return Err(last);
            }
            self.pause(tries, ask).await.map_err(|_| last)?;
            tries += 1;
        }
    }

    async fn send(&self, ask: &Ask, kept: Option<&Kept>, reach: Place) -> Result<Response, Unanswered> {
        let client = self.clients.client(&ask.url, reach, &self.settings);
        let client = client.map_err(|why| ask.unanswered(Silence::Invalid, why))?;
        let mut request = client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        if !ask.body.is_empty() {
            request = request.body(ask.body.clone());
        }
        if let Some(pass) = &ask.pass {
            let mut value = HeaderValue::from_str(pass.expose())
                .map_err(|_| ask.unanswered(Silence::Invalid, "the credentials can't stand in a header"))?;
            value.set_sensitive(true);
            request = request.header(pass.name(), value);
        }
        if let Some(kept) = kept {
            for (here, there) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
                if let Some(value) = kept.headers.get(here) {
                    request = request.header(there, value.clone());
                }
            }
        }
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        match timeout_at(self.end(ask), request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if is_out_of_reach(&error) => {
                Err(ask.unanswered(Silence::Invalid, out_of_reach(&ask.url)))
            }
            Ok(Err(error)) => Err(ask.unanswered(Silence::Unreachable, cause(error))),
            Err(_) => Err(ask.unanswered(Silence::Unreachable, "nothing answered in the time there is")),
        }
    }

    async fn opened(
        &self,
        ask: &Ask,
        response: Response,
        host: Arc<Host>,
        seat: Seat,
        whence: Whence,
    ) -> Result<Opened, Unanswered> {
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return Err(
                ask.unanswered(Silence::Invalid, "it says that nothing changed, and was not asked that")
            );
        }
        let headers = response.headers().clone();
        let plain =
            |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity") || value.is_empty();
        // Some call a packed file compressed, which it is; its digest says whether it is the file.
        if ask.sealed.is_none() && !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
            return Err(ask.unanswered(Silence::Invalid, "the answer is compressed, which was not asked for"));
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let mut body = Body {
            source: Source::Wire { response: Box::new(response), host, _seat: seat },
            most: ask.most,
            read: 0,
            until: self.end(ask),
            words: ask.words(),
            keeper: None,
            seal: ask.sealed.as_ref().filter(|_| status == StatusCode::OK).map(|it| Seal::new(it.digest)),
        };
        if ask.method != Method::HEAD && length.is_some_and(|length| length > ask.most) {
            return Err(body.too_much());
        }
        if let Some(disk) = self.disk.as_ref().filter(|_| ask.kept && ask.method == Method::GET) {
            let key = disk::key(ask);
            if status == StatusCode::OK {
                body.keeper = Keeper::begin(disk, &key, &headers, ask.sealed.is_some());
            }
            if body.keeper.is_none() {
                disk.forget(key).await;
            }
        }
        Ok(Opened { status, headers, whence, body })
    }

    async fn kept(&self, ask: &Ask) -> Option<(String, Kept)> {
        let disk = self.disk.as_ref().filter(|_| ask.kept && ask.method == Method::GET)?;
        let key = disk::key(ask);
        let kept = disk.find(key.clone()).await.filter(|kept| kept.length() <= ask.most)?;
        Some((key, kept))
    }

    async fn touch(&self, key: String) {
        if let Some(disk) = &self.disk {
            disk.touch(key).await;
        }
    }

    /// A kept answer, once more.
    fn again(&self, ask: &Ask, kept: Kept, whence: Whence) -> Opened {
        self.tally.kept.fetch_add(1, Ordering::Relaxed);
        let Kept { headers, body, .. } = kept;
        let body = Body {
            source: body.into(),
            most: ask.most,
            read: 0,
            until: self.end(ask),
            words: ask.words(),
            keeper: None,
            seal: ask.sealed.as_ref().map(|sealed| Seal::new(sealed.digest)),
        };
        Opened { status: StatusCode::OK, headers, whence, body }
    }

    /// When the answer to a question that is sent now has to be there, to its last byte.
    fn end(&self, ask: &Ask) -> Instant {
        self.until.min(Instant::now() + ask.within.unwrap_or(self.settings.within))
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(url.origin().ascii_serialization());
        Arc::clone(host.or_insert_with(|| Arc::new(Host::new(self.settings.in_flight))))
    }

    fn whence(&self, asked: &Url, response: &Response) -> Whence {
        let connected = response.remote_addr().filter(|_| !self.clients.is_proxied(asked));
        let place = connected.map(|address| Place::of(address.ip()));
        let place = place.or_else(|| Place::named(asked)).unwrap_or(Place::Public);
        self.host(asked).stands(place);
        Whence { url: asked.clone(), place }
    }

    /// Waits before another try, longer each time and never just as long as others; an error if there is no
    /// time for it.
    async fn pause(&self, tries: u32, ask: &Ask) -> Result<(), Unanswered> {
        let length = self.settings.pause * 2_u32.pow(tries.min(6) - 1);
        let length = length.mul_f64(0.5 + f64::from(random()) / f64::from(u32::MAX));
        if length >= self.left() {
            return Err(hindered(ask, Hindrance::Late));
        }
        sleep(length).await;
        self.tally.retries.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn random() -> u32 {
    // Without randomness all wait the middle.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

fn hindered(ask: &Ask, hindrance: Hindrance) -> Unanswered {
    match hindrance {
        Hindrance::Patience(wait) => {
            let now = jiff::Timestamp::now();
            let then = jiff::SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
            let then = then.map_or("much later".to_owned(), |then| format!("{then:.0}"));
            ask.unanswered(
                Silence::Limited,
                format!("it wants to be asked again at {then}, after this run's end"),
            )
        }
        Hindrance::Down(why) => {
            ask.unanswered(Silence::Unreachable, format!("not asked, the host did not answer before: {why}"))
        }
        Hindrance::Late => ask.unanswered(Silence::Unreachable, "there was no time left to ask"),
    }
}

fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads; the text if that is no address. A user in it is nobody's that is known here.
fn location(response: &Response) -> Option<Result<Url, String>> {
    let value = response.headers().get(LOCATION)?;
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let Ok(mut url) = response.url().join(&text) else { return Some(Err(text)) };
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    Some(Ok(url))
}

fn is_out_of_reach(error: &reqwest::Error) -> bool {
    let mut inner = std::error::Error::source(error);
    while let Some(next) = inner {
        if next.is::<OutOfReach>() {
            return true;
        }
        inner = next.source();
    }
    false
}
