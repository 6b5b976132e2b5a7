//! Which past report this one is compared with, and that this one is kept. Both are conveniences: what goes
//! wrong with them is said beside the report, which comes all the same.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::Context;
use crate::adapter::sqlite::SqliteReports;
use crate::cli::args::LcmReport;
use crate::cli::failure::Failure;
use crate::diag::{Finding, codes};
use crate::output::exit::Code;
use crate::port::Fault;
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
    /// Why there is nothing to compare with, if those that are kept can't be read.
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
        let (kept, then, weeks) = match read(&reports, args, now).await {
            Ok(read) => read,
            Err(fault) if args.since.is_some() => {
                let finding = Finding::error(&codes::FILE_UNREADABLE, fault.message);
                return Err(Failure::new(Code::Unexpected, finding));
            }
            Err(fault) => {
                let why = format!("there is nothing to compare with: {fault}");
                context.surface.aside(&why);
                let unread = Some(why);
                return Ok(Some(Self { reports, then: None, weeks: Vec::new(), is_kept: false, unread }));
            }
        };
        if args.since.is_some() && then.is_none() {
            return Err(none(&kept));
        }
        Ok(Some(Self { reports, then, weeks, is_kept, unread: None }))
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
            context.surface.aside(&format!("next week there is nothing to compare with: {fault}"));
        }
    }
}

/// When reports were made, the one to compare with, and those of the trend.
async fn read(
    reports: &SqliteReports,
    args: &LcmReport,
    now: Timestamp,
) -> Result<(Vec<Timestamp>, Option<Past>, Vec<Past>), Fault> {
    let kept = reports.kept().await?;
    let then = match weekly::compared(&kept, args.since, now) {
        Some(at) => reports.of(at).await?,
        None => None,
    };
    let mut weeks = Vec::new();
    for at in weekly::trending(&kept, now) {
        weeks.extend(reports.of(at).await?);
    }
    Ok((kept, then, weeks))
}

/// That there is no report to compare with, and which there are.
fn none(kept: &[Timestamp]) -> Failure {
    let finding = Finding::error(&codes::NO_SUCH_THING, "no report is kept from then or before");
    let hint = match kept.first() {
        Some(oldest) => format!("the oldest one is of {}", oldest.strftime("%Y-%m-%d")),
        None => "each `tidegate lcm report` of the whole platform is kept, for the next one".to_owned(),
    };
    Failure::new(Code::NothingSelected, finding.hint(hint))
}
