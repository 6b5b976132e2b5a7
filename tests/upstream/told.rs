//! What `tidegate lcm report` says where it can't say all: nobody told of versions, a past report is damaged,
//! nothing was selected.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fake::{Fake, Reply};
use super::report::{answer, certs, run};

/// The code, the envelope and what was said beside it.
fn json(folder: &Path, args: &[&str]) -> (Option<i32>, Value, String) {
    let ran = run(folder, &[&["-o", "json"], args].concat());
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran.status.code(), told, String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// Where past reports are kept.
fn kept(folder: &Path) -> PathBuf {
    let mut found = std::fs::read_dir(folder.join("state/tidegate")).unwrap();
    found.next().unwrap().unwrap().path().join("journal-reports.db")
}

fn warnings(told: &Value) -> Vec<&str> {
    let all = told["warnings"].as_array().unwrap().iter();
    all.filter(|one| one["source"] == "past reports").map(|one| one["message"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_tells_of_versions_that_is_said_though_others_answered() {
    let fake = Fake::new(|seen| match seen.path.starts_with("/endoflife/") {
        true => answer(seen),
        false => Reply::error(403, "TOOMANYREQUESTS", "later"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let (code, told, said) = json(folder.path(), &["--product", "certs"]);
    assert_eq!(code, Some(6), "{said}");
    let sources = &told["data"]["sources"];
    assert_eq!(sources["answered"], 1, "the data set of support windows answered: {sources:#}");
    assert!(said.contains("of nothing in use it is known which versions there are"), "{said}");
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("exit code 6"), "{warnings}");
    // One registry that answers is enough.
    let fake = Fake::new(|seen| match seen.path.starts_with("/quay/v2/jetstack/controller/") {
        true => answer(seen),
        false => Reply::error(403, "DENIED", "no"),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    let (code, _, said) = json(folder.path(), &[]);
    assert!(code == Some(0) && !said.contains("of nothing in use"), "{code:?} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_report_that_can_t_be_read_is_told_and_passed_over() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    certs(&folder.path().join("repo"), &fake.address());
    json(folder.path(), &[]);
    let database = rusqlite::Connection::open(kept(folder.path())).unwrap();
    // Three reports: of ten, of seventeen and of twenty-four days ago.
    for days in [17, 24] {
        let copy = format!(
            "INSERT INTO reports SELECT at - {days} * 86400000, text FROM reports ORDER BY at DESC LIMIT 1"
        );
        database.execute(&copy, []).unwrap();
    }
    database
        .execute("UPDATE reports SET at = at - 10 * 86400000 WHERE at = (SELECT max(at) FROM reports)", [])
        .unwrap();
    let day = |place: i64| -> String {
        let read = "SELECT date(at / 1000, 'unixepoch') FROM reports ORDER BY at DESC LIMIT 1 OFFSET ?1";
        database.query_row(read, [place], |row| row.get(0)).unwrap()
    };
    let [newest, middle, oldest] = [day(0), day(1), day(2)];
    let damage = |place: i64| {
        let damage = "UPDATE reports SET text = '{' WHERE at = (SELECT at FROM reports ORDER BY at DESC LIMIT 1 OFFSET ?1)";
        assert_eq!(database.execute(damage, [place]).unwrap(), 1);
    };
    let since = |told: &Value| told["data"]["since"]["at"].as_str().unwrap_or("nothing")[..10].to_owned();
    damage(0);
    // What is narrowed is not kept, so that every look sees the same.
    let (code, told, said) = json(folder.path(), &["--product", "certs"]);
    assert_eq!((code, since(&told), &told["partial"]), (Some(0), middle.clone(), &true.into()), "{said}");
    let words = format!("the report of {newest} can't be read");
    assert!(said.contains(&words) && warnings(&told)[0].contains(&format!("compared with that of {middle}")));
    assert_eq!(told["data"]["trend"].as_array().map(Vec::len), Some(3), "two that can be read, and this one");
    let (code, told, said) = json(folder.path(), &["--product", "certs", "--since", "1w"]);
    assert_eq!((code, since(&told)), (Some(0), middle.clone()), "{said}");
    assert!(said.contains(&words), "{said}");

    // Where nothing older is left, the one from then is named, and no other day.
    damage(2);
    let (code, _, said) = json(folder.path(), &["--product", "certs", "--since", "3w"]);
    let words = format!("the report of {oldest} can't be read");
    assert!(code == Some(4) && said.contains(&words), "{code:?} {said}");
    assert!(said.contains(&format!("the oldest one that can be read is of {middle}")), "{said}");
    damage(1);
    let (code, told, said) = json(folder.path(), &["--product", "certs"]);
    assert!(code == Some(0) && said.contains("3 past reports can't be read"), "{code:?} {said}");
    assert_eq!((told["data"]["since"].is_null(), &told["partial"]), (true, &true.into()));
    let (code, _, said) = json(folder.path(), &["--product", "certs", "--since", "1d"]);
    assert!(code == Some(4) && said.contains("of those that are kept none can be read"), "{code:?} {said}");
    // The next one is kept all the same, and they are not gone.
    json(folder.path(), &[]);
    let count: i64 = database.query_row("SELECT count(*) FROM reports", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_past_reports_that_is_none_is_named_with_what_to_do() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    certs(&repo, &fake.address());
    json(folder.path(), &[]);
    let file = kept(folder.path());
    let garbage = "no database at all, but long enough to be looked at as one";
    std::fs::write(&file, garbage).unwrap();
    let (code, told, said) = json(folder.path(), &[]);
    assert_eq!(code, Some(0), "{said}");
    for words in ["this report is not kept", "the file is damaged", "move it away"] {
        assert!(said.contains(words) && warnings(&told)[0].contains(words), "{words}: {said}");
    }
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), garbage, "it is nobody's to delete");
    let (code, _, said) = json(folder.path(), &["--since", "1w"]);
    assert!(code == Some(1) && said.contains("move it away"), "{code:?} {said}");
    // Beside a journal that was named it is named in the same way.
    std::fs::create_dir_all(repo.join("mine")).unwrap();
    std::fs::write(repo.join("mine/own-reports.db"), garbage).unwrap();
    let (_, _, said) = json(folder.path(), &["--journal", "mine/own.db"]);
    assert!(said.contains("`mine/own-reports.db`"), "{said}");
    // Moved away, the next one begins anew.
    std::fs::rename(&file, file.with_extension("damaged")).unwrap();
    let (_, told, said) = json(folder.path(), &[]);
    assert!(warnings(&told).is_empty() && !said.contains("past reports"), "{said}");
    assert!(file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_is_not_the_teams_is_nothing_to_report() {
    let fake = Fake::new(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    certs(&repo, &fake.address());
    let other = "apiVersion: tidegate.dev/v1\nkind: Product\nmetadata: { name: shop }\nspec:\n  version: 1.0.0\n  owner: web\n  deploy:\n    - manifests: { path: manifests, namespace: shop }\n";
    super::platform::write(&repo, "products/shop/product.yaml", other);
    let (code, _, said) = json(folder.path(), &["--product", "shop", "--owner", "security"]);
    assert_eq!((code, fake.seen().len()), (Some(4), 0), "{said}");
    assert!(said.contains("of `shop` nothing is owned by `security`"), "{said}");
    assert!(said.contains("`shop` is owned by `web`"), "{said}");
    // What fits and has nothing upstream is no mistake, nor is one of two that fits.
    let (code, _, said) = json(folder.path(), &["--product", "shop", "--owner", "web"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, told, said) =
        json(folder.path(), &["--product", "shop", "--product", "certs", "--owner", "security"]);
    assert_eq!((code, told["data"]["products"].as_array().map(Vec::len)), (Some(0), Some(1)), "{said}");
}
