//! The work on one product in one cluster: begin its record, settle, remove, seal. Applying a step is
//! in `apply`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::apply::inventory::{Entry, Inventory};
use crate::apply::prune::check_shrinking;
use crate::apply::record::{Author, LastVerdict, Record, State};
use crate::apply::{Kind as ObjectKind, ObjectId, ProductSet};
use crate::diag::codes;
use crate::digest::Digest;
use crate::model::{Conflicts, ProductName, RecordPhase, RolloutId, Tombstone, TombstoneWhen};
use crate::render::Mask;

use super::prune::Candidate;
use super::{Cluster, Error, Guard, Kind, Outcome};

/// How long sealing waits for objects that are not ready at that moment.
const SEAL_PATIENCE: Duration = Duration::from_secs(60);

/// What a person said about deletions that look like a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirmation {
    /// Nothing: an empty set, or one smaller by more than 30 %, stops.
    #[default]
    None,
    /// Go on.
    Prune,
}

/// One product of one attempt.
pub struct ProductWork<'a> {
    /// The product; one of `all`, unless it is removed.
    pub product: &'a ProductName,
    /// The rollout.
    pub rollout: &'a RolloutId,
    /// The attempt's number.
    pub attempt: u32,
    /// The state to bring about (its phase is set here).
    pub state: &'a State,
    /// The rendered objects of every product of the cluster's desired set.
    pub all: &'a [ProductSet],
    /// What to do when another manager owns a field.
    pub conflicts: Conflicts,
    /// Objects that the product once brought and that must not be there any more.
    pub tombstones: &'a [Tombstone],
    /// Whether what is there beyond the set stays: a one-way step brought it, and a rollback does not
    /// undo that.
    pub keeps: bool,
    /// What was said about deletions.
    pub confirmation: Confirmation,
    /// Hides the secret values that were rendered into the objects.
    pub mask: &'a Mask,
}

impl ProductWork<'_> {
    pub(super) fn hide(&self, error: Error) -> Error {
        error.hidden(self.mask)
    }

    pub(super) fn no_record(&self) -> Error {
        Error::new(
            Kind::Record,
            format!("{} has no record in the cluster, although it was begun", self.product),
        )
    }
}

/// What applying a step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Objects that were not there before.
    pub created: usize,
    /// Objects that were sent and changed.
    pub changed: usize,
    /// Objects that were sent and did not change.
    pub same: usize,
    /// Objects that were proved unchanged and not sent.
    pub skipped: usize,
    /// Objects deleted and made anew.
    pub recreated: usize,
    /// Requests that had to be repeated.
    pub retried: usize,
    /// What the API server warned of, each once, and what was taken over.
    pub warnings: Vec<String>,
}

/// What settling did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Objects that were deleted.
    pub pruned: Vec<String>,
    /// Objects that were kept although the product no longer has them, each with the reason.
    pub kept: Vec<String>,
    /// Objects that were waited for and are ready.
    pub ready: usize,
}

/// What removing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Objects that were deleted.
    pub deleted: Vec<String>,
    /// Objects that were kept, each with the reason.
    pub kept: Vec<String>,
}

impl Guard {
    /// Writes the product's record as `applying`, its inventory a superset of what is there and what
    /// will be. Done again for the same attempt it changes nothing; to be called before every deploy
    /// step, also before a script's.
    ///
    /// # Errors
    /// `Confirm`, `Record`, `Fenced`, and when the cluster can't be asked.
    pub async fn begin(&self, work: &ProductWork<'_>) -> Outcome<()> {
        let objects = self.identities(work).await?;
        let old = self.stored(work.product).map(|stored| stored.record);
        if let Some(old) = old.as_ref().filter(|old| !goes_on(old, work, objects.iter().map(|(id, _)| id))) {
            let new = objects.iter().map(|(id, _)| id.clone()).collect();
            if let Some(why) = self.cluster.shrinks(work, old, &new).await? {
                return Err(Error::new(Kind::Confirm, why));
            }
        }
        let author = Author {
            journal: self.claimant.journal,
            fence: self.claimant.fence,
            rollout: work.rollout.clone(),
            attempt: work.attempt,
        };
        let record = Record::begin(old.as_ref(), &author, work.state.clone(), objects);
        self.write(work.product, &record).await
    }

    /// Why a person must say first that so many of the product's objects are to be deleted, if
    /// nobody has; asked before the first write, and by `begin` once more. Only reads.
    ///
    /// # Errors
    /// When the cluster can't be asked.
    pub async fn shrinks(&self, work: &ProductWork<'_>) -> Outcome<Option<String>> {
        let Some(old) = self.stored(work.product).map(|stored| stored.record) else { return Ok(None) };
        let owners = self.cluster.owners_of(work.all).await?;
        let own = owners.into_iter().filter(|(_, product)| product == work.product);
        let new: BTreeSet<ObjectId> = own.map(|(id, _)| id).collect();
        if goes_on(&old, work, new.iter()) {
            return Ok(None);
        }
        self.cluster.shrinks(work, &old, &new).await
    }

