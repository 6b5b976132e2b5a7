//! Commands over a repository in memory: tag, cut, pin, and what refuses them.

#![allow(clippy::unwrap_used)]

use super::fake::Memory;
use super::*;
use crate::catalog::release::Change;
use crate::catalog::testing::lines;
use crate::model::{PinId, ProductName, ReleaseId};

const FLEET: &str = "apiVersion: tidegate.dev/v1\nkind: Fleet\nmetadata: { name: main }\nspec:\n  clusters:\n    \
    - { name: acme-dev, labels: { env: dev }, kubeconfig: { path: k, context: a } }\n    \
    - { name: acme-prod, labels: { env: prod }, kubeconfig: { path: k, context: b } }\n";

fn product(name: &str, version: &str, more: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: {{ name: {name} }}\nspec:\n  version: {version}\n  owner: team\n{more}  \
         tests:\n    - run: {{ name: smoke, command: ['true'] }}\n"
    )
}

fn release(id: &str, spec: &str) -> String {
    format!(
        "# {id}, with love\napiVersion: tidegate.dev/v1\nkind: Release\nmetadata: {{ name: {id} }}\nspec:\n  \
         kubernetes: \"1.36\" # the minor\n{spec}"
    )
}

/// Two products, a release of them, a fleet: committed, nothing tagged.
fn memory() -> Memory {
    Memory::with(&[
        ("products/base/product.yaml", &product("base", "1.0.0", "")),
        ("products/app/product.yaml", &product("app", "2.0.0", "  requires: { base: ^1 }\n")),
        ("releases/R1.yaml", &release("R1", "  products: { base: 1.0.0, app: 2.0.0 }\n")),
        ("pipelines/fleet.yaml", FLEET),
    ])
}

fn name(text: &str) -> ProductName {
    text.parse().unwrap()
}

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn now() -> jiff::Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn findings<T>(result: Result<T, RepoError>) -> Findings {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(RepoError::Findings(findings)) => findings,
        Err(RepoError::Fault(fault)) => panic!("{fault}"),
    }
}

async fn cut_first(memory: &Memory) -> CutDone {
    let repo = memory.repository();
    for product in ["base", "app"] {
        product_tag(&repo, &name(product)).await.unwrap();
    }
    let cut = release_cut(&repo, &id("R1"), None).await.unwrap();
    memory.commit();
    cut
}

#[tokio::test]
async fn a_product_is_tagged_at_head_with_its_digest_and_once() {
    let memory = memory();
    let repo = memory.repository();
    let done = product_tag(&repo, &name("base")).await.unwrap();
    assert_eq!((done.tag.as_str(), done.existed), ("base/v1.0.0", false));
    assert_eq!(done.commit, memory.head());
    let again = product_tag(&repo, &name("base")).await.unwrap();
    assert!(again.existed);
    assert_eq!(again.commit, done.commit);
    let content = tagged(&repo, &name("base"), &"1.0.0".parse().unwrap(), None).await.unwrap();
    assert_eq!(content.content.digest, done.digest);
}

#[tokio::test]
async fn what_is_not_committed_is_not_tagged() {
    let memory = memory();
    let repo = memory.repository();
    memory.edit("products/base/new.yaml", "a: 1");
    let refused = findings(product_tag(&repo, &name("base")).await);
    assert!(refused.to_string().contains("products/base/new.yaml"), "{refused}");
    assert_eq!(lines(&refused), ["TG0512 -"]);
    assert!(product_tag(&repo, &name("app")).await.is_ok(), "another product's changes do not matter");
}

#[tokio::test]
async fn a_changed_product_has_to_raise_its_version() {
    let memory = memory();
    let repo = memory.repository();
    product_tag(&repo, &name("base")).await.unwrap();
    memory.edit("products/base/new.yaml", "a: 1");
    memory.commit();
    let refused = findings(product_tag(&repo, &name("base")).await);
    assert_eq!(lines(&refused), ["TG0515 products/base/product.yaml:5:12"]);
    let (rows, _) = product_list(&repo).await.unwrap();
    let states: Vec<TagState> = rows.iter().map(|row| row.tag).collect();
    assert_eq!(states, [TagState::Untagged, TagState::Changed]);
    memory.edit("products/base/product.yaml", &product("base", "1.0.1", ""));
    memory.commit();
    assert_eq!(product_tag(&repo, &name("base")).await.unwrap().tag, "base/v1.0.1");
}

