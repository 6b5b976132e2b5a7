//! What one host is asked for: how much at once, from when on again after it asked for patience, and that a
//! host which does not answer is not asked again and again. Patience asked of one request holds for all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::place::Place;

/// How often in a row nothing may answer until a host counts as down.
const FAILURES: u32 = 3;

/// How long a host that is down is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Requests sent, each try and each hop of a redirect for itself.
    pub sent: u64,
    /// Of those, how many were tries after the first.
    pub retries: u64,
    /// Answers that the source said are still those on the disk (304), or that are fresh enough.
    pub kept: u64,
    /// The most requests in flight at one moment, by host.
    pub peak: BTreeMap<String, usize>,
}

/// What the counts are made of.
#[derive(Default)]
pub(super) struct Tally {
    pub sent: AtomicU64,
    pub retries: AtomicU64,
    pub kept: AtomicU64,
}

/// One host: scheme, name and port.
pub(super) struct Host {
    seats: Arc<Semaphore>,
    state: Mutex<State>,
    now: AtomicUsize,
    peak: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Nobody asks before.
    patience: Option<Instant>,
    /// How often in a row nothing answered.
    failures: u32,
    /// Until when it is left alone, and what came instead of an answer.
    down: Option<(Instant, String)>,
    /// Where it stood when it was connected to last.
    place: Option<Place>,
}

/// Why a host is not asked now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// It asked for patience, longer than there is time.
    Patience(Duration),
    /// It did not answer several times.
    Down(String),
    /// There is no time left.
    Late,
}

/// A seat among the requests in flight; it is given back when this goes away.
pub(super) struct Seat {
    host: Arc<Host>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.host.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Host {
    pub fn new(seats: usize) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(seats.max(1))),
            state: Mutex::default(),
            now: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a seat, and for the end of the patience that the host asked for.
    pub async fn enter(self: &Arc<Self>, until: Instant) -> Result<Seat, Hindrance> {
        loop {
            self.ready(until).await?;
            let wait = timeout_at(until, Arc::clone(&self.seats).acquire_owned());
            let Ok(Ok(permit)) = wait.await else { return Err(Hindrance::Late) };
            // While this one waited for its seat another may have been told to wait.
            if self.pending(until)?.is_some() {
                continue;
            }
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.peak.fetch_max(now, Ordering::Relaxed);
            return Ok(Seat { host: Arc::clone(self), _permit: permit });
        }
    }

    async fn ready(&self, until: Instant) -> Result<(), Hindrance> {
        while let Some(moment) = self.pending(until)? {
            sleep_until(moment).await;
        }
        Ok(())
    }

    /// The moment before which nobody asks, if it is still to come.
    fn pending(&self, until: Instant) -> Result<Option<Instant>, Hindrance> {
        let now = Instant::now();
        let mut state = self.state();
        if now >= until {
            return Err(Hindrance::Late);
        }
        match &state.down {
            Some((moment, why)) if *moment > now => return Err(Hindrance::Down(why.clone())),
            Some(_) => state.down = None,
            None => {}
        }
        match state.patience.filter(|moment| *moment > now) {
            Some(moment) if moment >= until => Err(Hindrance::Patience(moment - now)),
            moment => Ok(moment),
        }
    }

    /// The host asked for patience; whoever asked for more before is still obeyed.
    pub fn hold(&self, wait: Duration) {
        let Some(moment) = Instant::now().checked_add(wait) else { return };
        let mut state = self.state();
        state.patience = Some(state.patience.map_or(moment, |before| before.max(moment)));
    }

    /// It answered something.
    pub fn answered(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.down = None;
    }

    /// Nothing answered.
    pub fn failed(&self, why: &str) {
        let mut state = self.state();
        state.failures += 1;
        if state.failures >= FAILURES {
            state.down = Some((Instant::now() + LEFT_ALONE, why.to_owned()));
        }
    }

    /// It was connected to, and stands here.
    pub fn stands(&self, place: Place) {
        self.state().place = Some(place);
    }

    /// Where it stood when it was connected to last.
    pub fn place(&self) -> Option<Place> {
        self.state().place
    }

    /// The most requests in flight so far.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// How long a host wants to be left alone: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), at
/// least one second.
pub(super) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Duration::MAX,
        Err(_) => {
            let moment = httpdate::parse_http_date(text).ok()?;
            moment.duration_since(std::time::SystemTime::now()).unwrap_or_default()
        }
    };
    Some(wait.clamp(Duration::from_secs(1), Duration::from_secs(10 * 365 * 86_400)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn soon(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn patience_asked_of_one_holds_for_all() {
        let host = Arc::new(Host::new(2));
        let first = host.enter(soon(60)).await.unwrap();
        host.hold(Duration::from_secs(7));
        host.hold(Duration::from_secs(2));
        drop(first);
        let begun = Instant::now();
        host.enter(soon(60)).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_beyond_the_run_is_told_at_once() {
        let host = Arc::new(Host::new(2));
        host.hold(Duration::from_secs(3600));
        let begun = Instant::now();
        let hindrance = host.enter(soon(60)).await.err().unwrap();
        assert_eq!(hindrance, Hindrance::Patience(Duration::from_secs(3600)));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_down_is_left_alone_for_a_while() {
        let host = Arc::new(Host::new(2));
        host.failed("refused");
        host.failed("refused");
        assert!(host.enter(soon(60)).await.is_ok());
        host.failed("refused");
        let hindrance = host.enter(soon(60)).await.err().unwrap();
        assert_eq!(hindrance, Hindrance::Down("refused".to_owned()));
        tokio::time::advance(LEFT_ALONE).await;
        assert!(host.enter(soon(60)).await.is_ok());
        host.answered();
        host.failed("refused");
        assert!(host.enter(soon(60)).await.is_ok(), "what answered in between counts anew");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_seats_are_taken() {
        let host = Arc::new(Host::new(2));
        let taken = [host.enter(soon(9)).await.unwrap(), host.enter(soon(9)).await.unwrap()];
        assert_eq!(host.enter(soon(9)).await.err().unwrap(), Hindrance::Late);
        drop(taken);
        assert!(host.enter(soon(9)).await.is_ok());
        assert_eq!(host.peak(), 2);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let read = |text: &str| {
            let value = http::HeaderValue::from_str(text).unwrap();
            retry_after(&http::HeaderMap::from_iter([(http::header::RETRY_AFTER, value)]))
        };
        assert_eq!(read("12"), Some(Duration::from_secs(12)));
        assert_eq!(read("0"), Some(Duration::from_secs(1)));
        let later = std::time::SystemTime::now() + Duration::from_secs(100);
        let wait = read(&httpdate::fmt_http_date(later)).unwrap();
        assert!((98..=100).contains(&wait.as_secs()), "{wait:?}");
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(1)));
        assert_eq!(read("soon"), None);
        assert!(read("99999999999999999999999").unwrap() > Duration::from_secs(86_400 * 365));
    }
}
