//! Who may write in a cluster: the Lease `operator` in `tidegate-system`, taken, renewed, given back,
//! asked before every write, and counted on the boot-time clock (which goes on while a laptop sleeps).
//! Writes can't be fenced by an API server: what is promised is that nothing new is started late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::apply::record::{self, Record};
use crate::diag::codes;
use crate::digest::Digest;
use crate::json::At as _;
use crate::model::{ProductName, RolloutId};
use crate::port::{Clock, Host, ProcessId, Secret};

use crate::engine::whereabouts::Whereabouts;

use super::store::{NAMESPACE, Stored};
use super::wire::{Ask, JSON};
use super::{Cluster, Error, Kind, Outcome};

/// Who asks for a cluster's lease.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// The journal.
    pub journal: Uuid,
    /// The driver's fence in that journal.
    pub fence: u64,
    /// The process.
    pub process: ProcessId,
}

/// A cluster's lease, held and renewed until this is released or dropped. Every write goes through
/// it and is refused when the lease might end before the request does.
pub struct Guard {
    pub(super) cluster: Cluster,
    pub(super) claimant: Claimant,
    pub(super) held: Arc<Held>,
    pub(super) stored: std::sync::Mutex<BTreeMap<ProductName, Stored>>,
    pub(super) key: Mutex<Option<Arc<Vec<u8>>>>,
    renewal: tokio::task::JoinHandle<()>,
}

/// What an adoption found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The holder that the lease named, if any.
    pub from: Option<String>,
    /// The products whose records were taken over.
    pub products: Vec<ProductName>,
}

/// What a cluster's lease says to who only looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// `JOURNAL/PROCESS`.
    pub holder: String,
    /// The journal, where the holder names one.
    pub journal: Option<Uuid>,
    /// Whether it was given back.
    pub released: bool,
    /// When it was renewed last, by its holder's wall clock.
    pub renewed: Option<jiff::Timestamp>,
    /// How long it must have been silent before anybody takes it over.
    pub silence: Duration,
}

impl Holding {
    /// Whether its holder may be alive, as far as wall clocks can tell: people look at that, and a
    /// takeover waits for silence on the boot-time clock instead.
    pub fn looks_alive(&self, now: jiff::Timestamp) -> bool {
        let silent = |at: jiff::Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        !self.released && self.renewed.is_some_and(|at| silent(at) < self.silence)
    }
}

/// What is done once a cluster may be taken, before anything is written there, with the holder that
/// its lease names.
pub type BeforeTaking<'f> = dyn Fn(Option<String>) -> BoxFuture<'f, Outcome<()>> + Send + Sync + 'f;

/// A lease as far as its holder knows it.
pub(super) struct Held {
    clock: Arc<dyn Clock>,
    /// Until when it surely holds, in milliseconds of the boot-time clock.
    until: AtomicU64,
    /// The Lease as it was last written.
    written: Mutex<View>,
    /// Who took it over, once that is known.
    lost: std::sync::OnceLock<String>,
}

impl Held {
    /// Whether a request that takes `length` at most may be started now.
    pub fn may_write(&self, length: Duration) -> Outcome<()> {
        let fenced = |why: String| Error::new(Kind::Fenced, format!("{}: {why}", codes::FENCED.id));
        if let Some(holder) = self.lost.get() {
            return Err(fenced(format!("{holder} holds the cluster's lease now; nothing more is written")));
        }
        let left = Duration::from_millis(self.until.load(Ordering::Acquire));
        if self.clock.boot() + length < left {
            return Ok(());
        }
        Err(fenced("the cluster's lease could not be renewed in time; nothing more is written".to_owned()))
    }

