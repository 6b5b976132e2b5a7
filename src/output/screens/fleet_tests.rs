//! Fleets of four and of two hundred clusters, at 80 and 160 columns and piped.

#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;
use jiff::tz::TimeZone;

use super::MatrixScreen;
use crate::model::Duration;
use crate::output::envelope::List;
use crate::output::time::Viewpoint;
use crate::output::{Look, Screen};
use crate::report::sample::Story;
use crate::report::sample_fleet::{Files, members, sees};
use crate::report::standing::{Standing, Standings};

/// Clusters with their labels and whether they are at the newer release; the last one runs a third
/// product that no release has.
fn fleet(clusters: &[(String, String, bool)]) -> (Story, Vec<Standing>) {
    let names: Vec<(&str, &str)> = clusters.iter().map(|(n, l, _)| (n.as_str(), l.as_str())).collect();
    let products = |app: &'static str| {
        [
            ("base", "1.0.0"),
            ("app", app),
            ("cert-manager", "1.17.2"),
            ("ingress", "4.14.0"),
            ("velero", "1.18.0"),
        ]
    };
    let catalog = Files::default()
        .release("R41", "", &products("1.1.0"))
        .release("R42", "  parent: R41\n", &products("1.2.0-rc1"))
        .fleet(&names)
        .catalog();
    let mut story = Story::begin();
    for (number, (name, _, newer)) in clusters.iter().enumerate() {
        let mut found: Vec<(&str, &str, &str)> = products("1.1.0").map(|(p, v)| (p, v, "R41")).to_vec();
        if *newer {
            found[1] = ("app", "1.2.0-rc1", "R42");
        }
        if number + 1 == clusters.len() {
            found.push(("gone", "0.9.0", "R39"));
        }
        sees(&mut story, name, &found);
    }
    story.now = Duration::minutes(41).after(story.now);
    let standings = Standings::of(&catalog, Some(&story.state), story.now);
    let found = members(&catalog).values().map(|entry| standings.cluster(entry)).collect();
    (story, found)
}

fn four() -> (Story, Vec<Standing>) {
    let cluster = |name: &str, env: &str, newer| (name.to_owned(), format!("env: {env}"), newer);
    fleet(&[
        cluster("acme-dev", "nonprod", true),
        cluster("acme-prod", "prod", false),
        cluster("beta-prod", "prod", false),
        cluster("zeta-prod", "prod", false),
    ])
}

fn two_hundred() -> (Story, Vec<Standing>) {
    let cluster = |n: usize| {
        let env = if n < 40 { "nonprod" } else { "prod" };
        (format!("cluster-{n:03}"), format!("env: {env}, pool: {env}-{}", n % 2 + 1), n < 50)
    };
    fleet(&(0..200).map(cluster).collect::<Vec<_>>())
}

fn text(screen: &impl Screen, width: Option<u16>, story: &Story) -> String {
    let look = Look { width, view: Viewpoint { now: story.now, zone: TimeZone::UTC } };
    let text = anstream::adapter::strip_str(&screen.text(&look)).to_string();
    let wide = text.lines().find(|l| width.is_some_and(|w| l.chars().count() > usize::from(w)));
    assert!(wide.is_none(), "wider than {width:?}: {wide:?}");
    text
}

fn matrix(clusters: Vec<Standing>, group: Option<Vec<String>>) -> MatrixScreen {
    MatrixScreen::of(Some("R42".parse().unwrap()), clusters, &[], group)
}

