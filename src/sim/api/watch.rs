//! Watches: what is streamed to a client, asked for whenever something may be new.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::set_metadata;
use super::media::Form;
use super::present;
use super::read::{keys, parse_revision, selector};
use super::request::{Answer, Reply};
use super::select::Selector;
use super::status::{Fault, Outcome, causes};
use super::target::Target;
use crate::sim::cluster::Cluster;
use crate::sim::kinds::Resource;
use crate::sim::store::{Change, Changed, Store};

/// How often a watch without news says how far it is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// How long a watch lasts that does not say.
const USUALLY: Duration = Duration::from_secs(1_800);

/// A watch that was begun: from which revision on, and of what.
#[derive(Debug, Clone)]
pub struct Watch {
    resource: Arc<Resource>,
    namespace: Option<Arc<str>>,
    selector: Selector,
    form: Form,
    bookmarks: bool,
    revision: u64,
    /// What is told first.
    waiting: VecDeque<Value>,
    told: Timestamp,
    until: Timestamp,
    broken: bool,
}

/// Begins a watch.
pub(super) fn start(cluster: &Cluster, target: &Target<'_>) -> Outcome<Answer> {
    check_options(target)?;
    let query = &target.query;
    let selector = selector(target)?;
    let seconds = query.get("timeoutSeconds").parse::<u32>().ok().filter(|s| *s > 0);
    let lasts = seconds.map_or(USUALLY, |seconds| Duration::from_secs(seconds.into()));
    let bookmarks = query.flag("allowWatchBookmarks");
    let asked = parse_revision(query.get("resourceVersion"))?.unwrap_or_default();
    let mut watch = Watch {
        resource: Arc::clone(&target.resource),
        namespace: Some(target.namespace.as_str()).filter(|n| !n.is_empty()).map(Into::into),
        selector,
        form: target.form,
        bookmarks,
        revision: if asked == 0 { cluster.store.revision() } else { asked },
        waiting: VecDeque::new(),
        told: cluster.now,
        until: cluster.now + lasts,
        broken: false,
    };
    let initial = match query.get("sendInitialEvents") {
        "" => asked == 0,
        _ => query.flag("sendInitialEvents"),
    };
    if initial {
        watch.revision = cluster.store.revision();
        for (_, key) in keys(cluster, target) {
            if let Some(object) = cluster.store.get(&key).filter(|o| watch.selector.matches(o)) {
                watch.waiting.push_back(watch.event("ADDED", object));
            }
        }
        if bookmarks && query.flag("sendInitialEvents") {
            let mut bookmark = watch.bookmark(watch.revision);
            bookmark["object"]["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            watch.waiting.push_back(bookmark);
        }
    }
    Ok(Answer { status: 200, headers: Vec::new(), body: Reply::Watch(Box::new(watch)) })
}

fn check_options(target: &Target<'_>) -> Outcome<()> {
    let query = &target.query;
    let matching = query.get("resourceVersionMatch");
    let mut wrong = Vec::new();
    if query.has("sendInitialEvents") && matching != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        wrong.push(causes::forbidden("resourceVersionMatch", why));
    }
    if !matching.is_empty() {
        if !query.has("sendInitialEvents") {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            wrong.push(causes::forbidden("resourceVersionMatch", why));
        }
        if matching != "NotOlderThan" {
            let known = ["NotOlderThan"];
            wrong.push(causes::not_supported("resourceVersionMatch", &matching.into(), &known));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fault::invalid_kind("meta.k8s.io", "ListOptions", "", wrong)) }
}

impl Watch {
    /// What is new since the last call, in order.
    pub fn events(&mut self, cluster: &mut Cluster) -> Vec<Value> {
        if self.broken {
            return Vec::new();
        }
        let mut events: Vec<Value> = self.waiting.drain(..).collect();
        let from = self.revision;
        let Some(changes) = cluster.store.changes_after(from) else {
            self.broken = true;
            let message = format!("too old resource version: {from} ({})", cluster.store.revision());
            events.push(json!({"type": "ERROR", "object": Fault::expired(message).status()}));
            return events;
        };
        for change in changes {
            events.extend(self.told_of(&cluster.store, change));
        }
        self.revision = self.revision.max(cluster.store.revision());
        if !events.is_empty() {
            self.told = cluster.now;
        } else if self.bookmarks && cluster.now >= self.told + BOOKMARK_EVERY {
            self.told = cluster.now;
            events.push(self.bookmark(self.revision));
        }
        events
    }

    /// When it ends by itself.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether it has ended: its time is over, or it came too late.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.broken || now >= self.until
    }

    /// Whether a change is of what is watched; cheap, to be asked before [`Watch::events`].
    pub fn concerns(&self, change: &Change) -> bool {
        change.key.group == self.resource.group
            && change.key.resource == self.resource.plural
            && self.namespace.as_ref().is_none_or(|namespace| change.key.namespace == *namespace)
    }

    fn told_of(&self, store: &Store, change: &Change) -> Option<Value> {
        if !self.concerns(change) {
            return None;
        }
        let object = change.object();
        let selected = self.selector.matches(&object);
        let before = || store.change_before(change).map(Change::object);
        let kind = match change.changed {
            Changed::Added | Changed::Deleted if !selected => return None,
            Changed::Added => "ADDED",
            Changed::Deleted => "DELETED",
            Changed::Modified => {
                let earlier = if self.selector.is_empty() { None } else { before() };
                let was = earlier.as_ref().map_or(selected, |earlier| self.selector.matches(earlier));
                match (was, selected) {
                    (false, false) => return None,
                    (true, true) => "MODIFIED",
                    (false, true) => "ADDED",
                    (true, false) => {
                        // What is told to be gone is what was selected.
                        let mut gone = earlier.unwrap_or(object);
                        set_metadata(&mut gone, "resourceVersion", change.revision.to_string());
                        return Some(self.event("DELETED", gone));
                    }
                }
            }
        };
        Some(self.event(kind, object))
    }

    fn event(&self, kind: &str, object: Value) -> Value {
        json!({"type": kind, "object": present::shown(&self.resource, self.form, object)})
    }

    fn bookmark(&self, revision: u64) -> Value {
        let object = json!({"metadata": {"resourceVersion": revision.to_string()}});
        self.event("BOOKMARK", object)
    }
}
