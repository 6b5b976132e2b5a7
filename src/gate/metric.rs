//! The metric gate: the mean of a query's samples stays within bounds, and is not much worse than on
//! clusters without the release. Decides what counts as enough samples and as within bounds; too
//! little is a no, never a yes. Asking the server is for a port.

use crate::digest::Digest;
use crate::journal::Answer;
use crate::model::{ClusterName, Worse};
use crate::plan::PlannedMetric;

/// What a query gave for some clusters: the samples of every series.
pub type Reading = Result<Vec<Vec<f64>>, String>;

/// What the gate rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The evidence digest when it was asked.
    pub evidence: Digest,
    /// For the clusters that have the release.
    pub with: Reading,
    /// For those that don't, where the gate compares and there are any.
    pub without: Option<Reading>,
}

/// The query for some clusters: `$clusters` becomes a regular expression (RE2, as Prometheus reads
/// it, anchored by itself) that matches exactly their names.
pub fn query(text: &str, clusters: &[ClusterName]) -> String {
    // Names are letters, digits and dashes: none of them means anything in an expression.
    let names: Vec<&str> = clusters.iter().map(ClusterName::as_str).collect();
    text.replace("$clusters", &names.join("|"))
}

/// The answer.
pub fn decide(metric: &PlannedMetric, facts: &Facts, now: jiff::Timestamp) -> Answer {
    let judged = judge(metric, facts);
    let (open, lines) = match judged {
        Ok(lines) => (true, lines),
        Err(lines) => (false, lines),
    };
    let length = if open { metric.valid_for } else { metric.ask_every };
    Answer { open, evidence: facts.evidence, facts: lines, expires: Some(length.after(now)) }
}

fn judge(metric: &PlannedMetric, facts: &Facts) -> Result<Vec<String>, Vec<String>> {
    let (value, samples) = mean(metric, &facts.with).map_err(|why| vec![why])?;
    let mut lines = vec![format!("{} on average over {} ({samples} samples)", number(value), metric.window)];
    let mut holds = true;
    if let Some(max) = metric.max {
        holds &= value <= max;
        lines.push(format!("at most {}: {}", number(max), word(value <= max)));
    }
    if let Some(min) = metric.min {
        holds &= value >= min;
        lines.push(format!("at least {}: {}", number(min), word(value >= min)));
    }
    if let Some(compare) = &metric.compare {
        match &facts.without {
            None => lines
                .push("no cluster is without the release, so there is nothing to compare with".to_owned()),
            Some(reading) => match mean(metric, reading) {
                Err(why) => {
                    holds = false;
                    lines.push(format!("clusters without the release: {why}"));
                }
                Ok((other, samples)) => {
                    let slack = other.abs() * compare.percent / 100.0;
                    let within = match compare.worse {
                        Worse::Higher => value <= other + slack,
                        Worse::Lower => value >= other - slack,
                    };
                    holds &= within;
                    lines.push(format!(
                        "{} without the release ({samples} samples), {} % worse is allowed: {}",
                        number(other),
                        number(compare.percent),
                        word(within)
                    ));
                }
            },
        }
    }
    if holds { Ok(lines) } else { Err(lines) }
}

fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "does not hold" }
}

/// The mean over all samples that are numbers, and how many there are.
fn mean(metric: &PlannedMetric, reading: &Reading) -> Result<(f64, usize), String> {
    let series = reading.as_ref().map_err(|why| format!("the server gave no answer: {why}"))?;
    let samples: Vec<f64> = series.iter().flatten().copied().filter(|n| n.is_finite()).collect();
    let (count, needed) = (samples.len(), metric.min_samples.max(1));
    if u32::try_from(count).unwrap_or(u32::MAX) < needed {
        return Err(format!("{count} samples of the last {}, {needed} are needed", metric.window));
    }
    // Sums of samples are far below where a count loses precision.
    #[allow(clippy::cast_precision_loss)]
    let mean = samples.iter().sum::<f64>() / count as f64;
    Ok((mean, count))
}

