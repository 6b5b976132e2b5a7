//! What can go wrong between a client and an API server, as settings that a
//! test changes at run time. Decides which fault meets which request; the
//! proxy (`proxy.rs`) carries it out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

/// What a new connection meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Everything works.
    #[default]
    Open,
    /// Nobody listens: connection refused. Connections that exist are cut.
    Refuse,
    /// The TCP connection is accepted, and then there is silence, also on
    /// connections that exist already.
    HalfOpen,
    /// Accepted and reset at once. Connections that exist are cut.
    Reset,
}

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A canned answer; the API server never sees the request.
    Answer {
        status: u16,
        /// Seconds, as the `Retry-After` header and in the body's details.
        retry_after: Option<u32>,
        /// The whole body; `None` is the `Status` object of Kubernetes.
        body: Option<String>,
    },
    /// The request waits this long, then goes on.
    Delay(Duration),
    /// No answer, ever; the API server never sees the request.
    Hang,
    /// The connection is closed without an answer; the API server never sees
    /// the request.
    Close,
    /// The API server carries the request out, and its answer is lost.
    LoseAnswer,
    /// Head and the first bytes of the answer's body, then the connection is cut.
    Truncate(usize),
    /// Head and the first bytes of the answer's body, then silence.
    Stall(usize),
}

impl Fault {
    /// A refusal with the body that Kubernetes would send.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, retry_after: None, body: None }
    }

    /// 429 with `Retry-After`.
    pub fn throttled(seconds: u32) -> Self {
        Self::Answer { status: 429, retry_after: Some(seconds), body: None }
    }
}

/// Which requests a fault meets, and how often. Begins with "all, for ever".
#[derive(Clone, Debug)]
pub struct Rule {
    method: Option<&'static str>,
    path: String,
    agent: String,
    after: u32,
    times: Option<u32>,
    fault: Fault,
}

impl Rule {
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path: String::new(), agent: String::new(), after: 0, times: None, fault }
    }

    /// Only requests with this method, in capitals.
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    /// Only requests whose path and query contain this.
    pub fn path(mut self, part: &str) -> Self {
        part.clone_into(&mut self.path);
        self
    }

    /// Only requests whose User-Agent contains this.
    pub fn agent(mut self, part: &str) -> Self {
        part.clone_into(&mut self.agent);
        self
    }

    /// The first `n` matching requests pass.
    pub fn after(mut self, n: u32) -> Self {
        self.after = n;
        self
    }

    /// Only the next `n` matching requests.
    pub fn times(mut self, n: u32) -> Self {
        self.times = Some(n);
        self
    }
}

/// One request as the proxy saw it.
#[derive(Clone, Debug)]
pub struct Passed {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub agent: String,
    /// The fault it met.
    pub fault: Option<Fault>,
}

/// The newest requests are kept, so that a long test does not grow.
const KEPT: usize = 50_000;

pub(super) struct State {
    /// The link, and a count that rises whenever connections are to be cut.
    pub(super) link: watch::Sender<(Link, u64)>,
    rules: Mutex<Vec<Rule>>,
    latency: Mutex<Duration>,
    passed: Mutex<VecDeque<Passed>>,
}

/// The switchboard of one cluster's fault proxy. Only clients that use
/// `kubeconfig_via_proxy` or `client_via_proxy` meet it.
#[derive(Clone)]
pub struct Faults(pub(super) Arc<State>);

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(State {
            link: watch::Sender::new((Link::Open, 0)),
            rules: Mutex::default(),
            latency: Mutex::default(),
            passed: Mutex::default(),
        }))
    }
}

impl Faults {
    /// Sets what connections meet from now on.
    pub fn link(&self, link: Link) {
        self.0.link.send_modify(|(now, cuts)| {
            *now = link;
            *cuts += u64::from(matches!(link, Link::Refuse | Link::Reset));
        });
    }

    /// Cuts every connection that exists, watches too; new ones are served.
    pub fn cut(&self) {
        self.0.link.send_modify(|(_, cuts)| *cuts += 1);
    }

    /// Every request waits this long before it goes on.
    pub fn latency(&self, latency: Duration) {
        *self.0.latency.lock().unwrap() = latency;
    }

    /// Adds a rule. The first rule that matches a request decides.
    pub fn add(&self, rule: Rule) {
        self.0.rules.lock().unwrap().push(rule);
    }

    /// No rules, no latency, the link open.
    pub fn clear(&self) {
        self.0.rules.lock().unwrap().clear();
        self.latency(Duration::ZERO);
        self.link(Link::Open);
    }

    /// The requests so far, oldest first.
    pub fn passed(&self) -> Vec<Passed> {
        self.0.passed.lock().unwrap().iter().cloned().collect()
    }

    /// How many requests met a fault so far.
    pub fn hits(&self) -> usize {
        let passed = self.0.passed.lock().unwrap();
        passed.iter().filter(|p| p.fault.is_some()).count()
    }
}

impl State {
    pub(super) fn current_latency(&self) -> Duration {
        *self.latency.lock().unwrap()
    }

    /// Notes the request, and says what happens to it.
    pub(super) fn meet(&self, method: &str, path: &str, agent: &str) -> Option<Fault> {
        let fault = self.rules.lock().unwrap().iter_mut().find_map(|rule| {
            let matches = rule.method.is_none_or(|m| m == method)
                && path.contains(&rule.path)
                && agent.contains(&rule.agent)
                && rule.times != Some(0);
            if !matches {
                return None;
            }
            if rule.after > 0 {
                rule.after -= 1;
                return None;
            }
            rule.times = rule.times.map(|n| n - 1);
            Some(rule.fault.clone())
        });
        let mut passed = self.passed.lock().unwrap();
        if passed.len() == KEPT {
            passed.pop_front();
        }
        passed.push_back(Passed {
            method: method.to_owned(),
            path: path.to_owned(),
            agent: agent.to_owned(),
            fault: fault.clone(),
        });
        fault
    }
}