#[tokio::test]
async fn a_product_with_mistakes_is_not_tagged_and_an_unknown_one_is_named() {
    let memory = memory();
    let repo = memory.repository();
    memory.edit("products/base/product.yaml", &product("base", "1.0.0", "  values: { token: hunter2 }\n"));
    memory.commit();
    let refused = findings(product_tag(&repo, &name("base")).await);
    assert_eq!(lines(&refused), ["TG0108 products/base/product.yaml:7:20"]);
    assert!(!refused.to_string().contains("hunter2"));
    let refused = findings(product_tag(&repo, &name("bsae")).await);
    assert!(refused.to_string().contains("did you mean `base`?"), "{refused}");
}

#[tokio::test]
async fn a_cut_writes_the_lock_and_keeps_every_comment() {
    let memory = memory();
    let before = memory.text("releases/R1.yaml").unwrap();
    let cut = cut_first(&memory).await;
    let text = memory.text("releases/R1.yaml").unwrap();
    assert!(text.starts_with(&before), "{text}");
    assert!(text[before.len()..].starts_with("lock: # written by"), "{text}");
    assert!(!cut.unchanged);
    let shown = release_show(&memory.repository(), &id("R1")).await.unwrap();
    assert_eq!(shown.row.digest, Some(cut.lock.digest));
    assert_eq!(shown.lock, Some(cut.lock));
    assert!(release_cut(&memory.repository(), &id("R1"), None).await.unwrap().unchanged);
    assert_eq!(memory.text("releases/R1.yaml").unwrap(), text, "cutting again writes nothing");
}

#[tokio::test]
async fn a_missing_tag_names_the_next_command() {
    let memory = memory();
    let repo = memory.repository();
    product_tag(&repo, &name("app")).await.unwrap();
    let refused = findings(release_cut(&repo, &id("R1"), None).await);
    assert_eq!(lines(&refused), ["TG0513 releases/R1.yaml:7:21"]);
    assert_eq!(refused.iter().next().unwrap().next.as_deref(), Some("tidegate product tag base"));
    assert!(!memory.text("releases/R1.yaml").unwrap().contains("lock"));
    // Tagging what the folder has now would not help.
    let raised =
        memory.text("products/base/product.yaml").unwrap().replace("version: 1.0.0", "version: 1.1.0");
    memory.edit("products/base/product.yaml", &raised);
    memory.commit();
    let refused = findings(release_cut(&repo, &id("R1"), None).await);
    let missing = refused.iter().find(|f| f.code.id == "TG0513").unwrap();
    assert_eq!(missing.next.as_deref(), Some("tidegate product show base"), "{missing}");
    assert!(missing.to_string().contains("has 1.1.0"), "{missing}");
}

#[tokio::test]
async fn a_tag_made_or_moved_by_hand_is_not_trusted() {
    let memory = memory();
    let repo = memory.repository();
    for product in ["base", "app"] {
        product_tag(&repo, &name(product)).await.unwrap();
    }
    memory.edit("products/base/new.yaml", "a: 1");
    memory.commit();
    let head = memory.head();
    memory.0.lock().unwrap().tags.get_mut("base/v1.0.0").unwrap().commit = head.clone();
    assert_eq!(lines(&findings(release_cut(&repo, &id("R1"), None).await)), ["TG0514 releases/R1.yaml:7:21"]);
    memory.0.lock().unwrap().tags.get_mut("base/v1.0.0").unwrap().message = None;
    assert_eq!(lines(&findings(release_cut(&repo, &id("R1"), None).await)), ["TG0514 releases/R1.yaml:7:21"]);
}

#[tokio::test]
async fn a_dirty_tree_is_not_cut() {
    let memory = memory();
    cut_first(&memory).await;
    memory.edit("pipelines/fleet.yaml", &FLEET.replace("prod", "qa"));
    let refused = findings(release_cut(&memory.repository(), &id("R1"), None).await);
    assert_eq!(lines(&refused), ["TG0512 -"]);
}