/// A number as people read it: four significant digits.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 3 - value.abs().log10().floor().clamp(-12.0, 3.0) as i32;
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::digest;
    use crate::model::Duration;
    use crate::plan::PlannedComparison;

    fn metric() -> PlannedMetric {
        PlannedMetric {
            prometheus: "http://localhost:9090".to_owned(),
            token: serde_json::Value::Null,
            query: "errors{cluster=~\"$clusters\"}".to_owned(),
            window: Duration::seconds(600),
            step: Duration::seconds(30),
            min_samples: 3,
            max: Some(0.05),
            min: None,
            compare: None,
            valid_for: Duration::seconds(600),
            ask_every: Duration::seconds(60),
        }
    }

    fn asked(metric: &PlannedMetric, with: Reading, without: Option<Reading>) -> Answer {
        let facts = Facts { evidence: digest::bytes(b"evidence"), with, without };
        decide(metric, &facts, jiff::Timestamp::from_second(1_000_000).unwrap())
    }

    fn flat(value: f64, n: usize) -> Reading {
        Ok(vec![vec![value; n]])
    }

    #[test]
    fn the_mean_over_the_window_decides_not_one_sample() {
        assert!(asked(&metric(), Ok(vec![vec![0.0, 0.0, 0.1]]), None).open);
        assert!(!asked(&metric(), Ok(vec![vec![0.0, 0.1, 0.1]]), None).open);
    }

    #[test]
    fn too_few_samples_or_none_are_a_no() {
        for reading in [flat(0.0, 2), Ok(vec![]), Err("refused".to_owned()), flat(f64::NAN, 20)] {
            assert!(!asked(&metric(), reading, None).open);
        }
    }

    #[test]
    fn clusters_with_the_release_may_be_a_little_worse_than_those_without() {
        let mut metric = metric();
        metric.max = None;
        metric.compare = Some(PlannedComparison { worse: Worse::Higher, percent: 10.0 });
        assert!(asked(&metric, flat(1.09, 5), Some(flat(1.0, 5))).open);
        assert!(!asked(&metric, flat(1.11, 5), Some(flat(1.0, 5))).open);
        assert!(!asked(&metric, flat(1.0, 5), Some(flat(1.0, 1))).open);
        metric.compare = Some(PlannedComparison { worse: Worse::Lower, percent: 10.0 });
        assert!(asked(&metric, flat(0.91, 5), Some(flat(1.0, 5))).open);
        assert!(!asked(&metric, flat(0.89, 5), Some(flat(1.0, 5))).open);
    }

    #[test]
    fn fleet_e15_a_metric_gate_has_a_window_a_minimum_of_samples_and_a_comparison() {
        let mut metric = metric();
        metric.compare = Some(PlannedComparison { worse: Worse::Higher, percent: 20.0 });
        let of_all =
            |with: Vec<f64>, without: Vec<f64>| asked(&metric, Ok(vec![with]), Some(Ok(vec![without]))).open;
        assert!(of_all(vec![0.01, 0.02, 0.03], vec![0.02; 3]), "as good as those without the release");
        assert!(!of_all(vec![0.01, 0.02], vec![0.02; 3]), "one scrape less than needed");
        assert!(!of_all(vec![0.01, 0.02, 0.03], vec![0.02; 2]), "of those without the release, too");
        assert!(!of_all(vec![0.06; 3], vec![0.06; 3]), "no better elsewhere, and yet above the bound");
        assert!(!of_all(vec![0.03; 3], vec![0.02; 3]), "within the bound, and yet much worse than elsewhere");
    }

    #[test]
    fn names_go_into_the_query_as_themselves() {
        let names: Vec<ClusterName> = ["a-1", "b-2"].iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(query(&metric().query, &names), "errors{cluster=~\"a-1|b-2\"}");
    }

    #[test]
    fn numbers_read_well() {
        let read: Vec<String> = [0.0, 0.012_341, 1.0, 1234.5, -0.5].into_iter().map(number).collect();
        assert_eq!(read, ["0", "0.01234", "1", "1234", "-0.5"]);
    }
}