    fn holds_until(&self, moment: Duration) {
        self.until.store(u64::try_from(moment.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }
}

/// What the Lease says.
#[derive(Debug, Clone, Default)]
struct View {
    /// `JOURNAL/PROCESS`.
    holder: String,
    journal: Option<Uuid>,
    fence: u64,
    process: Option<ProcessId>,
    released: bool,
    length: Duration,
    /// The longest request that its holder starts.
    request: Duration,
    transitions: i64,
    rv: String,
    uid: String,
}

const FENCE: &str = "tidegate.dev/fence";
const HOST: &str = "tidegate.dev/host";
const BOOT: &str = "tidegate.dev/boot";
const PID: &str = "tidegate.dev/pid";
const PID_NAMESPACE: &str = "tidegate.dev/pid-namespace";
const START: &str = "tidegate.dev/start-ticks";
const RELEASED: &str = "tidegate.dev/released";
const REQUEST: &str = "tidegate.dev/longest-request-ms";
const LENGTH: &str = "tidegate.dev/length-ms";

impl View {
    fn of(lease: &Value) -> Self {
        let text = |path: &str| lease.at(path).and_then(Value::as_str);
        let note = |key: &str| lease.at("/metadata/annotations")?.get(key)?.as_str();
        let millis = |key: &str| note(key).and_then(|t| t.parse().ok()).map(Duration::from_millis);
        let holder = text("/spec/holderIdentity").unwrap_or_default().to_owned();
        let number = |path: &str| lease.at(path).and_then(Value::as_i64);
        let seconds = number("/spec/leaseDurationSeconds").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let process = || {
            Some(ProcessId {
                pid: note(PID)?.parse().ok()?,
                start_ticks: note(START)?.parse().ok()?,
                host: note(HOST)?.to_owned(),
                boot: note(BOOT)?.to_owned(),
                pid_namespace: note(PID_NAMESPACE).unwrap_or_default().to_owned(),
            })
        };
        Self {
            journal: holder.split('/').next().and_then(|journal| journal.parse().ok()),
            fence: note(FENCE).and_then(|t| t.parse().ok()).unwrap_or(0),
            process: process(),
            released: note(RELEASED) == Some("true"),
            length: millis(LENGTH).unwrap_or(Duration::from_secs(seconds)),
            request: millis(REQUEST).unwrap_or_default(),
            transitions: number("/spec/leaseTransitions").unwrap_or(0),
            rv: text("/metadata/resourceVersion").unwrap_or_default().to_owned(),
            uid: text("/metadata/uid").unwrap_or_default().to_owned(),
            holder,
        }
    }

    fn is_of(&self, us: &Claimant) -> bool {
        self.journal == Some(us.journal)
            && self.fence == us.fence
            && self.process.as_ref() == Some(&us.process)
    }

    /// Whether it still is the hold that `written` is of: one process may take a lease twice in a row,
    /// and the earlier hold must neither renew nor release the later one.
    fn is_still(&self, us: &Claimant, written: &View) -> bool {
        self.is_of(us) && !self.released && self.uid == written.uid && self.transitions == written.transitions
    }

    /// As an object to write; preconditions come from `rv` and `uid` unless they are empty.
    fn object(&self, now: jiff::Timestamp) -> Value {
        let whole = self.length.as_secs().max(1);
        let mut notes = json!({
            FENCE: self.fence.to_string(),
            RELEASED: self.released.to_string(),
            LENGTH: self.length.as_millis().to_string(),
            REQUEST: self.request.as_millis().to_string(),
        });
        if let (Some(notes), Some(process)) = (notes.as_object_mut(), &self.process) {
            notes.insert(HOST.to_owned(), process.host.clone().into());
            notes.insert(BOOT.to_owned(), process.boot.clone().into());
            notes.insert(PID_NAMESPACE.to_owned(), process.pid_namespace.clone().into());
            notes.insert(PID.to_owned(), process.pid.to_string().into());
            notes.insert(START.to_owned(), process.start_ticks.to_string().into());
        }
        let mut lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "operator", "namespace": NAMESPACE, "annotations": notes},
            "spec": {"holderIdentity": self.holder, "leaseDurationSeconds": whole,
                // For people: holders count on the boot-time clock.
                "renewTime": format!("{now:.6}"), "leaseTransitions": self.transitions}});
        if let Some(metadata) = lease.pointer_mut("/metadata").and_then(Value::as_object_mut)
            && !self.rv.is_empty()
        {
            metadata.insert("resourceVersion".to_owned(), self.rv.clone().into());
            metadata.insert("uid".to_owned(), self.uid.clone().into());
        }
        lease
    }
}

