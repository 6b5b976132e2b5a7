//! What a step does in its cluster: clear, deploy, settle, remove, test, seal. When a step is tried, and what
//! becomes of its outcome, is in `step`.

use std::collections::BTreeMap;

use crate::catalog::product::Content;
use crate::diag::count;
use crate::journal::{FailureClass, StepId, StepOutcome};
use crate::model::{DeployStep, Duration, ProductName, Test};
use crate::port::{Fault, KubeconfigFile};
use crate::yaml::{Node, Spanned};

use super::cluster::{Applied, Error, JobRun, ProductWork, Removed};
use super::rendering::{self, For};
use super::script::{Script, Try};
use super::secrets;
use super::session::{Opened, Session};
use super::task::Shared;

/// One try of a step, in an open session.
#[derive(Clone, Copy)]
pub struct Deed<'a> {
    /// What the driver's tasks share.
    pub shared: &'a Shared,
    /// The attempt.
    pub session: &'a Session,
    /// Its hold on the cluster.
    pub opened: &'a Opened,
    /// Which try of which step.
    pub id: &'a Try,
    /// How long it may take.
    pub limit: Duration,
}

/// Why a deed has no outcome of its own.
pub enum Trouble {
    /// The cluster, or what is said to it.
    Cluster(Error),
    /// Something beside the cluster.
    Fault(Fault),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Cluster(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What came of it.
pub type Done = Result<StepOutcome, Trouble>;

impl Deed<'_> {
    /// Does it.
    ///
    /// # Errors
    /// When it can't be done; whether the cluster was lost is for the caller to see.
    pub async fn act(self) -> Done {
        match &self.id.step {
            StepId::Clear { product } => self.clear(product).await,
            StepId::Deploy { product, step } => self.deploy(product, step).await,
            StepId::Settle { product } => self.settle(product).await,
            StepId::Remove { product } => self.remove(product).await,
            StepId::Test { product, test } => self.test(product, test).await,
            StepId::Seal => self.seal().await,
        }
    }

    async fn clear(self, product: &ProductName) -> Done {
        let (guard, limit) = (&self.opened.guard, self.limit.std());
        self.with_work(product, async |work| guard.begin(work).await).await?;
        let cleared = self.with_work(product, async |work| guard.clear(work, limit).await).await?;
        Ok(removed_outcome(cleared))
    }

    async fn deploy(self, product: &ProductName, step: &str) -> Done {
        let guard = &self.opened.guard;
        self.with_work(product, async |work| guard.begin(work).await).await?;
        if let Some((script, _kubeconfig)) = self.script().await? {
            return Ok(script.run(&self.shared.world, &self.shared.recorder, self.id).await);
        }
        let limit = self.limit.std();
        let applied = self.with_work(product, async |work| guard.apply(work, step, limit).await).await?;
        Ok(done(applied_words(&applied), applied_facts(&applied)))
    }

    async fn settle(self, product: &ProductName) -> Done {
        let (guard, limit) = (&self.opened.guard, self.limit.std());
        let settled = self.with_work(product, async |work| guard.settle(work, limit).await).await?;
        let mut words = format!("{} ready", settled.ready);
        if !settled.pruned.is_empty() {
            words.push_str(&format!(", {} pruned", settled.pruned.len()));
        }
        if !settled.kept.is_empty() {
            words.push_str(&format!(", {} kept", settled.kept.len()));
        }
        Ok(done(words, lists([("pruned", settled.pruned), ("kept", settled.kept)])))
    }

    async fn remove(self, product: &ProductName) -> Done {
        let removed = self.opened.guard.remove(product, &self.opened.sets, self.limit.std()).await?;
        Ok(removed_outcome(removed))
    }

    async fn seal(self) -> Done {
        let targets = &self.session.cluster().targets;
        let products: Vec<_> = targets.iter().map(|t| (t.product.clone(), t.inputs)).collect();
        self.opened.guard.seal(&products).await?;
        Ok(done(format!("{} verified", count(products.len(), "product")), BTreeMap::new()))
    }

    async fn test(self, product: &ProductName, name: &str) -> Done {
        if let Some((script, _kubeconfig)) = self.script().await? {
            return Ok(script.run(&self.shared.world, &self.shared.recorder, self.id).await);
        }
        let prepared = self.opened.prepared(product)?;
        let Some(Test::Job(test)) = find_test(&prepared.content, name) else {
            return Err(Fault::permanent(format!("{product} has no test `{name}`")).into());
        };
        let what = For {
            cluster: self.session.cluster(),
            target: self.session.target(product)?,
            content: &prepared.content,
            values: &prepared.values,
            provides: &[],
        };
        let job = rendering::job(&what, test)?;
        // The Job of an interrupted try is adopted, so it is looked for under that try's number.
        // Journal and plan are part of its name: after a journal was lost, or put back from a copy, ids
        // come again, and the verdict of a run that nobody knows any more must not count.
        let run = (self.opened.guard.claimant().journal, self.session.plan.made_at);
        let key = format!("{} {} {} {} {}", run.0, run.1, self.session.attempt, self.id.step, self.id.first);
        let mask = self.opened.known.mask();
        let run = JobRun { product, job: &job, key, timeout: self.limit.std(), mask: &mask };
        let ran = self.opened.guard.run_job(&run).await?;
        if ran.passed {
            return Ok(done(format!("passed ({})", ran.job), BTreeMap::new()));
        }
        Ok(StepOutcome::Failed {
            class: FailureClass::Test,
            cause: format!("{}: {}", ran.job, ran.cause),
            output: Vec::new(),
        })
    }

    /// The script of a step or test, if it is one; the kubeconfig file lives as long as its guard.
    ///
    /// # Errors
    /// When a secret or the kubeconfig can't be had.
    pub async fn script(self) -> Result<Option<(Script, KubeconfigFile)>, Fault> {
        let Some(product) = self.id.step.product() else { return Ok(None) };
        let prepared = self.opened.prepared(product)?;
        let Some((command, observe, env)) = command(&prepared.content, &self.id.step) else {
            return Ok(None);
        };
        let world = &self.shared.world;
        let (mut variables, mut hidden) = (BTreeMap::new(), BTreeMap::new());
        if let Some(env) = env {
            (variables, hidden) = secrets::environment(&*world.secrets, &env.to_json()).await?;
            // What a script is given may come back later, in the words of what it made.
            self.opened.known.add(hidden.values());
        }
        let kubeconfig = world.clusters.kubeconfig(&self.session.cluster().access).await?;
        variables.insert("KUBECONFIG".to_owned(), kubeconfig.path.display().to_string());
        variables.insert("TIDEGATE_PRODUCT".to_owned(), product.to_string());
        variables.insert("TIDEGATE_VERSION".to_owned(), prepared.state.version.to_string());
        let script = Script {
            files: prepared.content.tree.clone(),
            command: texts(command),
            observe: observe.map(texts),
            env: variables,
            secrets: hidden,
            mask: self.opened.known.all(),
            timeout: self.limit,
        };
        Ok(Some((script, kubeconfig)))
    }

    async fn with_work<T>(
        &self,
        product: &ProductName,
        f: impl AsyncFnOnce(&ProductWork<'_>) -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        self.session.with_work(self.opened, product, f).await
    }
}

/// Command, `observe` and environment of a step or test that is a script.
type Command<'c> = (&'c [Spanned<String>], Option<&'c [Spanned<String>]>, Option<&'c Node>);

fn command<'c>(content: &'c Content, step: &StepId) -> Option<Command<'c>> {
    match step {
        StepId::Deploy { step: name, .. } => {
            let steps = content.file.spec.named_steps();
            match steps.into_iter().find(|(n, _)| n == name).map(|(_, s)| &s.value) {
                Some(DeployStep::Run(run)) => Some((&run.command, run.observe.as_deref(), run.env.as_ref())),
                _ => None,
            }
        }
        StepId::Test { test: name, .. } => match find_test(content, name) {
            Some(Test::Run(run)) => Some((&run.command, None, run.env.as_ref())),
            _ => None,
        },
        StepId::Clear { .. } | StepId::Settle { .. } | StepId::Remove { .. } | StepId::Seal => None,
    }
}

