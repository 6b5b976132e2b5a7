//! Pull requests at GitHub and merge requests at GitLab, by their interfaces for programs
//! (docs.github.com/rest/pulls, docs.gitlab.com/api/merge_requests). What the answers mean is in
//! `request_answers`.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use reqwest::Url;

use super::answers::limited_until;
use super::request_answers::{self as answers, refusal};
use super::settings::Settings;
use crate::adapter::web::{Answer, Ask, Pass, Web};
use crate::lcm::remote::Home;
use crate::model::ForgeKind;
use crate::port::requests::{Draft, OpenRequest, RequestError, Requests};
use crate::port::upstream::{Silence, Unanswered};

/// The requests of one project.
pub struct ForgeRequests {
    web: Arc<Web>,
    settings: Settings,
    home: Home,
    pass: Pass,
}

impl ForgeRequests {
    /// Those of a project, asked over `web` by whom `pass` shows.
    pub fn new(web: Arc<Web>, settings: Settings, home: Home, pass: Pass) -> Self {
        Self { web, settings, home, pass }
    }

    /// Where requests are told and taken, or one of them.
    fn url(&self, number: Option<u64>) -> Result<Url, Unanswered> {
        let what = match self.home.forge {
            ForgeKind::GitHub => "pulls",
            ForgeKind::GitLab => "merge_requests",
        };
        let what = number.map_or_else(|| what.to_owned(), |number| format!("{what}/{number}"));
        self.settings.home(&self.home, &what)
    }

    /// Asks, and judges the answer.
    async fn told(&self, ask: Ask) -> Result<Answer, RequestError> {
        let mut ask = ask.accept(answers::accepted(self.home.forge)).pass(Some(self.pass.clone()));
        if self.home.forge == ForgeKind::GitHub {
            let (name, value) = super::answers::VERSION;
            ask = ask.header(name, value);
        }
        let answer = self.web.ask(ask).await?;
        if let Some(words) = refusal(&answer) {
            return Err(RequestError::Refused(format!("{}: {words}", self.home.remote)));
        }
        let until = limited_until(&answer);
        answer.good().map_err(|silence| self.explained(silence, until).into())
    }

    /// A silence with what helps against it.
    fn explained(&self, silence: Unanswered, until: Option<jiff::Timestamp>) -> Unanswered {
        let noun = self.home.noun();
        let Unanswered { why, message } = silence;
        match (why, until) {
            (Silence::Forbidden | Silence::Limited, Some(until)) => {
                let words = format!("{}: the forge wants to be asked again at {until}", self.home.remote);
                Unanswered::new(Silence::Limited, words)
            }
            (Silence::Forbidden, None) => {
                let right = match self.home.forge {
                    ForgeKind::GitHub => "the permission \"Pull requests: write\"",
                    ForgeKind::GitLab => "the scope `api`, and a role that may open merge requests",
                };
                Unanswered::new(why, format!("{message}; the token of a {noun} needs {right}"))
            }
            (Silence::Missing, None) => {
                let words = "the project is not there, or the token may not see it";
                Unanswered::new(why, format!("{message}; {words}"))
            }
            _ => Unanswered::new(why, message),
        }
    }

    /// Sends something that the forge keeps.
    async fn change(
        &self,
        method: Method,
        url: Url,
        body: &serde_json::Value,
    ) -> Result<OpenRequest, RequestError> {
        let answer = self.told(Ask::change(method, url, "application/json", body.to_string())).await?;
        let read = answers::one(&self.home, &answer.body);
        Ok(read.map_err(|silence| answer.veil.silence(silence))?)
    }
}

#[async_trait]
impl Requests for ForgeRequests {
    async fn of_branch(&self, branch: &str) -> Result<Option<OpenRequest>, Unanswered> {
        let mut url = self.url(None)?;
        match self.home.forge {
            ForgeKind::GitHub => {
                // Without its owner a branch is not looked for at all, and any request would be an answer.
                let owner = self.home.remote.path.split('/').next().unwrap_or_default();
                url.query_pairs_mut()
                    .append_pair("state", "open")
                    .append_pair("head", &format!("{owner}:{branch}"))
                    .append_pair("sort", "created")
                    .append_pair("direction", "desc");
            }
            ForgeKind::GitLab => {
                url.query_pairs_mut()
                    .append_pair("state", "opened")
                    .append_pair("source_branch", branch)
                    .append_pair("order_by", "created_at")
                    .append_pair("sort", "desc");
            }
        }
        url.query_pairs_mut().append_pair("per_page", "20");
        let answer = self.told(Ask::get(url)).await.map_err(|error| match error {
            RequestError::Unanswered(silence) => silence,
            RequestError::Refused(words) => Unanswered::new(Silence::Invalid, words),
        })?;
        let all = answers::all(&self.home, &answer.body).map_err(|silence| answer.veil.silence(silence))?;
        Ok(all.into_iter().find(|request| request.branch == branch))
    }

    async fn open(&self, draft: Draft<'_>) -> Result<OpenRequest, RequestError> {
        let Draft { branch, into, title, body } = draft;
        let body = match self.home.forge {
            ForgeKind::GitHub => {
                serde_json::json!({ "head": branch, "base": into, "title": title, "body": body })
            }
            ForgeKind::GitLab => serde_json::json!({
                "source_branch": branch,
                "target_branch": into,
                "title": title,
                "description": body,
                "remove_source_branch": true,
            }),
        };
        self.change(Method::POST, self.url(None)?, &body).await
    }

    async fn rewrite(&self, number: u64, title: &str, body: &str) -> Result<OpenRequest, RequestError> {
        let url = self.url(Some(number))?;
        match self.home.forge {
            ForgeKind::GitHub => {
                let body = serde_json::json!({ "title": title, "body": body });
                self.change(Method::PATCH, url, &body).await
            }
            ForgeKind::GitLab => {
                let body = serde_json::json!({ "title": title, "description": body });
                self.change(Method::PUT, url, &body).await
            }
        }
    }
}
