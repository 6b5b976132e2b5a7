//! Charts and tools of a config: sources upstream of the product.

use std::collections::BTreeSet;

use super::config::{Charts, Config};
use super::places::Pattern;
use super::reader::{Reader, Word};
use super::secret::has_credentials;
use super::types::Found;
use crate::lcm::upstream::Project;

/// Resolves the charts and tools of a config.
pub(super) fn resolve(config: &Config, reader: &mut Reader, found: &mut Found) {
    let mut used = BTreeSet::new();
    for charts in &config.charts {
        repository(config, charts, &mut used, reader, found);
    }
    names(config, &used, reader);
    tools(config, reader, found);
}

fn repository(
    config: &Config,
    charts: &Charts,
    used: &mut BTreeSet<usize>,
    reader: &mut Reader,
    found: &mut Found,
) {
    let Some(word) = &charts.address else { return };
    let Some(repository) = address(&word.value) else {
        let form = "`https://HOST/PATH/index.yaml`";
        return reader.wrong_form(word, "address of a repository of charts", form);
    };
    let whole = charts.whole.as_ref().is_some_and(|(is, _)| *is);
    let before = found.charts.len();
    for chart in &charts.charts {
        let Some(pattern) = Pattern::read(reader, chart) else { continue };
        let named = named(config, &pattern, used);
        if named.is_empty() {
            reader.leave_word(
                chart,
                "an expression does not say which charts there are",
                format!("write an entry for each: `chart: {{ repository: {repository}, name: CHART }}`"),
            );
            continue;
        }
        for name in &named {
            let is_new = !found.charts.iter().any(|(at, known, _)| *at == repository && known == name);
            if is_new {
                found.charts.push((repository.clone(), name.clone(), whole));
            }
        }
        reader.take(&chart.way, &chart.place, format!("chart {}", named.join(", ")));
    }
    if has_credentials(&word.value) {
        let because = "who asks stands in the address, and belongs in no file of a repository";
        reader.leave_word(
            word,
            because,
            "keep a copy of the charts where everybody may read them, or in a registry",
        );
    } else if found.charts.len() > before {
        reader.take(&word.way, &word.place, format!("the repository {repository}"));
    } else {
        reader.drop_word(word, "no chart of it is named, or each is named before");
    }
    match &charts.whole {
        Some((true, word)) => {
            reader.take(&word.way, &word.place, "policies of these charts: prereleases count")
        }
        Some((false, word)) => reader.drop_word(word, "it is off, as it is if absent"),
        None => {}
    }
}

/// The charts that an expression means, by the names that they have in the repository.
fn named(config: &Config, pattern: &Pattern, used: &mut BTreeSet<usize>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (number, (name, word)) in config.chart_names.iter().enumerate() {
        let is_meant = match &pattern.literal {
            Some(literal) => literal == name,
            None => pattern.fits(name),
        };
        if is_meant && is_chart(last(word)) {
            used.insert(number);
            found.push(last(word).to_owned());
        }
    }
    if found.is_empty() {
        found.extend(pattern.literal.clone().filter(|name| is_chart(name)));
    }
    found
}

/// A chart's name without its repository's at Artifact Hub.
fn last(word: &Word) -> &str {
    word.value.rsplit('/').next().unwrap_or(&word.value)
}

fn is_chart(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(inner)
}

/// Names at Artifact Hub: what is asked there is a repository's own address here.
fn names(config: &Config, used: &BTreeSet<usize>, reader: &mut Reader) {
    for (number, (_, word)) in config.chart_names.iter().enumerate() {
        if !is_chart(last(word)) || word.value.split('/').count() > 2 {
            reader.wrong_form(word, "name of a chart", "`REPOSITORY/CHART`, as at Artifact Hub");
        } else if used.contains(&number) {
            reader.take(&word.way, &word.place, format!("chart {}", last(word)));
        } else {
            let at = match word.value.contains('/') {
                true => format!("packages/helm/{}", word.value),
                false => format!("packages/search?ts_query_web={}", word.value),
            };
            reader.leave_word(
                word,
                "Artifact Hub is not asked, but the chart's own repository",
                format!(
                    "https://artifacthub.io/{at} names its address: \
                     write `chart: {{ repository: ADDRESS, name: {} }}`",
                    last(word)
                ),
            );
        }
    }
}

/// The address of a repository of charts, without who asks and without the name of its index.
fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "https" | "http" | "oci") {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let inner = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'%' | b'+' | b':' | b'/' | b'@')
    };
    let fits = |text: &str| text.bytes().all(inner);
    if host.is_empty() || host.starts_with(':') || !fits(host) || !fits(path) {
        return None;
    }
    let path = path.strip_suffix("index.yaml").unwrap_or(path).trim_matches('/');
    Some(format!("{scheme}://{host}{}{path}", if path.is_empty() { "" } else { "/" }))
}

fn tools(config: &Config, reader: &mut Reader, found: &mut Found) {
    for one in &config.repos {
        let Some(word) = &one.repo else { continue };
        if format!("github:{}", word.value).parse::<Project>().is_err() {
            reader.wrong_form(word, "repository at GitHub", "`OWNER/NAME`");
            continue;
        }
        let version = one.version.as_ref().map(|version| version.value.clone());
        let tool = (word.value.clone(), version);
        let is_new = !found.tools.contains(&tool);
        for word in [Some(word), one.version.as_ref()].into_iter().flatten() {
            match is_new {
                true => reader.take(&word.way, &word.place, format!("tool github:{}", tool.0)),
                false => reader.drop_word(word, "it stands in the list before"),
            }
        }
        if is_new {
            found.tools.push(tool);
        }
    }
}