fn texts(words: &[Spanned<String>]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

fn find_test<'c>(content: &'c Content, name: &str) -> Option<&'c Test> {
    content.file.spec.tests.iter().map(|t| &t.value).find(|t| t.name().value.as_str() == name)
}

fn done(summary: String, evidence: BTreeMap<String, serde_json::Value>) -> StepOutcome {
    StepOutcome::Done { summary, evidence }
}

fn removed_outcome(removed: Removed) -> StepOutcome {
    let words = format!("{} deleted, {} kept", count(removed.deleted.len(), "object"), removed.kept.len());
    done(words, lists([("deleted", removed.deleted), ("kept", removed.kept)]))
}

fn applied_words(applied: &Applied) -> String {
    let all = applied.created + applied.changed + applied.same + applied.skipped + applied.recreated;
    let mut words = count(all, "object");
    for (count, word) in
        [(applied.created, "created"), (applied.changed, "changed"), (applied.recreated, "recreated")]
    {
        if count > 0 {
            words.push_str(&format!(", {count} {word}"));
        }
    }
    if applied.created + applied.changed + applied.recreated == 0 {
        words.push_str(", none changed");
    }
    words
}

fn applied_facts(applied: &Applied) -> BTreeMap<String, serde_json::Value> {
    let mut facts: BTreeMap<String, serde_json::Value> = [
        ("created", applied.created),
        ("changed", applied.changed),
        ("same", applied.same),
        ("skipped", applied.skipped),
        ("recreated", applied.recreated),
        ("retried", applied.retried),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(name, count)| (name.to_owned(), count.into()))
    .collect();
    if !applied.warnings.is_empty() {
        facts.insert("warnings".to_owned(), applied.warnings.clone().into());
    }
    facts
}

fn lists<const N: usize>(lists: [(&str, Vec<String>); N]) -> BTreeMap<String, serde_json::Value> {
    lists.into_iter().filter(|(_, l)| !l.is_empty()).map(|(name, l)| (name.to_owned(), l.into())).collect()
}