#[tokio::test]
async fn a_literal_secret_anywhere_stops_a_cut() {
    let memory = memory();
    let fleet = FLEET
        .replace("spec:\n", "spec:\n  environments: { dev: { values: { app: { password: hunter2 } } } }\n");
    memory.edit("pipelines/fleet.yaml", &fleet);
    memory.commit();
    let refused = findings(release_cut(&memory.repository(), &id("R1"), None).await);
    assert_eq!(lines(&refused), ["TG0108 pipelines/fleet.yaml:5:53"]);
    assert!(!refused.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_tampered_lock_is_shown_as_such_and_not_compared() {
    let memory = memory();
    cut_first(&memory).await;
    let repo = memory.repository();
    memory
        .edit("releases/R2.yaml", &release("R2", "  parent: R1\n  products: { base: 1.1.0, app: 2.0.0 }\n"));
    let diff = release_diff(&repo, &id("R1"), &id("R2")).await.unwrap();
    assert_eq!(diff.products.iter().map(|p| p.change).collect::<Vec<_>>(), [Change::Raised]);
    let text = memory.text("releases/R1.yaml").unwrap();
    memory.edit("releases/R1.yaml", &text.replace("\"1.36\"", "\"1.35\""));
    let shown = release_show(&repo, &id("R1")).await.unwrap();
    assert_eq!(shown.row.digest, None);
    assert!(shown.row.findings.to_string().contains("TG0502"));
    assert!(lines(&findings(release_diff(&repo, &id("R1"), &id("R2")).await))[0].starts_with("TG0502"));
    let (rows, _) = release_list(&repo).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["R1", "R2"]);
}

#[tokio::test]
async fn a_release_names_the_one_that_must_be_cut_before_it() {
    let memory = memory();
    let of = |parent: &str| format!("  parent: {parent}\n  products: {{ base: 1.1.0, app: 2.0.0 }}\n");
    memory.edit("releases/R2.yaml", &release("R2", &of("R1")));
    memory.edit("releases/R3.yaml", &release("R3", &of("R2")));
    memory.commit();
    let first = async |memory: &Memory| -> Vec<Option<String>> {
        let (rows, _) = release_list(&memory.repository()).await.unwrap();
        rows.iter().map(|row| row.cut_first.as_ref().map(ToString::to_string)).collect()
    };
    assert_eq!(first(&memory).await, [None, Some("R1".to_owned()), Some("R1".to_owned())]);
    cut_first(&memory).await;
    assert_eq!(first(&memory).await, [None, None, Some("R2".to_owned())]);
}

fn pin(product: &str, version: &str, cluster: &str) -> PinRequest {
    PinRequest {
        id: None,
        product: name(product),
        version: version.parse().unwrap(),
        clusters: vec![cluster.parse().unwrap()],
        selector: Default::default(),
        owner: "payments".into(),
        reason: "say \"why\": # and how".into(),
        until: "2026-12-15".parse().unwrap(),
        on_expiry: Default::default(),
        release: None,
    }
}

/// A version 1.1.0 of `base` is tagged; then the working tree goes on.
async fn feature(memory: &Memory, version: &str) {
    memory.edit("products/base/product.yaml", &product("base", version, ""));
    memory.commit();
    product_tag(&memory.repository(), &name("base")).await.unwrap();
}

#[tokio::test]
async fn a_pin_is_locked_by_its_tag_listed_and_removed() {
    let memory = memory();
    cut_first(&memory).await;
    feature(&memory, "1.1.0-rc1").await;
    let repo = memory.repository();
    // `^1` takes no prerelease, so app could not stay beside it.
    let refused = findings(pin_add(&repo, &pin("base", "1.1.0-rc1", "acme-dev"), Vec::new(), now()).await);
    assert!(refused.to_string().contains("app"), "{refused}");
    feature(&memory, "1.1.0").await;
    let added = pin_add(&repo, &pin("base", "1.1.0", "acme-dev"), Vec::new(), now()).await.unwrap();
    assert_eq!(added.file, "pipelines/pins/PIN-1.yaml");
    assert_eq!(added.release, Some(id("R1")));
    assert_eq!(added.pin.commit, memory.head());
    assert_eq!(added.pin.reason, "say \"why\": # and how");
    let (rows, findings_of_list) = pin_list(&repo, now()).await.unwrap();
    assert_eq!(findings_of_list, Findings::new());
    assert_eq!(rows[0].clusters, ["acme-dev".parse().unwrap()]);
    assert!(!rows[0].ended);
    let later = "2026-12-16T00:00:00Z".parse().unwrap();
    assert!(pin_list(&repo, later).await.unwrap().0[0].ended);
    pin_remove(&repo, &"PIN-1".parse().unwrap(), now()).await.unwrap();
    assert_eq!(memory.text("pipelines/pins/PIN-1.yaml"), None);
    let gone = pin_remove(&repo, &"PIN-1".parse().unwrap(), now()).await;
    assert_eq!(lines(&findings(gone)), ["TG0518 -"]);
}

#[tokio::test]
async fn a_pin_that_breaks_what_a_cluster_is_to_have_is_refused() {
    let memory = memory();
    cut_first(&memory).await;
    feature(&memory, "2.0.0").await;
    let repo = memory.repository();
    let refused = findings(pin_add(&repo, &pin("base", "2.0.0", "acme-dev"), Vec::new(), now()).await);
    assert!(refused.to_string().contains("app") && refused.to_string().contains("2.0.0"), "{refused}");
    assert_eq!(memory.text("pipelines/pins/PIN-1.yaml"), None);
}

#[tokio::test]
async fn a_pin_needs_a_tag_a_known_cluster_a_day_to_come_and_no_rival() {
    let memory = memory();
    cut_first(&memory).await;
    feature(&memory, "1.1.0").await;
    let repo = memory.repository();
    let add = async |request: PinRequest| findings(pin_add(&repo, &request, Vec::new(), now()).await);
    assert_eq!(lines(&add(pin("base", "1.2.0", "acme-dev")).await), ["TG0513 -"]);
    assert_eq!(
        lines(&add(pin("base", "1.1.0", "acme-dvo")).await),
        ["TG0204 pipelines/pins/PIN-1.yaml:10:14"]
    );
    assert_eq!(lines(&add(pin("bse", "1.1.0", "acme-dev")).await), ["TG0203 -"]);
    assert_eq!(lines(&add(pin("kubernetes", "1.1.0", "acme-dev")).await), ["TG0202 -"]);
    let past = PinRequest { until: "2026-11-20".parse().unwrap(), ..pin("base", "1.1.0", "acme-dev") };
    assert_eq!(lines(&add(past).await), ["TG0517 -"]);
    let nobody = PinRequest { owner: " ".into(), ..pin("base", "1.1.0", "acme-dev") };
    assert_eq!(lines(&add(nobody).await), ["TG0107 pipelines/pins/PIN-1.yaml:11:10"]);
    pin_add(&repo, &pin("base", "1.1.0", "acme-dev"), Vec::new(), now()).await.unwrap();
    assert_eq!(
        lines(&add(pin("base", "1.1.0", "acme-dev")).await),
        ["TG0218 pipelines/pins/PIN-2.yaml:6:12"]
    );
    let same: Option<PinId> = Some("PIN-1".parse().unwrap());
    assert_eq!(lines(&add(PinRequest { id: same, ..pin("base", "1.1.0", "acme-prod") }).await), ["TG0519 -"]);
    assert!(pin_add(&repo, &pin("base", "1.1.0", "acme-prod"), Vec::new(), now()).await.is_ok());
}

#[tokio::test]
async fn a_pin_is_extended_in_place_and_only_to_a_later_end() {
    let memory = memory();
    cut_first(&memory).await;
    feature(&memory, "1.1.0").await;
    let repo = memory.repository();
    pin_add(&repo, &pin("base", "1.1.0", "acme-dev"), Vec::new(), now()).await.unwrap();
    let path = "pipelines/pins/PIN-1.yaml";
    let text = format!("# the team asked twice\n{}", memory.text(path).unwrap());
    memory.edit(path, &text);
    let extend = async |until: &str| {
        pin_extend(&repo, &"PIN-1".parse().unwrap(), until.parse().unwrap(), Vec::new(), now()).await
    };
    let done = extend("2027-01-15").await.unwrap();
    assert_eq!((done.before.as_str(), done.pin.until.as_str()), ("2026-12-15", "2027-01-15"));
    assert_eq!(memory.text(path).unwrap(), text.replace("2026-12-15", "2027-01-15"), "nothing else moved");
    assert_eq!(lines(&findings(extend("2027-01-15").await)), [format!("TG0517 {path}:15:12")]);
    assert_eq!(lines(&findings(extend("2026-11-20").await)), ["TG0517 -"]);
    let later = "2027-01-15".parse().unwrap();
    let nobody = pin_extend(&repo, &"PIN-7".parse().unwrap(), later, Vec::new(), now()).await;
    assert_eq!(lines(&findings(nobody)), ["TG0518 -"]);
}

#[tokio::test]
async fn where_the_fleet_limits_the_age_of_pins_none_is_added_or_extended_beyond() {
    let memory = memory();
    cut_first(&memory).await;
    feature(&memory, "1.1.0").await;
    let limits = "  environments:\n    dev: { pinMaxAge: 30d }\n  clusters:";
    memory.edit("pipelines/fleet.yaml", &FLEET.replace("  clusters:", limits));
    let repo = memory.repository();
    let request =
        |until: &str| PinRequest { until: until.parse().unwrap(), ..pin("base", "1.1.0", "acme-dev") };
    let added = pin_add(&repo, &request("2027-06-01"), Vec::new(), now()).await;
    let refused = findings(added);
    assert!(refused.to_string().contains("`acme-dev` lets a pin be 30 d old at most"), "{refused}");
    assert_eq!(memory.text("pipelines/pins/PIN-1.yaml"), None);
    pin_add(&repo, &request("2026-12-15"), Vec::new(), now()).await.unwrap();
    let until = "2027-01-31".parse().unwrap();
    let extended = pin_extend(&repo, &"PIN-1".parse().unwrap(), until, Vec::new(), now()).await;
    assert!(lines(&findings(extended))[0].starts_with("TG0326 pipelines/pins/PIN-1.yaml"));

    // One that does not say since when it is there can't be held against a limit.
    let text = memory.text("pipelines/pins/PIN-1.yaml").unwrap();
    let without: String = text.lines().filter(|l| !l.contains("created")).map(|l| format!("{l}\n")).collect();
    memory.edit("pipelines/pins/PIN-1.yaml", &without);
    let (_, found) = read::check(&repo, now()).await.unwrap();
    assert!(found.to_string().contains("does not say since when"), "{found}");
}

#[tokio::test]
async fn the_impact_of_a_pin_are_the_releases_hotfixes_dependents_and_waves_that_it_passes_by() {
    let memory = memory();
    cut_first(&memory).await;
    let repo = memory.repository();
    pin_add(&repo, &pin("base", "1.0.0", "acme-dev"), Vec::new(), now()).await.unwrap();
    feature(&memory, "1.1.0").await;
    memory.edit(
        "releases/R1.1.yaml",
        &release("R1.1", "  parent: R1\n  lane: hotfix\n  products: { base: 1.1.0, app: 2.0.0 }\n"),
    );
    memory
        .edit("releases/R2.yaml", &release("R2", "  parent: R1\n  products: { base: 1.1.0, app: 2.0.0 }\n"));
    memory.commit();
    release_cut(&repo, &id("R2"), None).await.unwrap();
    let (catalog, _) = read::load(&repo).await.unwrap();
    let members = crate::catalog::fleet::members(&catalog.fleet.as_ref().unwrap().spec, Vec::new()).0;
    let impact = pin_impact(&repo, &"PIN-1".parse().unwrap(), &members, now()).await.unwrap();
    let kept =
        |kept: &[KeptBack]| kept.iter().map(|k| format!("{} {}", k.release, k.version)).collect::<Vec<_>>();
    assert_eq!(kept(&impact.releases), ["R2 1.1.0"]);
    assert_eq!(kept(&impact.hotfixes), ["R1.1 1.1.0"]);
    let app = &impact.dependents[0];
    assert_eq!((app.product.as_str(), app.fits), ("app", true));
    assert_eq!(impact.clusters[0].cluster.as_str(), "acme-dev");
}

#[tokio::test]
async fn a_product_is_shown_with_what_it_hangs_on() {
    let memory = memory();
    let view = product_show(&memory.repository(), &name("app")).await.unwrap();
    assert_eq!(view.dependencies, [name("base")]);
    assert_eq!(view.row.phase, Some(1));
    assert_eq!(view.test_list.len(), 1);
    assert!(product_show(&memory.repository(), &name("nothing")).await.is_err());
}

const CALENDAR: &str = "# when we rest\napiVersion: tidegate.dev/v1\nkind: Calendar\nmetadata: { name: main }\nspec:\n  windows:\n    # both days\n    \
    - { name: weekend, kind: deny, schedule: 0 0 * * SAT, for: 2d, timeZone: Europe/Berlin }\n";

fn freeze(until: &str) -> FreezeRequest {
    FreezeRequest {
        name: None,
        from: None,
        until: until.parse().unwrap(),
        zone: Some("Europe/Berlin".parse().unwrap()),
        lanes: Vec::new(),
        waves: Vec::new(),
        selector: Default::default(),
        author: "ada@example.com".into(),
        reason: "say \"why\": # and how".into(),
    }
}

const PIPELINE: &str = "apiVersion: tidegate.dev/v1\nkind: Pipeline\nmetadata: { name: main }\nspec:\n  waves:\n    - { name: all, selector: {} }\n";

#[tokio::test]
async fn a_freeze_is_added_listed_and_removed_and_the_rest_of_the_file_stays() {
    let memory = memory();
    memory.edit("pipelines/calendar.yaml", CALENDAR);
    let repo = memory.repository();
    let added = freeze_add(&repo, &freeze("2026-12-31"), Vec::new(), now()).await.unwrap();
    assert_eq!(added.freeze.name.as_str(), "freeze-1");
    let text = memory.text("pipelines/calendar.yaml").unwrap();
    assert_eq!(
        text,
        format!(
            "{CALENDAR}  freezes:\n    - name: \"freeze-1\"\n      from: \"2026-11-21T12:00:00Z\"\n      until: \"2026-12-31\"\n      \
             timeZone: \"Europe/Berlin\"\n      author: \"ada@example.com\"\n      reason: \"say \\\"why\\\": # and how\"\n      \
             created: \"2026-11-21T12:00:00Z\"\n"
        )
    );
    let ahead = FreezeRequest {
        name: Some("audit".parse().unwrap()),
        from: Some("2026-12-01T08:00".parse().unwrap()),
        lanes: vec![crate::model::Lane::Normal, crate::model::Lane::Hotfix],
        selector: [("env".to_owned(), "prod".to_owned())].into(),
        ..freeze("2026-12-02")
    };
    freeze_add(&repo, &ahead, Vec::new(), now()).await.unwrap();
    let (rows, findings) = freeze_list(&repo, now()).await.unwrap();
    assert_eq!(findings, Findings::new());
    let shown: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.state, row.ends.unwrap().to_string())).collect();
    assert_eq!(
        shown,
        [
            ("freeze-1", FreezeState::Holds, "2026-12-31T23:00:00Z".to_owned()),
            ("audit", FreezeState::Ahead, "2026-12-02T23:00:00Z".to_owned()),
        ]
    );
    let later = "2026-12-03T00:00:00Z".parse().unwrap();
    assert_eq!(freeze_list(&repo, later).await.unwrap().0[1].state, FreezeState::Over);
    for name in ["freeze-1", "audit"] {
        freeze_remove(&repo, &name.parse().unwrap(), now()).await.unwrap();
    }
    assert_eq!(memory.text("pipelines/calendar.yaml").unwrap(), format!("{CALENDAR}  freezes: []\n"));
    let gone = freeze_remove(&repo, &"audit".parse().unwrap(), now()).await;
    assert_eq!(lines(&findings_of(gone)), ["TG0540 -"]);
}

