//! Which past report this one is compared with, and that this one is kept. Both are conveniences: what goes
//! wrong with them is said beside the report, which comes all the same.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::Context;
use super::shelf::Shelf;
use crate::adapter::sqlite::SqliteReports;
use crate::cli::args::LcmReport;
use crate::cli::failure::Failure;
use crate::diag::{Finding, codes};
use crate::output::exit::Code;
use crate::report::weekly::{self, Past, Weekly};

/// The past reports, as far as this one needs them.
pub(super) struct Before {
    reports: SqliteReports,
    /// The one to compare with.
    then: Option<Past>,
    /// Those of the trend, the oldest first.
    weeks: Vec<Past>,
    /// Whether the new one is to be kept: one of the whole platform, of what sources say now.
    is_kept: bool,
    /// What of those that are kept can't be read, and what that means for this one.
    pub unread: Option<String>,
}

impl Before {
    /// Finds what to compare with. A report that is made from a file of answers is compared only if that is
    /// asked for: it is not of this week.
    ///
    /// # Errors
    /// When a report is asked for and there is none from then or before.
    pub(super) async fn find(args: &LcmReport, context: &Context<'_>) -> Result<Option<Self>, Failure> {
        let is_kept = args.answers.is_none() && args.product.is_empty() && args.owner.is_empty();
        if args.answers.is_some() && args.since.is_none() {
            return Ok(None);
        }
        let reports = SqliteReports::beside(&context.place.journal_path().await?);
        let now = context.place.now();
        let shelf = match Shelf::read(&reports, args.since, now).await {
            Ok(shelf) => shelf,
            Err(fault) if args.since.is_some() => {
                let message = format!("past reports in `{}`: {fault}", shown(reports.path()));
                return Err(Failure::new(Code::Unexpected, Finding::error(&codes::FILE_UNREADABLE, message)));
            }
            Err(fault) => {
                let lost = if is_kept { ", and this report is not kept" } else { "" };
                let file = shown(reports.path());
                let why =
                    format!("there is nothing to compare with{lost}: past reports in `{file}`: {fault}");
                context.surface.aside(&why);
                let unread = Some(why);
                return Ok(Some(Self { reports, then: None, weeks: Vec::new(), is_kept: false, unread }));
            }
        };
        if args.since.is_some() && shelf.then.is_none() {
            return Err(none(&shelf));
        }
        let unread = shelf.unread();
        if let Some(why) = &unread {
            context.surface.aside(why);
        }
        Ok(Some(Self { reports, then: shelf.then, weeks: shelf.weeks, is_kept, unread }))
    }

    /// Compares a report with the past; of products that are not in it nothing is said.
    pub(super) fn compare(&mut self, report: &mut Weekly, args: &LcmReport, context: &Context<'_>) -> Past {
        let now = Past::of(report, context.place.now());
        let narrowed = !args.product.is_empty() || !args.owner.is_empty();
        let shown: BTreeSet<&str> = report.products.iter().map(|product| product.product.as_str()).collect();
        let wanted = |product: &str| !narrowed || shown.contains(product);
        let then = self.then.take().map(|past| past.only(&wanted));
        let weeks: Vec<Past> = self.weeks.drain(..).map(|past| past.only(&wanted)).collect();
        report.since = then.map(|then| weekly::difference(&then, &now));
        // A week alone is no trend.
        if !weeks.is_empty() {
            report.trend = weekly::trend(weeks.iter().chain([&now]));
        }
        now
    }

    /// Keeps the report for the weeks to come.
    pub(super) async fn keep(&self, past: &Past, context: &Context<'_>) {
        if !self.is_kept {
            return;
        }
        if let Err(fault) = self.reports.keep(past).await {
            let file = shown(self.reports.path());
            let words =
                format!("next week there is nothing to compare with: past reports in `{file}`: {fault}");
            context.surface.aside(&words);
        }
    }
}

/// A file as whoever runs this knows it: from the current folder on, if it is in there.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok());
    inside.unwrap_or(path).display().to_string()
}

/// That there is no report to compare with, and which there are.
fn none(shelf: &Shelf) -> Failure {
    let sentence = match &shelf.missed {
        Some(unread) => format!("{unread}; no other one is kept from then or before"),
        None => "no report is kept from then or before".to_owned(),
    };
    let finding = Finding::error(&codes::NO_SUCH_THING, sentence);
    let hint = match (shelf.oldest(), shelf.is_empty()) {
        (Some(oldest), _) => format!("the oldest one that can be read is of {}", oldest.strftime("%Y-%m-%d")),
        (None, false) => "of those that are kept none can be read".to_owned(),
        (None, true) => {
            "each `tidegate lcm report` of the whole platform is kept, for the next one".to_owned()
        }
    };
    Failure::new(Code::NothingSelected, finding.hint(hint))
}
