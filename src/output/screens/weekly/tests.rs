//! The report as people and programs read it.

use insta::assert_snapshot;

use super::*;
use crate::lcm::around::Around;
use crate::lcm::declared::Item;
use crate::lcm::row::{Row, Status};
use crate::lcm::upstream::Silence;
use crate::lcm::version::Level;
use crate::model::image::Repository;
use crate::output::time::Viewpoint;
use crate::report::weekly::{self, Fleet};

fn now() -> jiff::Timestamp {
    "2026-11-22T20:00:00Z".parse().expect("a moment")
}

pub(super) fn look(width: Option<u16>) -> Look {
    Look { width, view: Viewpoint { now: now(), zone: jiff::tz::TimeZone::UTC } }
}

pub(super) fn row(
    product: &str,
    item: &str,
    declared: &str,
    newest: Option<&str>,
    statuses: Vec<Status>,
) -> Row {
    let item = match item.split_once(" of ") {
        Some((name, repository)) => Item::Chart { repository: repository.to_owned(), name: name.to_owned() },
        None => Item::Image(item.parse::<Repository>().expect("a repository")),
    };
    let clusters =
        std::collections::BTreeSet::from(["one", "two"].map(|name| name.parse().expect("a name"))).into();
    Row {
        product: product.to_owned(),
        owner: "team-a".to_owned(),
        item,
        declared: vec![declared.to_owned()],
        released: vec![declared.to_owned()],
        running: vec![(declared.to_owned(), clusters)],
        judged: Some(declared.to_owned()),
        newest: newest.map(str::to_owned),
        levels: std::collections::BTreeMap::new(),
        steps: Some(2),
        since: "2026-01-22T00:00:00Z".parse().ok(),
        published: "2026-10-20T00:00:00Z".parse().ok(),
        statuses,
        place: format!("products/{product}/a.yaml:7:12"),
        notes: Vec::new(),
        minor: None,
        stops: Vec::new(),
        deadline: None,
        fits: Vec::new(),
        changes: None,
        window: None,
        digests: Default::default(),
        around: Around::default(),
    }
}