fn leases() -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")
}

pub(super) fn operator() -> String {
    format!("{}/operator", leases())
}

/// How a lease that somebody has may be taken over.
enum Terms {
    /// At once.
    Now,
    /// When it has not been renewed for so long.
    After(Duration),
    /// Not at all.
    Never(Error),
}

impl Cluster {
    /// What the cluster's lease says, if there is one with a holder.
    pub(super) async fn holding(&self) -> Outcome<Option<Holding>> {
        let lease = self.read(&operator(), JSON, "reading the cluster's lease").await?;
        let Some(lease) = lease else { return Ok(None) };
        let renewed = lease.at("/spec/renewTime").and_then(Value::as_str).and_then(|t| t.parse().ok());
        let View { holder, journal, released, length, request, .. } = View::of(&lease);
        if holder.is_empty() {
            return Ok(None);
        }
        let silence = length + request.max(self.inner.request);
        Ok(Some(Holding { holder, journal, released, renewed, silence }))
    }

    /// Takes the lease of the cluster, or takes it over from an earlier process of the same journal:
    /// at once if that one released it; after the longest request if `host` proves it dead; else after
    /// a whole lease without renewal and the longest request. Then reads the records again, and
    /// refuses one that names an unfinished rollout that `knows` does not know.
    ///
    /// # Errors
    /// `Foreign`, `Held`, `Fenced`, and when the cluster can't be asked.
    pub async fn acquire(
        &self,
        claimant: &Claimant,
        host: &Arc<dyn Host>,
        length: Duration,
        knows: &(dyn Fn(&RolloutId) -> bool + Send + Sync),
    ) -> Outcome<Guard> {
        let terms = |view: &View| self.terms(view, claimant, host.as_ref());
        let (guard, _) = self.take(claimant, length, &terms, &|_| Box::pin(async { Ok(()) })).await?;
        let records = guard.records();
        match record::admit(&records, claimant.journal, &|rollout| knows(rollout)) {
            Ok(()) => Ok(guard),
            Err(why) => {
                guard.release().await;
                Err(foreign(&why.to_string()))
            }
        }
    }

    /// Takes the cluster over from another journal, by a person's word: waits until its holder has not
    /// renewed for a whole lease and the longest request, calls `before`, raises the fence, keeps the
    /// records. The lease is released afterwards. Done again after a crash at any point, it does what
    /// was left.
    ///
    /// # Errors
    /// `Held` when the holder still renews; those of `before`; and when the cluster can't be asked.
    pub async fn adopt(
        &self,
        claimant: &Claimant,
        host: &Arc<dyn Host>,
        length: Duration,
        before: &BeforeTaking<'_>,
    ) -> Outcome<Adoption> {
        let terms = |view: &View| match self.terms(view, claimant, host.as_ref()) {
            Terms::Never(_) if view.released => Terms::Now,
            Terms::Never(_) => Terms::After(view.length + view.request.max(self.inner.request)),
            other => other,
        };
        let (guard, found) = self.take(claimant, length, &terms, before).await?;
        let taken = guard.take_records_over().await;
        guard.release().await;
        Ok(Adoption { from: found.map(|view| view.holder).filter(|h| !h.is_empty()), products: taken? })
    }

