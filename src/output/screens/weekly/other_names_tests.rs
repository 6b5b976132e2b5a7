//! The metrics of k8s-platform-lcm out of our report.

#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;

use super::super::tests::{look, report, row};
use super::*;
use crate::lcm::declared::Item;
use crate::lcm::row::{Row, Status};
use crate::lcm::upstream::Silence;
use crate::report::weekly::{self, Fleet};

fn tool(row: Row, project: &str) -> Row {
    Row { item: Item::Tool(project.parse().unwrap()), ..row }
}

#[test]
fn names_and_labels_are_those_of_the_other_tool() {
    let metrics = OtherNames(report()).form(Form::Prometheus, &look(None));
    assert_snapshot!(metrics, @r#"
    # HELP chart_info A chart in use, and whether its version is the newest.
    # TYPE chart_info gauge
    chart_info{chart="ingress",latestVersion="4.14.0",release="ingress",version="4.14.0"} 1
    # HELP image_info An image in use, and whether its version is the newest.
    # TYPE image_info gauge
    image_info{image="falco",latestVersion="NOTFOUND",registry="registry.example.com",version="8.0.1"} 0
    image_info{image="jetstack/controller",latestVersion="1.19.1",registry="quay.io",version="1.17.2"} 0
    image_info{image="jetstack/webhook",latestVersion="1.19.1",registry="quay.io",version="1.19.1"} 1
    image_info{image="velero/velero",latestVersion="1.18.0",registry="docker.io",version="1.18.0"} 1
    "#);
}

#[test]
fn tools_have_their_own_name_and_kubernetes_has_none() {
    let silent = Status::Unknown { silence: Some(Silence::Unreachable), why: "away".to_owned() };
    let kubernetes = row("platform", "redis", "1.36", Some("1.37"), vec![Status::Same]);
    let rows = [
        tool(row("a", "redis", "1.9.8", Some("1.10.1"), vec![]), "github:hashicorp/terraform"),
        tool(row("b", "redis", "v3.16.2", None, vec![silent]), "github:helm/helm"),
        Row { item: Item::Kubernetes("stable".to_owned()), ..kubernetes },
    ];
    let now = look(None).view.now;
    let report = weekly::of(&rows, ["a", "b", "platform"], None, Fleet::default(), &[], now);
    assert_snapshot!(OtherNames(report).form(Form::Prometheus, &look(None)), @r#"
    # HELP github_info A tool in use, and whether its version is the newest.
    # TYPE github_info gauge
    github_info{latestVersion="",tool="helm/helm",version="v3.16.2"} 0
    github_info{latestVersion="1.10.1",tool="hashicorp/terraform",version="1.9.8"} 0
    "#);
}

#[test]
fn a_series_stands_once_and_every_version_that_runs_has_one() {
    let mut one = row("a", "redis", "8.0", Some("8.2"), vec![]);
    let clusters = one.running[0].1.clone();
    one.running = vec![("7.4".to_owned(), clusters.clone()), ("8.2".to_owned(), clusters)];
    let other = Row { product: "b".to_owned(), ..one.clone() };
    let now = look(None).view.now;
    let report = weekly::of(&[one, other], ["a", "b"], None, Fleet::default(), &[], now);
    assert_snapshot!(OtherNames(report).form(Form::Prometheus, &look(None)), @r#"
    # HELP image_info An image in use, and whether its version is the newest.
    # TYPE image_info gauge
    image_info{image="library/redis",latestVersion="8.2",registry="docker.io",version="7.4"} 0
    image_info{image="library/redis",latestVersion="8.2",registry="docker.io",version="8.2"} 1
    "#);
}

#[test]
fn every_other_form_stays_as_it_is() {
    let (ours, theirs) = (report(), OtherNames(report()));
    for form in [Form::Markdown, Form::Csv, Form::Sarif, Form::Ndjson] {
        assert_eq!(ours.form(form, &look(None)), theirs.form(form, &look(None)));
    }
    assert_eq!(serde_json::to_value(&ours).unwrap(), serde_json::to_value(&theirs).unwrap());
}
