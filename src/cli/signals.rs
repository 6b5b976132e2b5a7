//! Signals: while something is driven, the first one asks it to stop gently and the second to stop
//! now; everything else is cut off at once, since nothing can be lost by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::StopRequest;
use crate::output::Surface;

/// What signals have asked for.
#[derive(Clone)]
pub struct Signals {
    stop: watch::Sender<StopRequest>,
    driving: Arc<AtomicBool>,
}

impl Signals {
    /// Listens to SIGINT, SIGTERM and SIGHUP from now on.
    pub fn listen(surface: &Arc<Surface>) -> std::io::Result<Self> {
        let signals = Self { stop: watch::Sender::new(StopRequest::None), driving: Arc::default() };
        let mut kinds = Vec::new();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            kinds.push(signal(kind)?);
        }
        for mut kind in kinds {
            let (heard, surface) = (signals.clone(), Arc::clone(surface));
            tokio::spawn(async move {
                while kind.recv().await.is_some() {
                    heard.one_more(&surface);
                }
            });
        }
        Ok(signals)
    }

    /// A signal came.
    fn one_more(&self, surface: &Surface) {
        let next = match *self.stop.borrow() {
            StopRequest::None => StopRequest::Gently,
            StopRequest::Gently | StopRequest::Now => StopRequest::Now,
        };
        if self.driving.load(Ordering::Relaxed) {
            surface.talk(match next {
                StopRequest::Now => "stopping now: the next driver finds out what became of running steps",
                _ => "stopping: nothing new starts, running steps end; press Ctrl-C again to stop now",
            });
        }
        self.stop.send_replace(next);
    }

    /// Somebody's wish to stop, for a driver: from now on signals do not cut the command off.
    pub fn gentle(&self) -> watch::Receiver<StopRequest> {
        self.driving.store(true, Ordering::Relaxed);
        self.stop.subscribe()
    }

    /// Returns when one has come.
    pub async fn came(&self) {
        // The sender lives in `self`, so a change always comes or never.
        if self.stop.subscribe().wait_for(|stop| *stop != StopRequest::None).await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether one came.
    pub fn asked(&self) -> bool {
        *self.stop.borrow() != StopRequest::None
    }

    /// Nothing is driven any more: from now on a signal cuts the command off again.
    pub fn watching(&self) {
        self.driving.store(false, Ordering::Relaxed);
        // Whoever waits for a cut-off looks again.
        self.stop.send_modify(|_| {});
    }

    /// Asks the driver to stop, as a signal would.
    pub fn ask(&self, request: StopRequest) {
        self.stop.send_replace(request);
    }

    /// Returns when a signal came while nothing was driven.
    pub async fn cut_off(&self) {
        let mut stop = self.stop.subscribe();
        loop {
            let asked = *stop.borrow_and_update() != StopRequest::None;
            if asked && !self.driving.load(Ordering::Relaxed) {
                return;
            }
            // The sender lives in `self`, so a change always comes or never.
            if stop.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}
