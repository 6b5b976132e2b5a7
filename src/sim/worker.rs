//! Who does the clusters' work: the simulation's own thread, or one beside it. What comes out is the same:
//! work is done in the order in which it is handed in, and nobody looks at a cluster before the work that
//! was handed in until then is done. What is gained is the time of a second core.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Who does the work.
pub(super) enum Worker {
    /// Whoever hands it in, at once.
    Here,
    /// A thread of its own.
    Beside {
        /// Work to be done; the thread ends with it.
        jobs: Sender<Job>,
        /// How much is not done yet.
        left: Arc<Left>,
    },
}

/// How much work is not done yet.
#[derive(Default)]
pub(super) struct Left {
    jobs: Mutex<u64>,
    none: Condvar,
}

impl Left {
    fn change(&self, by: impl FnOnce(u64) -> u64) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        *jobs = by(*jobs);
        if *jobs == 0 {
            self.none.notify_all();
        }
    }
}

/// What comes of a work.
pub(super) enum Coming<T> {
    /// It is there.
    Here(T),
    /// It will come.
    From(Receiver<T>),
}

impl<T> Coming<T> {
    /// What came of it, as soon as it is there; `None` if the work failed, which does not happen. The thread
    /// stands still until then, and virtual time with it.
    pub fn wait(self) -> Option<T> {
        match self {
            Self::Here(done) => Some(done),
            Self::From(done) => done.recv().ok(),
        }
    }
}

impl Worker {
    /// A thread beside the simulation's, if the machine gives one.
    pub fn beside() -> Self {
        let (jobs, handed_in) = mpsc::channel::<Job>();
        let left = Arc::new(Left::default());
        let all = move || handed_in.into_iter().for_each(|job| job());
        match std::thread::Builder::new().name("clusters".to_owned()).spawn(all) {
            Ok(_) => Self::Beside { jobs, left },
            Err(_) => Self::Here,
        }
    }

    /// Has something done.
    pub fn hand_in<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Coming<T> {
        let Self::Beside { jobs, left } = self else { return Coming::Here(job()) };
        let (done, coming) = mpsc::sync_channel(1);
        let counted = Counted::new(left);
        let sent = jobs.send(Box::new(move || {
            let came = job();
            drop(counted);
            // Who is dead does not want to know.
            let _ = done.send(came);
        }));
        // Work that nobody takes is dropped, and whoever waits for it hears so.
        drop(sent);
        Coming::From(coming)
    }

    /// Waits until everything is done that was handed in.
    pub fn rest(&self) {
        if let Self::Beside { left, .. } = self {
            let mut jobs = left.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            while *jobs > 0 {
                jobs = left.none.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// One piece of work more, and one less at its end: also when it panics, or is never begun.
struct Counted(Arc<Left>);

impl Counted {
    fn new(left: &Arc<Left>) -> Self {
        left.change(|jobs| jobs + 1);
        Self(Arc::clone(left))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.change(|jobs| jobs.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_in_order_and_rested_from() {
        let (worker, done) = (Worker::beside(), Arc::new(Mutex::new(Vec::new())));
        let coming: Vec<_> = (0..100)
            .map(|n| {
                let done = Arc::clone(&done);
                worker.hand_in(move || done.lock().unwrap().push(n))
            })
            .collect();
        worker.rest();
        assert_eq!(*done.lock().unwrap(), (0..100).collect::<Vec<_>>());
        assert!(coming.into_iter().all(|coming| coming.wait().is_some()));
    }

    #[test]
    fn work_that_panics_or_is_never_begun_keeps_nobody_waiting() {
        let worker = Worker::beside();
        let panics = worker.hand_in(|| panic!("on purpose"));
        let never: Vec<_> = (0..10).map(|n| worker.hand_in(move || n)).collect();
        assert!(panics.wait().is_none_or(|()| false));
        assert!(never.into_iter().all(|coming| coming.wait().is_none()));
        worker.rest();
    }
}