pub(super) fn report() -> Weekly {
    let refused = Status::Unknown {
        silence: Some(Silence::Forbidden),
        why: "registry.example.com answered 403 to the tags of falco".to_owned(),
    };
    let chart = "ingress of https://charts.example.com";
    let rows = [
        row(
            "certs",
            "quay.io/jetstack/controller",
            "1.17.2",
            Some("1.19.1"),
            vec![Status::Behind(Level::Minor)],
        ),
        row("certs", "quay.io/jetstack/webhook", "1.19.1", Some("1.19.1"), vec![Status::Same]),
        row("falco", "registry.example.com/falco", "8.0.1", None, vec![refused]),
        row("ingress", chart, "4.14.0", Some("4.14.0"), vec![Status::Deprecated, Status::Same]),
        row("velero", "velero/velero", "1.18.0", Some("1.18.0"), vec![Status::Same]),
    ];
    let products = ["certs", "falco", "ingress", "namespaces", "velero"];
    weekly::of(&rows, products, None, Fleet { clusters: 2, unseen: 0 }, &[], now())
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn at_the_terminal_the_most_needed_comes_first() {
    assert_snapshot!(plain(&report().text(&look(Some(100)))), @r#"
    LCM report 2026-W47 · 5 products · 2 clusters · sources 4/5 ok
    PRODUCT               DECLARED  FLEET   LATEST  BEHIND                            DO
    ✖ ingress             4.14.0    4.14.0  4.14.0  its makers have given it up       replace
    ! certs · controller  1.17.2    1.17.2  1.19.1  2 minor, 9 mo                     bump
    ? falco               8.0.1     8.0.1   -       registry.example.com: not let in  fix auth
    ✔ velero              1.18.0    1.18.0  1.18.0  -                                 -
    ? registry.example.com: not let in
      registry.example.com answered 403 to the tags of falco
    1 product needs action now · 1 product has something newer · 1 product is not known
    1 product without anything upstream
    "#);
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    for width in [40, 60, 80, 160] {
        let text = plain(&report().text(&look(Some(width))));
        let widest = text.lines().skip(1).map(|line| line.chars().count()).max();
        assert!(widest <= Some(usize::from(width)), "{width}: {text}");
    }
}

#[test]
fn in_markdown_everything_to_do_has_a_box_and_its_command() {
    assert_snapshot!(report().form(Form::Markdown, &look(None)), @r#"
    # LCM report 2026-W47 · 5 products · 2 clusters · sources 4/5 ok

    1 product needs action now · 1 product has something newer · 1 product is not known · 1 product is up to date

    ## To do

    - [ ] **ingress** (team-a): replace, its makers have given it up
    - [ ] **certs · controller** (team-a): bump, 2 minor, 9 mo<br>`tidegate product bump certs --image quay.io/jetstack/controller --to 1.19.1`
    - [ ] **falco** (team-a): fix auth, registry.example.com: not let in

    ## Everything

    |  | Product | Thing | Declared | Fleet | Latest | Behind | Where |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | ✖ | ingress | `ingress of https://charts.example.com` | `4.14.0` | `4.14.0` | `4.14.0` | its makers have given it up | `products/ingress/a.yaml:7:12` |
    | ! | certs | `quay.io/jetstack/controller` | `1.17.2` | `1.17.2` | `1.19.1` | 2 minor, 9 mo | `products/certs/a.yaml:7:12` |
    | ✔ | certs | `quay.io/jetstack/webhook` | `1.19.1` | `1.19.1` | `1.19.1` |  | `products/certs/a.yaml:7:12` |
    | ? | falco | `registry.example.com/falco` | `8.0.1` | `8.0.1` |  | registry.example.com: not let in | `products/falco/a.yaml:7:12` |
    | ✔ | velero | `docker.io/velero/velero` | `1.18.0` | `1.18.0` | `1.18.0` |  | `products/velero/a.yaml:7:12` |

    ## Sources without an answer

    - registry.example.com: not let in<br>registry.example.com answered 403 to the tags of falco

    Without anything upstream: `namespaces`
    "#);
}

#[test]
fn in_markdown_words_of_others_mention_nobody_and_close_nothing() {
    use crate::lcm::changes::{Changes, Evidence, Sign, Weight};
    let mut hostile = report();
    let words = "closes #77, by @bob, see a/b#12 and https://github.com/a/b/issues/1";
    hostile.sources.silent[0].why = words.to_owned();
    let things = hostile.products.iter_mut().flat_map(|product| &mut product.things);
    for thing in things {
        let sign = Evidence {
            weight: Weight::Likely,
            sign: Sign::Breaking,
            version: None,
            text: words.to_owned(),
            links: Vec::new(),
        };
        let notes = vec![words.to_owned()];
        thing.changes = Some(Changes { evidence: vec![sign], notes, ..Changes::default() });
    }
    let text = hostile.form(Form::Markdown, &look(None));
    assert!(text.matches("closes \\#&#8203;77, by @&#8203;bob").count() >= 3, "{text}");
    for live in ["#77", "@bob", "b#12", "https://github.com/a/b/issues"] {
        assert!(!text.contains(live), "{live} in {text}");
    }
}

#[test]
fn a_page_holds_no_script_and_no_markup_from_elsewhere() {
    let mut hostile = report();
    hostile.products[0].things[0].name = "<script>alert(1)</script>".to_owned();
    hostile.products[0].owner = "\"><img src=x onerror=alert(1)>".to_owned();
    let page = hostile.form(Form::Html, &look(None));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(!page.contains("http://") && !page.contains("url(") && !page.contains("\"><img"), "{page}");
    assert!(page.contains("&lt;script&gt;") && page.contains("1.17.2 → 1.19.1"), "{page}");
}

#[test]
fn sheets_lines_metrics_and_code_scanning_have_the_same_things() {
    let report = report();
    let csv = report.form(Form::Csv, &look(None));
    assert_eq!(csv.lines().count(), 6, "{csv}");
    let lines = report.form(Form::Ndjson, &look(None));
    let parsed: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(parsed.len(), 5);
    assert_eq!(parsed[0]["product"], "ingress");
    let metrics = report.form(Form::Prometheus, &look(None));
    let behind = "tidegate_lcm_behind{product=\"certs\",kind=\"image\",name=\"quay.io/jetstack/controller\",level=\"minor\"} 2\n";
    assert!(metrics.contains(behind), "{metrics}");
    let sarif: serde_json::Value =
        serde_json::from_str(&report.form(Form::Sarif, &look(None))).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&7.into(), &12.into()));
}

/// The report, with one of the week before.
fn compared() -> Weekly {
    let mut report = report();
    let now = weekly::Past::of(&report, self::now());
    let mut then = now.clone();
    then.at = "2026-11-15T20:00:00Z".parse().expect("a moment");
    for thing in &mut then.things {
        match thing.product.as_str() {
            "ingress" => thing.need = Need::Nothing,
            "velero" => thing.need = Need::Soon,
            "certs" if thing.need == Need::Soon => thing.latest = Some("1.19.0".to_owned()),
            _ => {}
        }
    }
    report.since = Some(weekly::difference(&then, &now));
    report.trend = weekly::trend([&then, &now]);
    report
}

#[test]
fn what_is_different_since_last_week_stands_below() {
    let text = plain(&compared().text(&look(Some(100))));
    let lines: Vec<&str> = text.lines().rev().take(2).collect();
    assert_snapshot!(lines.into_iter().rev().collect::<Vec<_>>().join("\n"), @r#"
    since 2026-11-15 new: ingress · newer still: certs · controller · done: velero
    not known of 1 thing · things in 2 weeks: now 0 1, soon 2 1, unknown 1 1
    "#);
    let mut same = compared();
    let now = weekly::Past::of(&same, now());
    same.since = Some(weekly::difference(&now, &now));
    assert!(plain(&same.text(&look(None))).contains("since 2026-11-22 not known of 1 thing"));
}

#[test]
fn in_markdown_and_on_the_page_each_difference_has_a_line_and_each_week() {
    let markdown = compared().form(Form::Markdown, &look(None));
    let from = markdown.find("## Since").unwrap_or_default();
    let to = markdown.find("## Everything").unwrap_or(markdown.len());
    assert_snapshot!(&markdown[from..to], @r#"
    ## Since 2026-11-15

    - new: **ingress** `4.14.0`
    - newer still: **certs · controller** `1.19.1`
    - done: **velero** `1.18.0`

    ## Week by week, in things

    | Week | now | soon | unknown | waits | nothing |
    | --- | --- | --- | --- | --- | --- |
    | 2026-W46 | 0 | 2 | 1 | 0 | 2 |
    | 2026-W47 | 1 | 1 | 1 | 0 | 2 |
    "#);
    let page = compared().form(Form::Html, &look(None));
    for part in ["<h2>Since 2026-11-15</h2>", "<b>certs · controller</b>", "<td>2026-W46</td>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let metrics = compared().form(Form::Prometheus, &look(None));
    assert!(metrics.contains("tidegate_lcm_changed{change=\"appeared\"} 1\n"), "{metrics}");
}