#[test]
fn four_clusters_are_listed_each_with_what_is_worth_saying() {
    let (story, clusters) = four();
    let list = List::whole(clusters);
    assert_snapshot!(text(&list, Some(80), &story), @r"
    CLUSTER    LABELS       KUBE  RELEASE          NOTES          SEEN
    acme-dev   env=nonprod  1.36  R42              -              ! 41 m ago
    acme-prod  env=prod     1.36  ! R41, 1 behind  -              ! 41 m ago
    beta-prod  env=prod     1.36  ! R41, 1 behind  -              ! 41 m ago
    zeta-prod  env=prod     1.36  ! R41, 1 behind  orphaned gone  ! 41 m ago
    4 clusters · 3 behind · 1 with orphaned products
    ");
    assert_snapshot!(text(&list, Some(160), &story), @r"
    CLUSTER    LABELS       KUBE  RELEASE          NOTES          SEEN
    acme-dev   env=nonprod  1.36  R42              -              ! 41 m ago
    acme-prod  env=prod     1.36  ! R41, 1 behind  -              ! 41 m ago
    beta-prod  env=prod     1.36  ! R41, 1 behind  -              ! 41 m ago
    zeta-prod  env=prod     1.36  ! R41, 1 behind  orphaned gone  ! 41 m ago
    4 clusters · 3 behind · 1 with orphaned products
    ");
}

#[test]
fn four_clusters_are_a_matrix_that_goes_on_below_where_it_is_narrow() {
    let (story, clusters) = four();
    let matrix = matrix(clusters, None);
    assert!(matrix.grouped_by.is_empty());
    assert_snapshot!(text(&matrix, Some(80), &story), @r"
    CLUSTER    RELEASE          SEEN        app        base   cert-manager  gone
    acme-dev   R42              ! 41 m ago  1.2.0-rc1  1.0.0  1.17.2        -
    acme-prod  ! R41, 1 behind  ! 41 m ago  1.1.0      1.0.0  1.17.2        -
                                            behind
    beta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0      1.0.0  1.17.2        -
                                            behind
    zeta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0      1.0.0  1.17.2        0.9.0
                                            behind                          orphaned

    CLUSTER    ingress  velero
    acme-dev   4.14.0   1.18.0
    acme-prod  4.14.0   1.18.0
    beta-prod  4.14.0   1.18.0
    zeta-prod  4.14.0   1.18.0
    newest R42 · 4 clusters · 3 behind · 1 with orphaned products
    ");
    assert_snapshot!(text(&matrix, Some(160), &story), @r"
    CLUSTER    RELEASE          SEEN        app           base   cert-manager  gone            ingress  velero
    acme-dev   R42              ! 41 m ago  1.2.0-rc1     1.0.0  1.17.2        -               4.14.0   1.18.0
    acme-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        -               4.14.0   1.18.0
    beta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        -               4.14.0   1.18.0
    zeta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        0.9.0 orphaned  4.14.0   1.18.0
    newest R42 · 4 clusters · 3 behind · 1 with orphaned products
    ");
    assert_snapshot!(text(&matrix, None, &story), @r"
    CLUSTER    RELEASE          SEEN        app           base   cert-manager  gone            ingress  velero
    acme-dev   R42              ! 41 m ago  1.2.0-rc1     1.0.0  1.17.2        -               4.14.0   1.18.0
    acme-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        -               4.14.0   1.18.0
    beta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        -               4.14.0   1.18.0
    zeta-prod  ! R41, 1 behind  ! 41 m ago  1.1.0 behind  1.0.0  1.17.2        0.9.0 orphaned  4.14.0   1.18.0
    newest R42 · 4 clusters · 3 behind · 1 with orphaned products
    ");
}

#[test]
fn two_hundred_clusters_are_told_in_groups() {
    let (story, clusters) = two_hundred();
    let matrix = matrix(clusters, None);
    assert_snapshot!(text(&matrix, Some(80), &story), @r"
    GROUP              CLUSTERS  RELEASE  NOTES     app          base   cert-manager
    nonprod/nonprod-1        20  R42      -         1.2.0-rc1    1.0.0  1.17.2
    nonprod/nonprod-2        20  R42      -         1.2.0-rc1    1.0.0  1.17.2
    prod/prod-1              80  R41×75,  75        1.1.0×75,    1.0.0  1.17.2
                                 R42×5    behind    1.2.0-rc1×5
    prod/prod-2              80  R41×75,  75        1.1.0×75,    1.0.0  1.17.2
                                 R42×5    behind    1.2.0-rc1×5

    GROUP              gone     ingress  velero
    nonprod/nonprod-1  -        4.14.0   1.18.0
    nonprod/nonprod-2  -        4.14.0   1.18.0
    prod/prod-1        -        4.14.0   1.18.0
    prod/prod-2        0.9.0×1  4.14.0   1.18.0
    newest R42 · 200 clusters · 150 behind · 1 with orphaned products
    grouped by env and pool; `--group cluster` shows each
    ");
    assert_snapshot!(text(&matrix, Some(160), &story), @r"
    GROUP              CLUSTERS  RELEASE        NOTES      app                    base   cert-manager  gone     ingress  velero
    nonprod/nonprod-1        20  R42            -          1.2.0-rc1              1.0.0  1.17.2        -        4.14.0   1.18.0
    nonprod/nonprod-2        20  R42            -          1.2.0-rc1              1.0.0  1.17.2        -        4.14.0   1.18.0
    prod/prod-1              80  R41×75, R42×5  75 behind  1.1.0×75, 1.2.0-rc1×5  1.0.0  1.17.2        -        4.14.0   1.18.0
    prod/prod-2              80  R41×75, R42×5  75 behind  1.1.0×75, 1.2.0-rc1×5  1.0.0  1.17.2        0.9.0×1  4.14.0   1.18.0
    newest R42 · 200 clusters · 150 behind · 1 with orphaned products
    grouped by env and pool; `--group cluster` shows each
    ");
    let (_, clusters) = two_hundred();
    let each = self::matrix(clusters, Some(Vec::new()));
    assert!(text(&each, Some(80), &story).lines().count() > 200, "each on its own when asked for");
}

#[test]
fn only_the_products_that_are_asked_for_are_columns() {
    let (story, clusters) = two_hundred();
    let product = "app".parse().unwrap();
    let matrix = MatrixScreen::of(None, clusters, &[product], Some(vec!["env".into()]));
    assert_snapshot!(text(&matrix, Some(80), &story), @r"
    GROUP    CLUSTERS  RELEASE          NOTES       app
    nonprod        40  R42              -           1.2.0-rc1
    prod          160  R41×150, R42×10  150 behind  1.1.0×150, 1.2.0-rc1×10
    no release is cut · 200 clusters · 150 behind · 1 with orphaned products
    grouped by env; `--group cluster` shows each
    ");
}
