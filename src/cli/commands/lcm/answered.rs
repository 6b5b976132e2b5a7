//! What sources answered for a report: those that are asked now, or a file of what they said then.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;

use super::super::Context;
use super::report::Platform;
use crate::cli::args::{LcmReport, WhenPackages};
use crate::cli::failure::Failure;
use crate::cli::upstreams::Asking;
use crate::diag::{Finding, codes};
use crate::engine::newer::{self, Comparing, Learned, Looked, Scanned};
use crate::lcm::answers::{KIND, Recorded};
use crate::lcm::row::InUse;
use crate::output::envelope::API_VERSION;
use crate::output::exit::Code;
use crate::scan::vulnerabilities as scan;

/// What sources answered.
pub(super) struct Answered {
    pub looked: Looked,
    /// When they were asked, if that was not now.
    pub then: Option<Timestamp>,
}

impl Answered {
    /// Asks the sources, or reads the file of answers that is given.
    pub async fn now_or_then(
        args: &LcmReport,
        platform: &Platform,
        used: &InUse,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        match &args.answers {
            Some(path) => Self::then(path, platform, used),
            None => Self::now(args, platform, used, context).await,
        }
    }

    async fn now(
        args: &LcmReport,
        platform: &Platform,
        used: &InUse,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let Platform { catalog, policies, projects } = platform;
        let git = context.place.repository().await?;
        let sources = catalog.sources.as_ref().map(|loaded| &loaded.file);
        let own = catalog.support.as_ref().map(|loaded| &loaded.file.spec);
        let within = args.within.std();
        let within = context.place.globals().wait_timeout.map_or(within, |most| within.min(most.std()));
        let begun = Instant::now();
        let upstreams = Asking::of(&context.place, Some(git.root()), sources, Some(within))?.upstreams();
        let mut looked = newer::look(used, policies, projects, own, &upstreams).await;
        if wants_packages(args) {
            let with = Comparing {
                catalog,
                kubernetes: &used.kubernetes,
                renderer: &*context.place.renderer(),
                within: within.saturating_sub(begun.elapsed()),
            };
            let compared = newer::compare(&looked.rows, &looked.answers, &upstreams, &with).await;
            looked.learned.material.compared = compared;
        }
        Ok(Self { looked, then: None })
    }

    fn then(path: &Path, platform: &Platform, used: &InUse) -> Result<Self, Failure> {
        let mut recorded = recorded(path)?;
        let then = Some(recorded.at);
        let silent = recorded.silent();
        let asked = recorded.releases.len() + usize::from(!recorded.support.is_empty()) + silent.len();
        let scanned = Scanned { looked: scans(&mut recorded, path)?, ..Scanned::default() };
        let own = platform.catalog.support.as_ref().map(|loaded| &loaded.file.spec);
        let (answers, material) = recorded.read(own).map_err(|why| unread(path, why))?;
        let rows = newer::rows(&platform.policies, used, &answers);
        let learned = Learned { material, silent, asked };
        Ok(Self { looked: Looked { answers, rows, learned, scanned }, then })
    }

    /// Writes all of it to a file, from which a report can be made again.
    pub fn save(&self, path: &Path, now: Timestamp) -> Result<(), Failure> {
        let Looked { answers, learned, scanned, .. } = &self.looked;
        let silent = [&learned.silent[..], &scanned.silent].concat();
        let at = self.then.unwrap_or(now);
        let mut recorded = Recorded::of(answers, &learned.material, &silent, at);
        // Texts, numbers and lists of them always have a form in JSON.
        recorded.scans =
            (!scanned.looked.is_empty()).then(|| serde_json::to_value(&scanned.looked).unwrap_or_default());
        let document = serde_json::json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "generatedAt": recorded.at,
            "data": recorded,
        });
        std::fs::write(path, format!("{document:#}\n")).map_err(|error| {
            let message = format!("the answers can't be written to `{}`: {error}", path.display());
            Failure::new(Code::Unexpected, Finding::error(&codes::FILE_UNREADABLE, message))
        })
    }
}

/// Whether packages are fetched: for a whole platform they are more than everything else that is asked.
fn wants_packages(args: &LcmReport) -> bool {
    match args.packages {
        WhenPackages::Auto => !args.product.is_empty(),
        WhenPackages::Always => true,
        WhenPackages::Never => false,
    }
}

/// What was said about vulnerabilities, as a file keeps it.
fn scans(recorded: &mut Recorded, path: &Path) -> Result<scan::Looked, Failure> {
    let kept = recorded.scans.take().map(serde_json::from_value).transpose();
    kept.map(Option::unwrap_or_default).map_err(|error| unread(path, format!("scans: {error}")))
}

/// Answers of a file.
fn recorded(path: &Path) -> Result<Recorded, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        api_version: String,
        kind: String,
    }
    #[derive(serde::Deserialize)]
    struct Document {
        data: Recorded,
    }
    let bytes = std::fs::read(path).map_err(|error| unread(path, error))?;
    let head: Head = serde_json::from_slice(&bytes).map_err(|error| unread(path, error))?;
    if head.kind != KIND || head.api_version != API_VERSION {
        let Head { api_version, kind } = head;
        let why =
            format!("it holds `{kind}` of `{api_version}`, where `{KIND}` of `{API_VERSION}` is expected");
        return Err(unread(path, why));
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| unread(path, error))?;
    Ok(document.data)
}

fn unread(path: &Path, why: impl std::fmt::Display) -> Failure {
    let message = format!("{}: {why}", path.display());
    let finding = Finding::error(&codes::FILE_UNREADABLE, message);
    Failure::new(Code::Invalid, finding.next("tidegate lcm report --save-answers FILE"))
}