    /// The product's objects with the versions they are applied in.
    async fn identities(&self, work: &ProductWork<'_>) -> Outcome<Vec<(ObjectId, String)>> {
        let pieces = self.cluster.pieces(work.product, work.all, &self.key().await?).await?;
        Ok(pieces.into_iter().map(|piece| (piece.id, piece.kind.version)).collect())
    }

    /// Ends a product's deployment: deletes what it no longer has, waits until all of it is ready,
    /// records `applied`.
    ///
    /// # Errors
    /// `NotReady`, `TimedOut`, `Fenced`; the cause says what is not ready and why.
    pub async fn settle(&self, work: &ProductWork<'_>, limit: Duration) -> Outcome<Settled> {
        self.settle_openly(work, limit).await.map_err(|error| work.hide(error))
    }

    async fn settle_openly(&self, work: &ProductWork<'_>, limit: Duration) -> Outcome<Settled> {
        let until = self.cluster.inner.clock.boot() + limit;
        let record = self.stored(work.product).ok_or_else(|| work.no_record())?.record;
        let own: BTreeSet<ObjectId> = self.identities(work).await?.into_iter().map(|(id, _)| id).collect();
        let owners = self.cluster.owners_of(work.all).await?;
        let (mine, rest): (Vec<&Entry>, Vec<&Entry>) =
            record.inventory.entries.iter().partition(|entry| own.contains(&entry.id));
        let held = mine.iter().filter_map(|entry| entry.uid.clone()).collect();
        let mut candidates: Vec<Candidate> =
            rest.into_iter().map(|entry| Candidate { entry: entry.clone(), meant: false }).collect();
        // What was to go before is gone: if something of that name is there now, it was made since.
        for candidate in self.named(work, TombstoneWhen::After, &record.inventory).await? {
            match candidates.iter_mut().find(|c| c.entry.id == candidate.entry.id) {
                Some(known) => known.meant = true,
                None => candidates.push(candidate),
            }
        }
        // What a one-way step brought stays, and in the inventory too.
        if work.keeps {
            candidates.retain(|candidate| candidate.meant);
        }
        let pruned = self.prune(work.product, &candidates, &owners, &held, until).await?;
        let stays = |entry: &&Entry| work.keeps && !own.contains(&entry.id);
        let stay: Vec<Entry> = record.inventory.entries.iter().filter(stays).cloned().collect();
        let mine: Vec<Entry> = mine.into_iter().cloned().collect();
        let ready = self.cluster.wait_ready(&mine, until).await?;
        let entries = mine.into_iter().chain(stay).collect();
        let inventory = Inventory { hashing: record.inventory.hashing, entries };
        let current = State { phase: RecordPhase::Applied, ..record.current.clone() };
        self.write(work.product, &Record { current, inventory, ..record }).await?;
        Ok(Settled { pruned: pruned.deleted, kept: pruned.kept, ready })
    }

    /// Deletes what must be gone before anything of the product is applied: its tombstones that say so,
    /// as far as they are there and nothing keeps them. `begin` came before. Done again it finds nothing.
    ///
    /// # Errors
    /// `TimedOut` names object, finalizers and how long it has been going; `Fenced`, and when the cluster
    /// can't be asked.
    pub async fn clear(&self, work: &ProductWork<'_>, limit: Duration) -> Outcome<Removed> {
        let until = self.cluster.inner.clock.boot() + limit;
        let record = self.stored(work.product).ok_or_else(|| work.no_record())?.record;
        let owners = self.cluster.owners_of(work.all).await?;
        let own = record.inventory.entries.iter().filter(|entry| owners.contains_key(&entry.id));
        let held = own.filter_map(|entry| entry.uid.clone()).collect();
        let candidates = self.named(work, TombstoneWhen::Before, &record.inventory).await?;
        let pruned = self.prune(work.product, &candidates, &owners, &held, until).await?;
        Ok(Removed { deleted: pruned.deleted, kept: pruned.kept })
    }

    /// The product's tombstones of one moment, each with what the inventory knows of it.
    async fn named(
        &self,
        work: &ProductWork<'_>,
        when: TombstoneWhen,
        inventory: &Inventory,
    ) -> Outcome<Vec<Candidate>> {
        let stones = work.tombstones.iter().filter(|stone| stone.when == when);
        let known = self.cluster.tombstones(stones).await?.into_iter().map(|(kind, id)| {
            let unknown = |id| Entry { id, version: kind.version, uid: None, proof: None };
            let entry = inventory.get(&id).cloned().unwrap_or_else(|| unknown(id));
            Candidate { entry, meant: true }
        });
        Ok(known.collect())
    }