    fn terms(&self, view: &View, us: &Claimant, host: &dyn Host) -> Terms {
        let longest = view.request.max(self.inner.request);
        if view.holder.is_empty() || view.is_of(us) {
            return Terms::Now;
        }
        if view.journal != Some(us.journal) {
            return Terms::Never(foreign(&format!("{} holds the cluster's lease", view.holder)));
        }
        if view.fence > us.fence {
            let why = format!("{}: {} drives this cluster with a newer fence", codes::FENCED.id, view.holder);
            return Terms::Never(Error::new(Kind::Fenced, why));
        }
        if view.released {
            return Terms::Now;
        }
        let dead = view.process.as_ref().is_some_and(|them| {
            Whereabouts::of(them).proved_dead(&us.process, host, them.pid, them.start_ticks)
        });
        Terms::After(if dead { longest } else { view.length + longest })
    }

    async fn take(
        &self,
        us: &Claimant,
        length: Duration,
        terms: &(dyn Fn(&View) -> Terms + Send + Sync),
        before_taking: &BeforeTaking<'_>,
    ) -> Outcome<(Guard, Option<View>)> {
        let clock = Arc::clone(&self.inner.clock);
        let doing = "taking the cluster's lease";
        // The newest state of the Lease, and since when it is known; and how many states were seen.
        let mut seen: Option<(String, Duration)> = None;
        let mut states = 0;
        let mut lost_races = 0_u32;
        let mut begun = false;
        loop {
            let found = self.read(&operator(), JSON, doing).await?;
            let now = clock.boot();
            let before = found.as_ref().map(View::of);
            if let Some(view) = &before {
                if seen.as_ref().is_none_or(|(rv, _)| *rv != view.rv) {
                    seen = Some((view.rv.clone(), now));
                    states += 1;
                }
                let since = seen.as_ref().map_or(now, |(_, since)| *since);
                match terms(view) {
                    Terms::Now => {}
                    Terms::Never(error) => return Err(error),
                    Terms::After(silence) if now.saturating_sub(since) >= silence => {}
                    // A holder that renews is alive, whatever its fence.
                    Terms::After(_) if states > 3 => {
                        let why = format!("{} holds the cluster's lease and renews it", view.holder);
                        return Err(Error::new(Kind::Held, why));
                    }
                    Terms::After(silence) => {
                        let left = silence.saturating_sub(now.saturating_sub(since));
                        clock.sleep(left.clamp(Duration::from_millis(20), Duration::from_secs(1))).await;
                        continue;
                    }
                }
            }
            if !begun {
                before_taking(before.as_ref().map(|v| v.holder.clone()).filter(|h| !h.is_empty())).await?;
                self.ensure_namespace().await?;
                begun = true;
            }
            let next = View {
                holder: format!("{}/{}", us.journal, us.process.label()),
                journal: Some(us.journal),
                fence: us.fence,
                process: Some(us.process.clone()),
                released: false,
                length,
                request: self.inner.request,
                transitions: before.as_ref().map_or(0, |v| v.transitions.saturating_add(1)),
                rv: before.as_ref().map(|v| v.rv.clone()).unwrap_or_default(),
                uid: before.as_ref().map(|v| v.uid.clone()).unwrap_or_default(),
            };
            let started = clock.boot();
            let object = next.object(clock.now());
            let ask = match before {
                None => Ask::write(Method::POST, leases(), &object),
                Some(_) => Ask::write(Method::PUT, operator(), &object),
            };
            let answer = self.ask(&ask, None, self.soon()).await.map_err(|e| e.doing(doing))?;
            if answer.code == 409 || answer.code == 404 {
                // Somebody was faster, or our own answer was lost: look again. Where it never ends (the
                // namespace went away, something rewrites the Lease), the caller has a longer breath.
                lost_races += 1;
                if lost_races > 20 {
                    let said = answer.message();
                    return Err(Error::new(
                        Kind::Busy,
                        format!("{doing}: answered {} again and again: {said}", answer.code),
                    ));
                }
                clock.sleep(Duration::from_millis(20) * lost_races).await;
                continue;
            }
            if !answer.ok() {
                return Err(answer.refusal(doing));
            }
            let written = View::of(&answer.body);
            let guard = self.hold(us, written, started + length).await?;
            return Ok((guard, before));
        }
    }

