//! Forges: GitHub and GitLab. Tags are read by git's own protocol, one question for all of them, which no
//! limit of an interface counts; releases and what their makers wrote come from the interfaces.

mod answers;
mod refs;
mod request_answers;
mod requests;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::Url;
use tokio::sync::OnceCell;

pub use requests::ForgeRequests;
pub use settings::Settings;

use super::web::{Answer, Ask, Lead, Pass, Web, next_page};
use crate::port::upstream::{Forge, Project, Published, Silence, Tags, Unanswered};
use settings::Api;

/// The most pages of releases that are read, 100 on each: older ones than those of a few years are no news.
const PAGES: usize = 10;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The most bytes of a listing of tags: some 800,000 of them.
const REFS: u64 = 64 * 1024 * 1024;

/// All forges, for one run.
pub struct Forges {
    web: Arc<Web>,
    settings: Settings,
    listed: Mutex<BTreeMap<Project, Once<Tags>>>,
    released: Mutex<BTreeMap<Project, Once<Vec<Published>>>>,
}

/// An answer for all who ask for it at once or later.
type Once<T> = Arc<OnceCell<Result<Arc<T>, Unanswered>>>;

impl Forges {
    /// Forges asked over `web`.
    pub fn new(web: Arc<Web>, settings: Settings) -> Self {
        Self { web, settings, listed: Mutex::default(), released: Mutex::default() }
    }

    async fn refs(&self, project: &Project) -> Result<Tags, Unanswered> {
        let url = self.settings.git(project)?;
        let ask = Ask::post(url, refs::ASKED, refs::question())
            .accept(refs::ANSWERED)
            .header(refs::PROTOCOL.0, refs::PROTOCOL.1)
            .pass(self.settings.pass(project, Api::Git))
            .most(REFS);
        let answer = self.judged(project, self.web.ask(ask).await?)?;
        refs::tags(&answer.body)
            .map_err(|why| answer.veil.plain(&why))
            .map_err(|why| Unanswered::new(Silence::Invalid, format!("the tags of {project}: {why}")))
    }

    async fn published(&self, project: &Project) -> Result<Vec<Published>, Unanswered> {
        let first = self.settings.api(project, "releases?per_page=100")?;
        let mut next = Some(self.ask(project, first));
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let Some(ask) = next.take() else { break };
            let answer = self.judged(project, self.web.ask(ask).await?)?;
            let page = answers::releases(project, &answer.body);
            all.extend(page.map_err(|silence| answer.veil.silence(silence))?);
            let Some(text) = next_page(&answer.headers) else { break };
            let url = answer.whence.url.join(&text).map_err(|_| {
                Unanswered::new(
                    Silence::Invalid,
                    format!("the releases of {project}: the next page has no address"),
                )
            })?;
            next = Some(self.ask(project, url).led(&answer.whence, Lead::On));
        }
        all.sort_by(|one: &Published, other| (other.at, &other.tag).cmp(&(one.at, &one.tag)));
        all.dedup_by(|one, other| one.tag == other.tag);
        Ok(all)
    }

    fn ask(&self, project: &Project, url: Url) -> Ask {
        let ask =
            Ask::get(url).accept(answers::accepted(project)).pass(self.settings.pass(project, Api::Rest));
        match answers::version(project) {
            Some((name, value)) => ask.header(name, value).kept(),
            None => ask.kept(),
        }
    }

    /// An answer, if it is one. GitHub refuses who has asked too often with 403, as it refuses strangers.
    fn judged(&self, project: &Project, answer: Answer) -> Result<Answer, Unanswered> {
        let until = answers::limited_until(&answer);
        let known = self.settings.is_known(project);
        answer.good().map_err(|silence| match (silence.why, until) {
            (Silence::Forbidden | Silence::Limited, Some(until)) => {
                let hint = if known { "" } else { "; with a token it may be asked more often" };
                let words = format!("{project}: the forge wants to be asked again at {until}{hint}");
                Unanswered::new(Silence::Limited, words)
            }
            _ => silence,
        })
    }

    fn once<T>(all: &Mutex<BTreeMap<Project, Once<T>>>, project: &Project) -> Once<T> {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(project.clone()).or_default())
    }
}

#[async_trait]
impl Forge for Forges {
    async fn releases(&self, project: &Project) -> Result<Arc<Vec<Published>>, Unanswered> {
        let once = Self::once(&self.released, project);
        once.get_or_init(async || self.published(project).await.map(Arc::new)).await.clone()
    }

    async fn tags(&self, project: &Project) -> Result<Arc<Tags>, Unanswered> {
        let once = Self::once(&self.listed, project);
        once.get_or_init(async || self.refs(project).await.map(Arc::new)).await.clone()
    }

    async fn file(&self, project: &Project, at: &str, path: &str) -> Result<Option<String>, Unanswered> {
        let url = self.settings.file(project, at, path)?;
        let ask = Ask::get(url).pass(self.settings.pass(project, Api::Files)).most(LARGEST).kept();
        let answer = match self.judged(project, self.web.ask(ask).await?) {
            Err(silence) if silence.why == Silence::Missing => return Ok(None),
            other => other?,
        };
        let no_text = |_| Unanswered::new(Silence::Invalid, format!("{project}: `{path}` is no text"));
        String::from_utf8(answer.body).map(Some).map_err(no_text)
    }
}

/// Names of environment variables that hold tokens, the first that is set counts: as the forges' own programs
/// and pipelines name them.
pub fn tokens(env: &dyn Fn(&str) -> Option<String>) -> (Option<Pass>, Option<Pass>) {
    let first = |names: &[&str]| {
        let set = names.iter().find_map(|name| env(name).filter(|value| !value.is_empty()))?;
        Some(Pass::bearer(&crate::port::Secret::new(set)))
    };
    (first(&["GH_TOKEN", "GITHUB_TOKEN"]), first(&["GITLAB_TOKEN", "CI_JOB_TOKEN"]))
}