    /// Takes a product away with everything in its inventory that no product of `all` has, then its
    /// record.
    ///
    /// # Errors
    /// `TimedOut` names object, finalizers and how long it has been going; the inventory is kept.
    pub async fn remove(
        &self,
        product: &ProductName,
        all: &[ProductSet],
        limit: Duration,
    ) -> Outcome<Removed> {
        let until = self.cluster.inner.clock.boot() + limit;
        let Some(stored) = self.stored(product) else { return Ok(Removed::default()) };
        let owners = self.cluster.owners_of(all).await?;
        let entries = stored.record.inventory.entries.iter().cloned();
        let candidates: Vec<Candidate> = entries.map(|entry| Candidate { entry, meant: false }).collect();
        let pruned = self.prune(product, &candidates, &owners, &BTreeSet::new(), until).await?;
        self.forget(product).await?;
        Ok(Removed { deleted: pruned.deleted, kept: pruned.kept })
    }

    /// Records products as `verified`, each of which must be recorded with these inputs and be ready.
    ///
    /// # Errors
    /// `Record` when one is not, `NotReady`, `TimedOut`, `Fenced`, and when the cluster can't be asked.
    pub async fn seal(&self, products: &[(ProductName, Digest)]) -> Outcome<()> {
        let until = self.cluster.inner.clock.boot() + SEAL_PATIENCE;
        let mut records = Vec::new();
        for (product, inputs) in products {
            let wrong = |is: String| {
                Error::new(Kind::Record, format!("the record of {product} is {is}, so it can't be sealed"))
            };
            let record = self.stored(product).ok_or_else(|| wrong("missing".to_owned()))?.record;
            let current = &record.current;
            if current.inputs != *inputs || current.phase == RecordPhase::Applying {
                return Err(wrong(format!("`{}` with inputs {}", current.phase, current.inputs)));
            }
            records.push((product, record));
        }
        let all: Vec<Entry> = records.iter().flat_map(|(_, r)| r.inventory.entries.iter().cloned()).collect();
        self.cluster.wait_ready(&all, until).await?;
        for (product, record) in records {
            if record.current.phase == RecordPhase::Verified {
                continue;
            }
            let verdict =
                LastVerdict { rollout: record.rollout.clone(), inputs: record.current.inputs, passed: true };
            let current = State { phase: RecordPhase::Verified, ..record.current.clone() };
            self.write(product, &Record { current, verdict: Some(verdict), ..record }).await?;
        }
        Ok(())
    }
}

/// Whether a try goes on where a confirmed or harmless first one stopped.
fn goes_on<'i>(
    old: &Record,
    work: &ProductWork<'_>,
    mut objects: impl Iterator<Item = &'i ObjectId>,
) -> bool {
    old.is_unfinished()
        && old.current.inputs == work.state.inputs
        && objects.all(|id| old.inventory.get(id).is_some())
}

impl Cluster {
    /// Why so many deletions need a person's word, if they do and there is none.
    async fn shrinks(
        &self,
        work: &ProductWork<'_>,
        old: &Record,
        new: &BTreeSet<ObjectId>,
    ) -> Outcome<Option<String>> {
        if work.confirmation == Confirmation::Prune {
            return Ok(None);
        }
        let meant = self.tombstones(work.tombstones.iter()).await?.into_iter().map(|(_, id)| id).collect();
        let code = codes::PRUNE_CONFIRMATION.id;
        let checked = check_shrinking(&old.inventory, new, &meant);
        Ok(checked.err().map(|why| format!("{code}: product {}: {why}", work.product)))
    }

    /// Tombstones as identities; kinds that the cluster does not know can't be there.
    async fn tombstones<'s>(
        &self,
        stones: impl Iterator<Item = &'s Tombstone>,
    ) -> Outcome<Vec<(ObjectKind, ObjectId)>> {
        let served = self.served().await?;
        let known = stones.filter_map(|stone| {
            let kind = ObjectKind::parse(&stone.api_version, &stone.kind);
            let resource = served.any_version(&kind)?;
            let namespace = match resource.namespaced {
                true => stone.namespace.clone().unwrap_or("default".to_owned()),
                false => String::new(),
            };
            let id = ObjectId {
                group: kind.group.clone(),
                kind: kind.kind.clone(),
                namespace,
                name: stone.name.clone(),
            };
            Some((resource.kind.clone(), id))
        });
        Ok(known.collect())
    }
}