#[tokio::test]
async fn the_first_freeze_makes_the_calendar() {
    let memory = memory();
    let repo = memory.repository();
    freeze_add(&repo, &freeze("2026-12-31"), Vec::new(), now()).await.unwrap();
    let (_, findings) = read::check(&repo, now()).await.unwrap();
    assert!(lines(&findings).iter().all(|line| !line.contains("calendar")), "{findings}");
    assert_eq!(freeze_list(&repo, now()).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn a_freeze_needs_a_time_to_come_a_zone_a_reason_and_things_that_there_are() {
    let memory = memory();
    memory.edit("pipelines/calendar.yaml", CALENDAR);
    memory.edit("pipelines/main.yaml", PIPELINE);
    // A mistake elsewhere keeps nobody from a freeze.
    memory.edit("products/app/product.yaml", "nonsense: true\n");
    let repo = memory.repository();
    let add = async |request: FreezeRequest| {
        lines(&findings_of(freeze_add(&repo, &request, Vec::new(), now()).await))
    };
    assert_eq!(add(freeze("2026-11-20")).await, ["TG0517 -"]);
    assert_eq!(
        add(FreezeRequest { zone: None, ..freeze("2026-12-31") }).await,
        ["TG0110 pipelines/calendar.yaml:12:14"]
    );
    assert_eq!(
        add(FreezeRequest { reason: " ".into(), ..freeze("2026-12-31") }).await,
        ["TG0107 pipelines/calendar.yaml:15:15"]
    );
    let after = FreezeRequest { from: Some("2027-01-01".parse().unwrap()), ..freeze("2026-12-31") };
    assert_eq!(add(after).await, ["TG0240 pipelines/calendar.yaml:12:14"]);
    // A day ends when the next one begins, which is no beginning of the same freeze.
    let day_after = FreezeRequest { from: Some("2027-01-01".parse().unwrap()), ..freeze("2026-12-31") };
    let told = findings_of(freeze_add(&repo, &day_after, Vec::new(), now()).await).to_string();
    assert!(told.contains("the end 2026-12-31 is before the beginning 2027-01-01"), "{told}");
    let wave = FreezeRequest { waves: vec!["al".parse().unwrap()], ..freeze("2026-12-31") };
    assert_eq!(add(wave).await, ["TG0205 pipelines/calendar.yaml:14:15"]);
    let label =
        FreezeRequest { selector: [("env".to_owned(), "prd".to_owned())].into(), ..freeze("2026-12-31") };
    assert_eq!(add(label).await, ["TG0312 pipelines/calendar.yaml:14:26"]);
    let taken = FreezeRequest { name: Some("weekend".parse().unwrap()), ..freeze("2026-12-31") };
    assert_eq!(add(taken).await, ["TG0541 pipelines/calendar.yaml:8:15"]);
    assert_eq!(memory.text("pipelines/calendar.yaml").unwrap(), CALENDAR, "nothing is written");
    assert!(freeze_add(&repo, &freeze("2026-12-31"), Vec::new(), now()).await.is_ok());
    memory.edit("pipelines/calendar.yaml", &CALENDAR.replace("2d", "2x"));
    assert_eq!(add(freeze("2026-12-31")).await, ["TG0105 pipelines/calendar.yaml:8:64"]);
}

/// As `findings`, which the name of a local may hide.
fn findings_of<T>(result: Result<T, RepoError>) -> Findings {
    findings(result)
}

fn hotfix(parent: &str, products: &[(&str, &str)], includes: &[&str]) -> HotfixRequest {
    HotfixRequest {
        parent: id(parent),
        products: products
            .iter()
            .map(|(product, version)| (name(product), version.parse().unwrap()))
            .collect(),
        includes: includes.iter().map(|release| id(release)).collect(),
        lane: crate::model::Lane::Hotfix,
        id: None,
    }
}

/// Raises `base`, commits and tags it.
async fn raise_base(memory: &Memory, version: &str) {
    memory.edit("products/base/product.yaml", &product("base", version, ""));
    memory.commit();
    product_tag(&memory.repository(), &name("base")).await.unwrap();
}

#[tokio::test]
async fn a_hotfix_is_its_parent_with_some_versions_raised_and_can_be_cut() {
    let memory = memory();
    cut_first(&memory).await;
    memory.commit();
    let repo = memory.repository();
    raise_base(&memory, "1.0.1").await;
    let written = release_hotfix(&repo, &hotfix("R1", &[("base", "1.0.1")], &[])).await.unwrap();
    assert_eq!((written.release.as_str(), written.file.as_str()), ("R1.1", "releases/R1.1.yaml"));
    let [raised] = written.raised.as_slice() else { panic!("{:?}", written.raised) };
    assert_eq!((raised.product.as_str(), raised.to.to_string().as_str()), ("base", "1.0.1"));
    assert_eq!(
        memory.text("releases/R1.1.yaml").unwrap(),
        "apiVersion: tidegate.dev/v1\nkind: Release\nmetadata:\n  name: \"R1.1\"\nspec:\n  parent: \"R1\"\n  \
         lane: hotfix\n  kubernetes: \"1.36\"\n  products:\n    app: \"2.0.0\"\n    base: \"1.0.1\"\n"
    );
    memory.commit();
    assert!(!release_cut(&repo, &id("R1.1"), None).await.unwrap().unchanged);
    memory.commit();

    // A hotfix of the hotfix has the next number.
    raise_base(&memory, "1.0.2").await;
    let next = release_hotfix(&repo, &hotfix("R1.1", &[("base", "1.0.2")], &[])).await.unwrap();
    assert_eq!(next.release.as_str(), "R1.2");
}

#[tokio::test]
async fn a_release_that_includes_a_hotfix_gets_what_that_raised_and_is_no_longer_marked() {
    let memory = memory();
    cut_first(&memory).await;
    memory
        .edit("releases/R2.yaml", &release("R2", "  parent: R1\n  products: { base: 1.0.0, app: 2.0.0 }\n"));
    memory.commit();
    let repo = memory.repository();
    release_cut(&repo, &id("R2"), None).await.unwrap();
    memory.commit();
    raise_base(&memory, "1.0.1").await;
    release_hotfix(&repo, &hotfix("R1", &[("base", "1.0.1")], &[])).await.unwrap();
    let (rows, _) = release_list(&repo).await.unwrap();
    let marked: Vec<&str> =
        rows.iter().filter(|row| !row.missing_hotfixes.is_empty()).map(|row| row.id.as_str()).collect();
    assert_eq!(marked, ["R2"]);
    assert_eq!(release_show(&repo, &id("R2")).await.unwrap().row.missing_hotfixes, [id("R1.1")]);

    let request = HotfixRequest { lane: crate::model::Lane::Normal, ..hotfix("R2", &[], &["R1.1"]) };
    let written = release_hotfix(&repo, &request).await.unwrap();
    assert_eq!((written.release.as_str(), written.raised.len()), ("R2.1", 1));
    assert!(written.findings.is_empty(), "{}", written.findings);
    let shown = release_show(&repo, &id("R2.1")).await.unwrap();
    assert_eq!((shown.hotfixes, shown.row.missing_hotfixes), (vec![id("R1.1")], Vec::new()));
}

#[tokio::test]
#[allow(clippy::type_complexity)]
async fn a_hotfix_lowers_nothing_repeats_nothing_and_knows_its_parent() {
    let memory = memory();
    let repo = memory.repository();
    let codes_of = |findings: Findings| findings.iter().map(|f| f.code.id).collect::<Vec<_>>();
    let uncut = release_hotfix(&repo, &hotfix("R1", &[("base", "1.0.1")], &[])).await;
    assert_eq!(codes_of(findings(uncut)), ["TG0504"]);
    cut_first(&memory).await;
    raise_base(&memory, "1.0.1").await;
    let cases: [(&str, &[(&str, &str)], &[&str], &str); 6] = [
        ("R9", &[("base", "1.0.1")], &[], "TG0206"),
        ("R1", &[("base", "0.9.0")], &[], "TG0522"),
        ("R1", &[("base", "1.0.0")], &[], "TG0522"),
        ("R1", &[("bse", "1.0.1")], &[], "TG0203"),
        ("R1", &[("base", "1.0.1"), ("base", "1.0.2")], &[], "TG0111"),
        ("R1", &[("base", "1.0.1")], &["R1"], "TG0509"),
    ];
    for (parent, products, includes, code) in cases {
        let refused = codes_of(findings(release_hotfix(&repo, &hotfix(parent, products, includes)).await));
        assert!(refused.contains(&code), "{code}: {refused:?}");
    }
    // What has no tag can't be cut, so it is not written either.
    let untagged = release_hotfix(&repo, &hotfix("R1", &[("base", "9.1.1")], &[])).await;
    let told = findings(untagged).to_string();
    assert!(told.contains("there is no tag `base/v9.1.1`"), "{told}");
    assert!(told.contains("tagged versions are 1.0.1, 1.0.0"), "{told}");
    let taken = HotfixRequest { id: Some(id("R1")), ..hotfix("R1", &[("base", "1.0.1")], &[]) };
    assert_eq!(codes_of(findings(release_hotfix(&repo, &taken).await)), ["TG0523"]);
    assert!(memory.text("releases/R1.1.yaml").is_none(), "nothing was written");
}
