//! What images a cluster runs: the lists that tell it, page by page, each page gone before the next one comes.
//! What is made of them is for `lcm::live`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::{Ask, Form, escape};
use super::{Cluster, Error, Kind, Outcome};
use crate::apply::Kind as ObjectKind;
use crate::lcm::live::{Custom, Fields, Named, Page, Pod, Seen, Templated};

/// How many objects come in one page.
const PAGE: usize = 200;

/// The most pages of one list: two million objects. A server whose list has no end must not keep anybody.
const MOST_PAGES: usize = 10_000;

/// How often a list may begin anew that became too old between two pages.
const MOST_STARTS: usize = 3;

/// What makes pods: path, group and kind. Those that others make come before the others are asked.
const TEMPLATED: [(&str, &str, &str); 7] = [
    ("/apis/apps/v1/replicasets", "apps", "ReplicaSet"),
    ("/apis/apps/v1/deployments", "apps", "Deployment"),
    ("/apis/apps/v1/statefulsets", "apps", "StatefulSet"),
    ("/apis/apps/v1/daemonsets", "apps", "DaemonSet"),
    ("/api/v1/replicationcontrollers", "", "ReplicationController"),
    ("/apis/batch/v1/jobs", "batch", "Job"),
    ("/apis/batch/v1/cronjobs", "batch", "CronJob"),
];

/// Whether a cluster must have a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Always,
    IfServed,
}

impl Cluster {
    /// Sees what images run. What can't be listed is told, one sentence each, and the rest is seen all the same.
    ///
    /// # Errors
    /// When the cluster can't be reached any more, or lets nobody list pods.
    pub async fn images(&self, fields: &Fields, seen: &mut Seen) -> Outcome<Vec<String>> {
        let mut lost = Vec::new();
        let namespaces = self.required("/api/v1/namespaces", "namespaces", |one: Named| seen.namespace(&one));
        keep(namespaces.await, &mut lost)?;
        for (path, group, kind) in TEMPLATED {
            let listed = self.optional(path, kind, |one: Templated| seen.templated((group, kind), &one));
            keep(listed.await, &mut lost)?;
        }
        for kind in fields.kinds() {
            let (group, name) = (kind.group.clone(), kind.kind.clone());
            let wanted = ObjectKind { group, kind: name, version: String::new() };
            // A cluster need not have the kind.
            let served = self.served().await?;
            let Some(resource) = served.any_version(&wanted) else { continue };
            let path = resource.collection(None);
            keep(self.optional(&path, &kind.kind, |one: Custom| seen.custom(kind, one)).await, &mut lost)?;
        }
        self.required("/api/v1/pods", "pods", |one: Pod| seen.pod(&one)).await?;
        Ok(lost)
    }

    /// Every item of a list that every cluster has.
    async fn required<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        each: impl FnMut(T),
    ) -> Outcome<()> {
        self.pages(path, what, Wanted::Always, each).await
    }

    /// Every item of a list that a cluster need not have.
    async fn optional<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        each: impl FnMut(T),
    ) -> Outcome<()> {
        self.pages(path, what, Wanted::IfServed, each).await
    }

    /// Every item of a list, one after the other.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        wanted: Wanted,
        mut each: impl FnMut(T),
    ) -> Outcome<()> {
        let doing = format!("listing its {what}");
        let (mut next, mut starts) = (String::new(), 0);
        for _ in 0..MOST_PAGES {
            let ask = Ask::get(format!("{path}?limit={PAGE}{next}")).form(Form::Text);
            let answer = self.ask(&ask, None, self.soon()).await.map_err(|e| e.doing(&doing))?;
            match answer.code {
                410 if !next.is_empty() && starts < MOST_STARTS => {
                    starts += 1;
                    next.clear();
                    continue;
                }
                // Behind the first page it is a part that is missing, and not the kind.
                404 if wanted == Wanted::IfServed && next.is_empty() && starts == 0 => return Ok(()),
                _ if !answer.ok() => return Err(answer.refusal(&doing)),
                _ => {}
            }
            let Value::String(text) = answer.body else {
                return Err(Error::new(Kind::Other, format!("{doing}: the answer is empty")));
            };
            let broken =
                |e| Error::new(Kind::Other, format!("{doing}: the answer is no list of objects: {e}"));
            let page: Page<T> = serde_json::from_str(&text).map_err(broken)?;
            page.items.into_iter().for_each(&mut each);
            match page.metadata.r#continue.filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", escape(&token)),
                None => return Ok(()),
            }
        }
        Err(Error::new(Kind::Other, format!("{doing}: the list has no end")))
    }
}

/// One list that can't be had is told; a cluster that is gone ends it all.
fn keep(listed: Outcome<()>, lost: &mut Vec<String>) -> Outcome<()> {
    match listed {
        Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Unauthorized) => Err(error),
        Err(error) => {
            lost.push(error.message);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