    async fn hold(&self, us: &Claimant, written: View, until: Duration) -> Outcome<Guard> {
        let held = Arc::new(Held {
            clock: Arc::clone(&self.inner.clock),
            until: AtomicU64::new(0),
            written: Mutex::new(written),
            lost: std::sync::OnceLock::new(),
        });
        held.holds_until(until);
        let renewal = tokio::spawn(keep(self.clone(), us.clone(), Arc::clone(&held)));
        let mut guard = Guard {
            cluster: self.clone(),
            claimant: us.clone(),
            held,
            stored: std::sync::Mutex::default(),
            key: Mutex::default(),
            renewal,
        };
        // Only what is read after the takeover is true: the predecessor may have written until then.
        match self.stored().await {
            Ok(stored) => {
                guard.stored = std::sync::Mutex::new(stored);
                Ok(guard)
            }
            Err(error) => {
                guard.release().await;
                Err(error)
            }
        }
    }
}

fn foreign(why: &str) -> Error {
    Error::new(
        Kind::Foreign,
        format!(
            "{}: {why}; if that is meant: tidegate cluster adopt CLUSTER --reason TEXT",
            codes::FOREIGN_CLUSTER.id
        ),
    )
}

/// Renews the lease every third of its length, until it is lost.
async fn keep(cluster: Cluster, us: Claimant, held: Arc<Held>) {
    let clock = Arc::clone(&cluster.inner.clock);
    let length = held.written.lock().await.length;
    let mut wait = length / 3;
    loop {
        clock.sleep(wait).await;
        let mut written = held.written.lock().await;
        // Past its end somebody else may have it: whoever wakes up late looks before it writes.
        if held.may_write(Duration::ZERO).is_err() {
            match look(&cluster, &us, &written).await {
                Some(Ok(view)) => *written = view,
                Some(Err(holder)) => {
                    let _ = held.lost.set(holder);
                    return;
                }
                None => {
                    wait = length / 10;
                    continue;
                }
            }
        }
        let started = clock.boot();
        let ask = Ask::write(Method::PUT, operator(), &written.object(clock.now()));
        // A renewal that takes longer than the pause between two is better tried again.
        let answer =
            tokio::time::timeout((length / 3).max(Duration::from_millis(50)), cluster.once(&ask)).await;
        wait = length / 10;
        match answer {
            Ok(Ok(answer)) if answer.ok() => {
                *written = View::of(&answer.body);
                held.holds_until(started + length);
                wait = length / 3;
            }
            Ok(Ok(answer)) if answer.code == 409 || answer.code == 404 => {
                match look(&cluster, &us, &written).await {
                    Some(Ok(view)) => {
                        *written = view;
                        wait = Duration::ZERO;
                    }
                    Some(Err(holder)) => {
                        let _ = held.lost.set(holder);
                        return;
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
}

/// The lease as it stands if this hold still has it, else who has it now; `None` if that can't be told.
async fn look(cluster: &Cluster, us: &Claimant, written: &View) -> Option<Result<View, String>> {
    let found = cluster.once(&Ask::get(operator())).await.ok()?;
    if !found.ok() && found.code != 404 {
        return None;
    }
    let view = if found.ok() { View::of(&found.body) } else { View::default() };
    if view.is_still(us, written) {
        return Some(Ok(view));
    }
    Some(Err(if view.holder.is_empty() { "nobody".to_owned() } else { view.holder }))
}

impl Guard {
    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// For whom it is held.
    pub fn claimant(&self) -> &Claimant {
        &self.claimant
    }

    /// Whether a request that takes `length` at most may be started now.
    ///
    /// # Errors
    /// `Fenced`.
    pub fn may_write(&self, length: Duration) -> Outcome<()> {
        self.held.may_write(length)
    }

    /// The records, as read when the lease was taken and written since.
    pub fn records(&self) -> BTreeMap<ProductName, Record> {
        let stored = self.stored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stored.iter().map(|(product, stored)| (product.clone(), stored.record.clone())).collect()
    }

    /// A product's record as it stands in the cluster.
    pub(super) fn stored(&self, product: &ProductName) -> Option<Stored> {
        let stored = self.stored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stored.get(product).cloned()
    }

    /// Writes a product's record where the known one stands; nothing if they are alike.
    pub(super) async fn write(&self, product: &ProductName, record: &Record) -> Outcome<()> {
        let old = self.stored(product);
        if old.as_ref().is_some_and(|old| old.record == *record) {
            return Ok(());
        }
        let new = self.cluster.write_record(&self.held, product, record, old.as_ref()).await?;
        self.keep(product, Some(new));
        Ok(())
    }

    /// Takes a product's record away, if there is one.
    pub(super) async fn forget(&self, product: &ProductName) -> Outcome<()> {
        if let Some(old) = self.stored(product) {
            self.cluster.delete_record(&self.held, product, &old).await?;
            self.keep(product, None);
        }
        Ok(())
    }

    fn keep(&self, product: &ProductName, new: Option<Stored>) {
        let mut stored = self.stored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match new {
            Some(new) => drop(stored.insert(product.clone(), new)),
            None => drop(stored.remove(product)),
        }
    }

    /// The HMAC over secret values, for a record's `secrets`: values by their path in the product's
    /// values. Makes the cluster's key if there is none yet. `None` without values.
    ///
    /// # Errors
    /// When the key can't be read or written.
    pub async fn secrets_digest(&self, values: &BTreeMap<String, Secret>) -> Outcome<Option<Digest>> {
        if values.is_empty() {
            return Ok(None);
        }
        let key = self.key().await?;
        Ok(record::secrets_digest(&key, values.iter().map(|(path, secret)| (path.as_str(), secret.expose()))))
    }

    /// The cluster's key for hashes.
    pub(super) async fn key(&self) -> Outcome<Arc<Vec<u8>>> {
        let mut known = self.key.lock().await;
        if let Some(key) = known.as_ref() {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.cluster.key(Some(&self.held)).await?.unwrap_or_default());
        *known = Some(Arc::clone(&key));
        Ok(key)
    }

    async fn take_records_over(&self) -> Outcome<Vec<ProductName>> {
        let mut taken = Vec::new();
        for (product, old) in self.records() {
            let is_ours = old.journal == self.claimant.journal;
            if is_ours && (!old.is_unfinished() || old.adopted) {
                continue;
            }
            let (journal, fence) = (self.claimant.journal, self.claimant.fence);
            self.write(&product, &Record { journal, fence, adopted: true, ..old }).await?;
            taken.push(product);
        }
        Ok(taken)
    }

    /// Gives the lease back, so that the next process of this journal need not wait.
    pub async fn release(self) {
        self.renewal.abort();
        let ended = self.held.may_write(Duration::ZERO).is_err();
        self.held.holds_until(Duration::ZERO);
        if ended {
            // Lost, or ended by itself: nothing is left to give back, and nothing may be written.
            return;
        }
        let mut view = self.held.written.lock().await.clone();
        // A renewal that was cut short may have been written: then once more on what it wrote. A lease
        // that can't be given back ends by itself.
        for _ in 0..2 {
            let given = View { released: true, ..view.clone() };
            let ask = Ask::write(Method::PUT, operator(), &given.object(self.cluster.inner.clock.now()));
            match self.cluster.once(&ask).await {
                Ok(answer) if answer.code == 409 => {}
                _ => return,
            }
            match self.cluster.once(&Ask::get(operator())).await.map(|found| View::of(&found.body)) {
                Ok(found) if found.is_still(&self.claimant, &view) => view = found,
                _ => return,
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
