//! Waiting until objects are ready or gone, and saying in words why they are not. Looks again and again
//! rather than watching: no connection has to stay open, and a look after a cut is as good as any.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::apply::inventory::Entry;
use crate::apply::payload::PRODUCT_LABEL;
use crate::apply::ready::{Verdict, pod_cause, verdict};
use crate::apply::record::Record;
use crate::apply::{Kind as ObjectKind, ObjectId};
use crate::diag::codes;
use crate::json::At as _;
use crate::port::Clock;

use super::discovery::Resource;
use super::objects::{id_of, together};
use super::wire::{JSON, escape};
use super::{Cluster, Error, Kind, Outcome};

/// The pauses between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(4);

/// The next pause between two looks, twice the one before: what takes long is asked rarely, and nothing that
/// takes longer than the first pause is seen later than after twice the time that it took.
pub(super) struct Pause(Duration);

impl Pause {
    /// The first of several, of this length.
    pub fn first(length: Duration) -> Self {
        Self(length)
    }

    /// Waits for it, and no longer than until a moment of the boot-time clock.
    pub async fn pass(&mut self, clock: &dyn Clock, until: Duration) {
        clock.sleep(self.0.min(until.saturating_sub(clock.boot()))).await;
        self.0 = (self.0 * 2).min(LONGEST_LOOK);
    }
}

/// From so many objects of a kind on, one list is cheaper than single looks.
const WORTH_A_LIST: usize = 4;

/// An object as it is.
type Found = (ObjectId, Value);

/// An object and its cause.
type Line = (ObjectId, String);

/// How many lines of causes a message carries; the rest are details.
const NAMED: usize = 3;

