//! Who does the clusters' work: the simulation's own thread, or one beside it. What comes out is the same:
//! work is done in the order in which it is handed in, and nobody looks at a cluster before the work that
//! was handed in until then is done. What is gained is the time of a second core.

use std::sync::mpsc::{self, Receiver, Sender};

type Job = Box<dyn FnOnce() + Send>;

/// Who does the work.
pub(super) enum Worker {
    /// Whoever hands it in, at once.
    Here,
    /// A thread of its own, which takes its work from here and ends with it.
    Beside(Sender<Job>),
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
            Self::From(coming) => coming.recv().ok(),
        }
    }
}

impl Worker {
    /// A thread beside the simulation's, if the machine gives one.
    pub fn beside() -> Self {
        let (jobs, handed_in) = mpsc::channel::<Job>();
        let all = move || handed_in.into_iter().for_each(|job| job());
        match std::thread::Builder::new().name("clusters".to_owned()).spawn(all) {
            Ok(_) => Self::Beside(jobs),
            Err(_) => Self::Here,
        }
    }

    /// Has something done.
    pub fn hand_in<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Coming<T> {
        let Self::Beside(jobs) = self else { return Coming::Here(job()) };
        let (done, coming) = mpsc::sync_channel(1);
        let job = move || {
            // Who is dead does not want to know.
            let _ = done.send(job());
        };
        // Work that nobody takes is dropped, and whoever waits for it hears so.
        let _ = jobs.send(Box::new(job));
        Coming::From(coming)
    }

    /// Waits until everything is done that was handed in, or the thread is no more.
    pub fn rest(&self) {
        self.hand_in(|| ()).wait();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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
        let panics = worker.hand_in(|| -> () { panic!("on purpose") });
        let never: Vec<_> = (0..10).map(|n| worker.hand_in(move || n)).collect();
        assert!(panics.wait().is_none());
        assert!(never.into_iter().all(|coming| coming.wait().is_none()));
        worker.rest();
    }
}
