//! The report as metrics, in Prometheus' text format
//! (prometheus.io/docs/instrumenting/exposition_formats), for a textfile collector or a push gateway.

use std::fmt::Write as _;

use crate::output::Look;
use crate::report::weekly::security::Security;
use crate::report::weekly::{Need, Thing, Weekly};
use crate::scan::vulnerabilities::{Counts, Severity};

/// One metric with its samples.
pub(super) struct Metric<'a> {
    pub name: &'a str,
    pub help: &'a str,
    pub samples: Vec<(Vec<(&'a str, String)>, String)>,
}

/// The report.
pub(super) fn text(report: &Weekly, look: &Look) -> String {
    let things = || report.products.iter().flat_map(|p| p.things.iter().map(move |thing| (p, thing)));
    let labels = |product: &str, thing: &Thing| {
        vec![("product", product.to_owned()), ("kind", thing.kind.to_owned()), ("name", thing.name.clone())]
    };
    let flag = |is: bool| if is { "1" } else { "0" }.to_owned();
    let secured = |samples: &dyn Fn(&Security, Labels) -> Vec<Sample>| -> Vec<Sample> {
        let known = things().filter_map(|(product, thing)| {
            Some(samples(thing.security.as_ref()?, labels(&product.product, thing)))
        });
        known.flatten().collect()
    };
    let metrics = [
        Metric {
            name: "tidegate_lcm_info",
            help: "A thing that has versions upstream, with what is declared and what is newest.",
            samples: things()
                .map(|(product, thing)| {
                    let mut all = labels(&product.product, thing);
                    all.push(("owner", product.owner.clone()));
                    all.push(("declared", thing.declared.join(",")));
                    all.push(("latest", thing.latest.clone().unwrap_or_default()));
                    let status = thing.statuses.first().map_or("same", |line| line.status);
                    all.push(("status", status.to_owned()));
                    (all, "1".to_owned())
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_behind",
            help: "How many versions of a level a thing is behind.",
            samples: things()
                .filter_map(|(product, thing)| {
                    let behind = thing.behind?;
                    let mut all = labels(&product.product, thing);
                    all.push(("level", behind.level.word().to_owned()));
                    Some((all, behind.steps.unwrap_or(1).to_string()))
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_breaking",
            help: "How many pieces of evidence say that the newest version breaks something.",
            samples: things()
                .filter_map(|(product, thing)| {
                    // Where nobody told anything there is nothing to count.
                    let changes = thing.changes.as_ref().filter(|changes| !changes.is_empty())?;
                    let evidence = changes.evidence.iter();
                    let breaks = evidence.filter(|one| one.sign.is_of_a_break()).count();
                    Some((labels(&product.product, thing), breaks.to_string()))
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_support_days_left",
            help: "Days till the support of what is in use ends; below zero afterwards.",
            samples: things()
                .filter_map(|(product, thing)| {
                    let days = thing.support.as_ref()?.days_left?;
                    Some((labels(&product.product, thing), days.to_string()))
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_countdown_days_left",
            help: "Days till the first wave of an upgrade must start for support not to end before; below zero it is too late.",
            samples: things()
                .filter_map(|(product, thing)| {
                    let days = thing.countdown.as_ref()?.days_left;
                    Some((labels(&product.product, thing), days.to_string()))
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities",
            help: "How many vulnerabilities what is in use has that nobody accepted, by severity.",
            samples: secured(&|known, labels| match &known.open {
                Some(open) => by_severity(open, labels),
                None => Vec::new(),
            }),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities_exploited",
            help: "How many of them are known to be exploited.",
            samples: secured(&|known, labels| some(&known.open, known.exploited, labels)),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities_accepted",
            help: "How many vulnerabilities what is in use has that somebody accepted.",
            samples: secured(&|known, labels| some(&known.open, known.accepted, labels)),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities_fixed",
            help: "How many vulnerabilities the newest version mends, by severity.",
            samples: secured(&|known, labels| match &known.update {
                Some(update) => by_severity(&update.fixed, labels),
                None => Vec::new(),
            }),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities_new",
            help: "How many vulnerabilities the newest version brings, by severity.",
            samples: secured(&|known, labels| match &known.update {
                Some(update) => by_severity(&update.new, labels),
                None => Vec::new(),
            }),
        },
        Metric {
            name: "tidegate_lcm_vulnerabilities_unknown",
            help: "Whether nobody knows which vulnerabilities what is in use has.",
            samples: secured(&|known, labels| vec![(labels, flag(known.open.is_none()))]),
        },
        Metric {
            name: "tidegate_lcm_unknown",
            help: "Whether nothing is known of a thing, since its source was silent or its version can't be read.",
            samples: things()
                .map(|(product, thing)| (labels(&product.product, thing), flag(thing.need == Need::Unknown)))
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_needs",
            help: "How many products need what.",
            samples: Need::ALL
                .iter()
                .map(|need| {
                    let products = report.counts.get(need).copied().unwrap_or(0);
                    (vec![("need", need.word().to_owned())], products.to_string())
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_changed",
            help: "How many things became different since the report that this one is compared with.",
            samples: report
                .since
                .iter()
                .flat_map(|since| {
                    let kinds = [
                        ("appeared", &since.appeared),
                        ("moved", &since.moved),
                        ("settled", &since.settled),
                        ("deferred", &since.deferred),
                    ];
                    kinds.map(|(kind, things)| (vec![("change", kind.to_owned())], things.len().to_string()))
                })
                .collect(),
        },
        Metric {
            name: "tidegate_lcm_sources",
            help: "How many things were asked about.",
            samples: vec![(Vec::new(), report.sources.asked.to_string())],
        },
        Metric {
            name: "tidegate_lcm_sources_silent",
            help: "About how many of them no answer came.",
            samples: vec![(Vec::new(), report.sources.silent.len().to_string())],
        },
        Metric {
            name: "tidegate_lcm_report_timestamp_seconds",
            help: "When the report was made.",
            samples: vec![(Vec::new(), look.view.now.as_second().to_string())],
        },
    ];
    metrics.iter().filter(|metric| !metric.samples.is_empty()).map(written).collect()
}

/// Labels with their values.
type Labels = Vec<(&'static str, String)>;

/// A sample: its labels, and its value.
type Sample = (Labels, String);

/// A sample for each severity, also for those of which there are none.
fn by_severity(counts: &Counts, labels: Labels) -> Vec<Sample> {
    let with = |severity: Severity| {
        let mut all = labels.clone();
        all.push(("severity", severity.word().to_owned()));
        (all, counts.of(severity).to_string())
    };
    Severity::ALL.into_iter().map(with).collect()
}

/// A number, where anything is known.
fn some(open: &Option<Counts>, number: usize, labels: Labels) -> Vec<Sample> {
    open.iter().map(|_| (labels.clone(), number.to_string())).collect()
}

pub(super) fn written(metric: &Metric<'_>) -> String {
    let Metric { name, help, samples } = metric;
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in samples {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(text, "{name}{labels} {value}");
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