impl Cluster {
    /// Whether every object that a record names is there and ready, each with the cause in words if
    /// it is not; asked once, without waiting.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn unready(&self, record: &Record) -> Outcome<Vec<String>> {
        let (waiting, failed) = self.look(&record.inventory.entries, true).await?;
        Ok(failed.into_iter().chain(waiting).map(|(_, cause)| cause).collect())
    }

    /// Waits until all of these are ready.
    pub(super) async fn wait_ready(&self, entries: &[Entry], until: Duration) -> Outcome<usize> {
        let clock = &self.inner.clock;
        let begun = clock.boot();
        let mut pause = Pause::first(FIRST_LOOK);
        let mut due: Vec<Entry> = entries.to_vec();
        // Those that were ready when they were looked at last, since the last pause.
        let mut sure: BTreeSet<ObjectId> = BTreeSet::new();
        loop {
            // Pods are asked only when somebody will read what they say.
            let last = clock.boot() >= until;
            let (waiting, failed) = self.look(&due, last).await?;
            if !failed.is_empty() {
                let causes = failed.into_iter().map(|(_, cause)| cause).collect();
                return Err(unready(Kind::NotReady, codes::NOT_READY.id, causes));
            }
            if waiting.is_empty() {
                // One that was ready early may have fallen back while the others came: once more.
                sure.extend(due.into_iter().map(|entry| entry.id));
                due = entries.iter().filter(|entry| !sure.contains(&entry.id)).cloned().collect();
                if due.is_empty() {
                    return Ok(entries.len());
                }
                continue;
            }
            if last {
                let waited = clock.boot().saturating_sub(begun).as_secs();
                let causes: Vec<String> = waiting.into_iter().map(|(_, cause)| cause).collect();
                return Err(unready(Kind::TimedOut, &format!("not ready after {waited} s"), causes));
            }
            let still: BTreeSet<ObjectId> = waiting.into_iter().map(|(id, _)| id).collect();
            due.retain(|entry| still.contains(&entry.id));
            sure.clear();
            pause.pass(&**clock, until).await;
        }
    }

    /// One look at objects: those not ready yet and those that failed; with what pods say, if `causes`.
    async fn look(&self, entries: &[Entry], causes: bool) -> Outcome<(Vec<Line>, Vec<Line>)> {
        let found = self.fetch(entries).await?;
        let mut judged: Vec<BoxFuture<'_, Outcome<(&ObjectId, Verdict)>>> = Vec::new();
        for entry in entries {
            let object = found.get(&entry.id);
            judged.push(Box::pin(async move { Ok((&entry.id, self.judge(entry, object, causes).await?)) }));
        }
        let (mut waiting, mut failed) = (Vec::new(), Vec::new());
        for result in together(judged).await {
            match result? {
                (_, Verdict::Ready) => {}
                (id, Verdict::NotYet(cause)) => waiting.push((id.clone(), format!("{id}: {cause}"))),
                (id, Verdict::Failed(cause)) => failed.push((id.clone(), format!("{id}: {cause}"))),
            }
        }
        Ok((waiting, failed))
    }

    async fn judge(&self, entry: &Entry, object: Option<&Value>, causes: bool) -> Outcome<Verdict> {
        let Some(object) = object else {
            // Jobs end, and are cleaned up by their time to live.
            let is_over = entry.id.is("batch", "Job") && entry.uid.is_some();
            return Ok(if is_over { Verdict::Ready } else { Verdict::NotYet("it is not there".to_owned()) });
        };
        Ok(match verdict(object) {
            Verdict::Ready => Verdict::Ready,
            Verdict::NotYet(_) if self.binds_late(&entry.id, object).await? => Verdict::Ready,
            Verdict::NotYet(cause) if causes => Verdict::NotYet(self.because(object, cause).await),
            Verdict::Failed(cause) => Verdict::Failed(self.because(object, cause).await),
            verdict => verdict,
        })
    }

    /// Objects as they are, those that are not there left out.
    async fn fetch(&self, entries: &[Entry]) -> Outcome<BTreeMap<ObjectId, Value>> {
        let mut groups: BTreeMap<ObjectKind, Vec<&ObjectId>> = BTreeMap::new();
        for entry in entries {
            groups.entry(entry.kind()).or_default().push(&entry.id);
        }
        let mut found = BTreeMap::new();
        for (kind, ids) in groups {
            let resource = match self.resource(&kind).await? {
                Some(resource) => resource,
                // The version it was applied in is gone; the object may be served in another.
                None => match self.served().await?.any_version(&kind) {
                    Some(resource) => resource.clone(),
                    None => continue,
                },
            };
            if ids.len() >= WORTH_A_LIST {
                let path = format!("{}?labelSelector={}", resource.collection(None), escape(PRODUCT_LABEL));
                for item in self.list(&path, JSON, "looking at the product's objects").await? {
                    if let Some(id) = id_of(&resource, &item) {
                        found.insert(id, typed(item, &resource));
                    }
                }
            }
            let mut single: Vec<BoxFuture<'_, Outcome<Option<Found>>>> = Vec::new();
            for id in ids.into_iter().filter(|id| !found.contains_key(*id)) {
                let path = resource.path(id);
                single.push(Box::pin(async move {
                    let object = self.look_at(&path, &format!("looking at {id}")).await?;
                    Ok(object.map(|object| (id.clone(), object)))
                }));
            }
            for result in together(single).await {
                found.extend(result?);
            }
        }
        Ok(found)
    }

    /// Whether a claim waits for its first pod on purpose.
    async fn binds_late(&self, id: &ObjectId, claim: &Value) -> Outcome<bool> {
        if !id.is("", "PersistentVolumeClaim") {
            return Ok(false);
        }
        let Some(class) = claim.at("/spec/storageClassName").and_then(Value::as_str) else {
            return Ok(false);
        };
        let path = format!("/apis/storage.k8s.io/v1/storageclasses/{}", escape(class));
        let class = self.read(&path, JSON, "looking at the claim's storage class").await?.unwrap_or_default();
        let pending = claim.at("/status/phase").and_then(Value::as_str) == Some("Pending");
        Ok(pending && class.get("volumeBindingMode").and_then(Value::as_str) == Some("WaitForFirstConsumer"))
    }

    /// The cause, with what the object's pods say added.
    pub(super) async fn because(&self, object: &Value, cause: String) -> String {
        match self.pods_say(object).await {
            Some(pods) => format!("{cause}; {pods}"),
            None => cause,
        }
    }

    async fn pods_say(&self, object: &Value) -> Option<String> {
        let kind = ObjectKind::of(object)?;
        if !matches!(kind.group.as_str(), "apps" | "batch") {
            return None;
        }
        let labels = object.at("/spec/selector/matchLabels")?.as_object()?;
        let selector: Vec<String> =
            labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
        let namespace = object.at("/metadata/namespace")?.as_str()?;
        let (namespace, selector) = (escape(namespace), escape(&selector.join(",")));
        let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
        // Words only: a cause must not fail for want of a better one.
        let mut pods = self.list(&path, JSON, "looking at pods").await.ok()?;
        let newest = |pod: &Value| pod.at("/metadata/creationTimestamp").map(Value::to_string);
        pods.sort_by_key(|pod| std::cmp::Reverse(newest(pod)));
        let said: Vec<(String, String)> = pods
            .iter()
            .filter_map(|pod| {
                let name = pod.at("/metadata/name")?.as_str()?.to_owned();
                Some((name, pod_cause(pod)?))
            })
            .collect();
        // A pod that says what is wrong with a container says more than one that only waits.
        let best = said.iter().find(|(_, cause)| cause.contains("container ")).or(said.first())?;
        Some(format!("pod {}: {}", best.0, best.1))
    }

    /// Waits until the object with this UID is gone.
    pub(super) async fn gone(
        &self,
        resource: &Resource,
        id: &ObjectId,
        uid: &str,
        until: Duration,
    ) -> Outcome<()> {
        let clock = &self.inner.clock;
        let mut pause = Pause::first(FIRST_LOOK);
        loop {
            let Some(metadata) = self.metadata(resource, id).await? else { return Ok(()) };
            if metadata.get("uid").and_then(Value::as_str) != Some(uid) {
                return Ok(());
            }
            if clock.boot() >= until {
                return Err(Error::new(
                    Kind::TimedOut,
                    format!("{id} is not gone: {}", going(&metadata, clock.now())),
                ));
            }
            pause.pass(&**clock, until).await;
        }
    }
}

