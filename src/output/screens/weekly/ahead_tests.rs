//! What lies ahead of Kubernetes and of add-ons, as people read it.

use super::tests::{look, row};
use super::*;
use crate::lcm::declared::Item;
use crate::lcm::row::{Fit, Row, Status};
use crate::lcm::support::course::{Course, Deadline};
use crate::lcm::support::kubernetes::Provider;
use crate::lcm::version::Level;
use crate::report::weekly::{self, Fleet};

fn deadline() -> Deadline {
    let day = |text: &str| text.parse().expect("a day");
    let course = Course::default();
    let (countdown, closed) = course.countdown(&Default::default(), day("2026-12-15"), day("2026-11-22"), 1);
    Deadline {
        of: "EKS 1.34".to_owned(),
        support: "standard support",
        to: "1.35".to_owned(),
        countdown,
        closed,
        basis: "a day is assumed".to_owned(),
    }
}

fn report() -> Weekly {
    let deadline = deadline();
    let ending = Status::Ending { days: 22, words: deadline.countdown.short() };
    let judged = "v1.34.6-eks-b9bdc7c";
    let behind = Status::Behind(Level::Minor);
    let kubernetes = Row {
        item: Item::Kubernetes("eks".to_owned()),
        minor: "1.34".parse().ok(),
        stops: vec!["1.35".to_owned(), "1.36".to_owned()],
        deadline: Some(deadline),
        ..row("kubernetes", "quay.io/a/a", judged, Some("1.36"), vec![ending, behind])
    };
    let newest = Row {
        item: Item::Kubernetes("eks".to_owned()),
        minor: "1.36".parse().ok(),
        ..row("kubernetes", "quay.io/a/a", "v1.36.2-eks-b9bdc7c", Some("1.36"), vec![Status::Same])
    };
    let fit = |minor: &str, in_use, newest: &str| Fit {
        minor: minor.parse().expect("a minor"),
        in_use,
        fits: in_use,
        newest: Some(newest.to_owned()),
        default: None,
    };
    let addon = Row {
        item: Item::Addon { provider: Provider::Eks, name: "vpc-cni".to_owned() },
        fits: vec![fit("1.34", true, "v1.2.0-eksbuild.1"), fit("1.35", false, "v1.3.0-eksbuild.1")],
        ..row("network", "quay.io/a/a", "v1.1.0-eksbuild.1", Some("v1.2.0-eksbuild.1"), vec![behind_minor()])
    };
    let now = "2026-11-22T20:00:00Z".parse().expect("a moment");
    weekly::of(&[kubernetes, newest, addon], ["network"], None, Fleet::default(), &[], now)
}

fn behind_minor() -> Status {
    Status::Behind(Level::Minor)
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_countdown_stands_below_the_table_and_kubernetes_is_no_product() {
    let text = plain(&report().text(&look(Some(80))));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "LCM report 2026-W47 · 1 product · sources 2/2 ok");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    let heading = lines.iter().position(|line| *line == "✖ kubernetes · eks 1.34").expect("its heading");
    let below = lines[heading + 1..].join(" ").replace("  ", "");
    let told = "to upgrade before EKS 1.34 leaves standard support on 2026-12-15";
    assert!(below.starts_with(told) && below.contains("must start by 2026-12-14"), "{text}");
    assert!(below.contains("one minor at a time: v1.34.6-eks-b9bdc7c -> 1.35 -> 1.36"), "{text}");
    assert!(text.contains("Kubernetes needs action now · 1 product has something newer"), "{text}");
}

#[test]
fn tickets_pages_and_programs_have_it_too() {
    let report = report();
    let markdown = report.form(Form::Markdown, &look(None));
    let page = report.form(Form::Html, &look(None));
    let words = "to upgrade before EKS 1.34 leaves standard support";
    assert!(markdown.contains(&format!("  - {words}")) && page.contains(&format!("<li>{words}")), "{page}");
    assert!(
        markdown.contains("  - for Kubernetes 1.35 (the next): newest v1.3.0-eksbuild.1\n"),
        "{markdown}"
    );
    let metrics = report.form(Form::Prometheus, &look(None));
    assert_eq!(metrics.matches("tidegate_lcm_countdown_days_left{").count(), 1, "{metrics}");
    let names: Vec<&str> = report.products.iter().flat_map(|p| &p.things).map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["kubernetes eks 1.34", "kubernetes eks 1.36", "eks/vpc-cni"]);
    let command = "tidegate product bump network --addon eks/vpc-cni --to v1.2.0-eksbuild.1";
    assert!(markdown.contains(command), "{markdown}");
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["products"][0]["things"][0]["countdown"]["startBy"], "2026-12-14");
    assert_eq!((&json["kubernetes"], &json["productCount"]), (&"now".into(), &1.into()));
}