/// Since when it is being deleted, and what holds it.
fn going(metadata: &Value, now: jiff::Timestamp) -> String {
    let since = metadata.get("deletionTimestamp").and_then(Value::as_str);
    let age = since
        .and_then(|since| since.parse::<jiff::Timestamp>().ok())
        .map(|since| crate::model::Duration::between(since, now));
    let finalizers = metadata.get("finalizers").and_then(Value::as_array).into_iter().flatten();
    let finalizers: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
    match (age, finalizers.is_empty()) {
        (None, _) => "it is not being deleted".to_owned(),
        (Some(age), true) => format!("it is being deleted for {age}"),
        (Some(age), false) => {
            format!("it is being deleted for {age}, held by finalizer {}", finalizers.join(", "))
        }
    }
}

/// Items of a list have no kind of their own.
fn typed(mut item: Value, resource: &Resource) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.insert("kind".to_owned(), resource.kind.kind.clone().into());
        fields.insert("apiVersion".to_owned(), resource.kind.api_version().into());
    }
    item
}

fn unready(kind: Kind, what: &str, causes: Vec<String>) -> Error {
    let mut said = causes.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if causes.len() > NAMED {
        said.push_str(&format!("; and {} more", causes.len() - NAMED));
    }
    let details = if causes.len() > 1 { causes } else { Vec::new() };
    Error::new(kind, format!("{what}: {said}")).with(details)
}
