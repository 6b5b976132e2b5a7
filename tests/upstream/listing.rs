//! Tags and digests by the distribution API: paging, tokens, credentials, and that nothing is asked twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use tidegate::adapter::registry::{Credentials, Registries, Settings};
use tidegate::adapter::web::{self, Keep, Web};
use tidegate::model::Mirror;
use tidegate::model::image::{Image, Repository};
use tidegate::port::upstream::{Registry as _, Silence, Tags, Wanted};

use super::fake::{Fake, Reply};
use super::registry::{Script, Wants, digest_of, list};
use super::web::quick;

/// A registry that follows its script.
pub async fn serve(script: Script) -> Fake {
    Fake::at(|home| {
        let home = home.to_owned();
        move |seen| script.answer(&home, seen)
    })
    .await
}

/// Registries without credentials, where each host of a list is asked at a fake.
pub fn registries(places: &[(&str, &Fake)]) -> Registries {
    with(places, Credentials::none(), quick())
}

pub fn with(places: &[(&str, &Fake)], credentials: Credentials, web: web::Settings) -> Registries {
    let endpoints = places.iter().map(|(host, fake)| ((*host).to_owned(), fake.address())).collect();
    let settings = Settings { endpoints, ..Settings::default() };
    Registries::new(Arc::new(Web::new(web)), settings, credentials)
}

pub fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

pub fn names(tags: &Tags) -> Vec<&str> {
    tags.iter().collect()
}

/// Credentials of one user for one host.
pub fn user(host: &str, user: &str, password: &str) -> Credentials {
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut credentials = Credentials::none();
    assert!(credentials.add(format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#).as_bytes()));
    credentials
}

const HOST: &str = "registry.example.com";
const TAGS: &[&str] = &["1.0", "1.1", "1.2", "2.0", "latest"];

fn script() -> Script {
    Script::with(&[("team/app", TAGS)])
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    for page in [1, 2, 3, 5, 1000] {
        let fake = serve(Script { page, ..script() }).await;
        let registries = registries(&[(HOST, &fake)]);
        let tags =
            registries.tags(&repository("registry.example.com/team/app"), Wanted::Names).await.unwrap();
        assert_eq!(names(&tags), TAGS, "{page} on a page");
        assert_eq!(fake.seen().len(), TAGS.len().div_ceil(page));
    }
}

#[tokio::test]
async fn the_next_page_may_be_written_in_many_ways() {
    let ways: [&'static str; 7] = [
        "</v2/a/b/tags/list?cursor=opaque%2Bthing>; rel=\"next\"",
        "<HOME/v2/a/b/tags/list?cursor=opaque%2Bthing>; rel=\"next\"",
        "<list?cursor=opaque%2Bthing>; rel=next",
        "<?cursor=opaque%2Bthing>; rel=next",
        "</elsewhere>; rel=\"last\", <list?cursor=opaque%2Bthing>;rel=\"next\"",
        "<//HOST/v2/a/b/tags/list?cursor=opaque%2Bthing>; rel=\"next\"",
        "<./../tags/list?cursor=opaque%2Bthing>; title=\"a,b;c\"; rel=\"next\"",
    ];
    for way in ways {
        let fake = Fake::at(|home| {
            let link = way.replace("HOME", home).replace("HOST", home.trim_start_matches("http://"));
            move |seen| match seen.query.as_str() {
                "n=1000" => Reply::json(list("a/b", &["1"])).header("Link", link.clone()),
                "cursor=opaque%2Bthing" => Reply::json(list("a/b", &["2"])),
                _ => Reply::new(500, ""),
            }
        })
        .await;
        let registries = registries(&[(HOST, &fake)]);
        let tags = registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap();
        assert_eq!(names(&tags), ["1", "2"], "{way}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_for_a_repository_and_the_registry_asked_for_nothing_twice() {
    let many: Vec<String> = (0..40).map(|n| format!("team/app{n}")).collect();
    let mut script = Script { wants: Wants::Token(None), page: 2, ..Script::default() };
    script.repositories =
        many.iter().map(|n| (n.clone(), vec!["1".into(), "2".into(), "3".into()])).collect();
    let fake = serve(script).await;
    let registries = registries(&[(HOST, &fake)]);
    let all: Vec<Repository> = many.iter().map(|name| repository(&format!("{HOST}/{name}"))).collect();
    // Each of them three times at once.
    let asked = all.iter().chain(&all).chain(&all).map(|r| registries.tags(r, Wanted::Names));
    for tags in futures::future::join_all(asked).await {
        assert_eq!(names(&tags.unwrap()), ["1", "2", "3"]);
    }
    assert_eq!(fake.count("/token"), 40);
    // Two pages each, and one question without a token from which the rest was learned.
    assert_eq!(fake.count("/v2/"), 40 * 2 + 1);
}

#[tokio::test]
async fn credentials_are_shown_as_the_registry_wants_them() {
    for wants in [
        Wants::Basic("me".to_owned(), "word".to_owned()),
        Wants::Token(Some(("me".to_owned(), "word".to_owned()))),
    ] {
        let fake = serve(Script { wants, page: 2, ..script() }).await;
        let app = repository("registry.example.com/team/app");
        let known = with(&[(HOST, &fake)], user(HOST, "me", "word"), quick());
        assert_eq!(names(&known.tags(&app, Wanted::Names).await.unwrap()), TAGS);

        let wrong = with(&[(HOST, &fake)], user(HOST, "me", "no-such-word"), quick());
        let silence = wrong.tags(&app, Wanted::Names).await.unwrap_err();
        assert_eq!(silence.why, Silence::Forbidden, "{silence}");
        assert!(!silence.message.contains("no-such-word"), "{silence}");

        let nobody = registries(&[(HOST, &fake)]).tags(&app, Wanted::Names).await.unwrap_err();
        assert_eq!(nobody.why, Silence::Forbidden, "{nobody}");
    }
}

#[tokio::test]
async fn who_has_no_credentials_is_told_where_to_get_some() {
    let fake = serve(Script { wants: Wants::Basic("a".into(), "b".into()), ..script() }).await;
    let asked = registries(&[(HOST, &fake)]);
    let silence = asked.tags(&repository("registry.example.com/team/app"), Wanted::Names).await.unwrap_err();
    assert_eq!(
        silence.message,
        "the tags of registry.example.com/team/app: it answered 401 Unauthorized: UNAUTHORIZED authentication \
         required; there are no credentials for registry.example.com: `docker login registry.example.com`"
    );
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_a_form() {
    let fake = serve(Script { wants: Wants::Token(Some(("x".into(), "y".into()))), ..script() }).await;
    let mut credentials = Credentials::none();
    credentials.add(br#"{"auths":{"registry.example.com":{"identitytoken":"refresh"}}}"#);
    let registries = with(&[(HOST, &fake)], credentials, quick());
    let tags = registries.tags(&repository("registry.example.com/team/app"), Wanted::Names).await.unwrap();
    assert_eq!(names(&tags), TAGS);
    let asked = fake.seen().into_iter().find(|seen| seen.path == "/token").unwrap();
    assert_eq!(asked.method, "POST");
    assert!(asked.query.is_empty() && asked.header("authorization").is_empty());
    for part in
        ["grant_type=refresh_token", "service=registry.example.com", "scope=repository%3Ateam%2Fapp%3Apull"]
    {
        assert!(asked.body.contains(part), "{}", asked.body);
    }
}

#[tokio::test]
async fn a_helper_program_is_asked_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("docker-credential-tidegate-test");
    let written = format!(
        "#!/bin/sh\nread server\necho \"$1 $server\" >> {}/log\necho '{{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"word\"}}'\n",
        folder.path().display()
    );
    std::fs::write(&program, written).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A helper is found on the PATH; its folder is put there for a process of its own.
    if std::env::var_os("TIDEGATE_TEST_HELPER").is_none() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "listing::a_helper_program_is_asked_once", "--nocapture"])
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("TIDEGATE_TEST_HELPER", folder.path())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "get registry.example.com\n");
        return;
    }
    let wants = Wants::Basic("me".to_owned(), "word".to_owned());
    let fake = serve(Script { wants, page: 1, ..script() }).await;
    let mut credentials = Credentials::none();
    credentials.add(br#"{"credHelpers":{"registry.example.com":"tidegate-test"}}"#);
    let registries = with(&[(HOST, &fake)], credentials, quick());
    let app = repository("registry.example.com/team/app");
    assert_eq!(names(&registries.tags(&app, Wanted::Names).await.unwrap()), TAGS);
    let image: Image = "registry.example.com/team/app:1.0".parse().unwrap();
    assert_eq!(registries.digest(&image).await.unwrap(), digest_of("1.0"));
}

#[tokio::test]
async fn a_helper_that_is_not_there_does_not_keep_the_public_from_being_read() {
    let mut credentials = Credentials::none();
    credentials.add(br#"{"credsStore":"no-such-helper-anywhere"}"#);
    let app = repository("registry.example.com/team/app");
    let open = serve(script()).await;
    let asked = with(&[(HOST, &open)], credentials, quick());
    assert_eq!(names(&asked.tags(&app, Wanted::Names).await.unwrap()), TAGS);

    let mut credentials = Credentials::none();
    credentials.add(br#"{"credsStore":"no-such-helper-anywhere"}"#);
    let closed = serve(Script { wants: Wants::Basic("a".into(), "b".into()), ..script() }).await;
    let asked = with(&[(HOST, &closed)], credentials, quick());
    let silence = asked.tags(&app, Wanted::Names).await.unwrap_err();
    assert!(
        silence.message.contains("docker-credential-no-such-helper-anywhere` was not found"),
        "{silence}"
    );
}

#[tokio::test]
async fn a_digest_is_read_from_the_headers_alone() {
    let fake = serve(Script { wants: Wants::Token(None), ..script() }).await;
    let registries = registries(&[(HOST, &fake)]);
    let image: Image = "registry.example.com/team/app:2.0".parse().unwrap();
    assert_eq!(registries.digest(&image).await.unwrap(), digest_of("2.0"));
    assert_eq!(registries.digest(&image).await.unwrap(), digest_of("2.0"));
    let manifests: Vec<_> = fake.seen().into_iter().filter(|s| s.path.contains("/manifests/")).collect();
    assert!(manifests.iter().all(|seen| seen.method == "HEAD"));
    let accepted = manifests[0].header("accept").split(',').count();
    assert_eq!((manifests.len(), accepted), (2, 4), "once without a token, once with it");
    let missing: Image = "registry.example.com/team/app:9".parse().unwrap();
    assert_eq!(registries.digest(&missing).await.unwrap_err().why, Silence::Missing);
}

#[tokio::test]
async fn where_the_header_is_missing_the_manifest_itself_is_hashed() {
    let body = super::registry::manifest_of("1");
    let told = body.clone();
    let fake = Fake::new(move |seen| match seen.method.as_str() {
        "HEAD" => Reply::new(200, ""),
        _ => Reply::new(200, told.clone()),
    })
    .await;
    let digest =
        registries(&[(HOST, &fake)]).digest(&"registry.example.com/a:1".parse().unwrap()).await.unwrap();
    assert_eq!(digest, tidegate::digest::bytes(body.as_bytes()).to_string());

    let nonsense =
        Fake::new(|_| Reply::new(200, "<html>Sign in</html>").header("Docker-Content-Digest", "md5:1")).await;
    let asked = registries(&[(HOST, &nonsense)]);
    let silence = asked.digest(&"registry.example.com/a:1".parse().unwrap()).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid, "{silence}");
}

#[tokio::test]
async fn what_is_mirrored_is_asked_and_the_mirror_once_for_what_it_has() {
    let quay = serve(Script::with(&[("jetstack/x", TAGS)])).await;
    let mirror = serve(Script::with(&[("mirror/quay.io/jetstack/x", &["1.0"])])).await;
    let settings = Settings {
        mirrors: "registry.example.com/mirror/quay.io=quay.io".parse::<Mirror>().into_iter().collect(),
        endpoints: BTreeMap::from([
            ("quay.io".to_owned(), quay.address()),
            (HOST.to_owned(), mirror.address()),
        ]),
        ..Settings::default()
    };
    let registries = Registries::new(Arc::new(Web::new(quick())), settings, Credentials::none());
    let mirrored = repository("registry.example.com/mirror/quay.io/jetstack/x");
    assert_eq!(names(&registries.tags(&mirrored, Wanted::Names).await.unwrap()), TAGS);
    let image: Image = "registry.example.com/mirror/quay.io/jetstack/x:1.0".parse().unwrap();
    assert_eq!(registries.digest(&image).await.unwrap(), digest_of("1.0"));
    assert!(mirror.seen().is_empty());

    for _ in 0..2 {
        let copies = registries.copies(&mirrored).await.expect("it is a copy").unwrap();
        assert_eq!(names(&copies), ["1.0"]);
    }
    assert_eq!(mirror.seen().len(), 1);
    let absent = repository("registry.example.com/mirror/quay.io/jetstack/y");
    assert_eq!(registries.copies(&absent).await.expect("a copy").unwrap_err().why, Silence::Missing);
    assert!(registries.copies(&repository("quay.io/jetstack/x")).await.is_none());
}

#[tokio::test]
async fn next_weeks_run_asks_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let fake = serve(Script { etag: true, page: 2, wants: Wants::Token(None), ..script() }).await;
    let app = repository("registry.example.com/team/app");
    for kept in [0, 3] {
        let keep = Some(Keep { folder: folder.path().to_owned(), most: 1_000_000 });
        let web = Arc::new(Web::new(web::Settings { keep, ..quick() }));
        let endpoints = BTreeMap::from([(HOST.to_owned(), fake.address())]);
        let settings = Settings { endpoints, ..Settings::default() };
        let registries = Registries::new(Arc::clone(&web), settings, Credentials::none());
        assert_eq!(names(&registries.tags(&app, Wanted::Names).await.unwrap()), TAGS);
        assert_eq!(web.counts().kept, kept);
    }
}

#[tokio::test]
async fn a_registry_that_only_fails_does_not_make_its_askers_queue() {
    let fake = Fake::new(|_| Reply::new(400, "").after(Duration::from_millis(100))).await;
    let registries = registries(&[(HOST, &fake)]);
    let all: Vec<Repository> = (0..60).map(|n| repository(&format!("{HOST}/a{n}"))).collect();
    let begun = Instant::now();
    let asked = futures::future::join_all(all.iter().map(|r| registries.tags(r, Wanted::Names))).await;
    assert!(asked.iter().all(|tags| tags.as_ref().is_err_and(|silence| silence.why == Silence::Invalid)));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// The figure of the issue: 500 images on six hosts with 50 ms latency.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_images_are_listed_in_a_moment() {
    let mut hosts = Vec::new();
    for host in 0..6 {
        let mut script = Script {
            wants: Wants::Token(None),
            latency: Duration::from_millis(50),
            page: 1000,
            ..Script::default()
        };
        let tags: Vec<String> = (0..300).map(|n| format!("v1.{n}.0")).collect();
        script.repositories = (0..84).map(|n| (format!("team/app{n}"), tags.clone())).collect();
        hosts.push((format!("registry{host}.example.com"), serve(script).await));
    }
    let places: Vec<(&str, &Fake)> = hosts.iter().map(|(host, fake)| (host.as_str(), fake)).collect();
    let registries = registries(&places);
    let all: Vec<Repository> =
        (0..500).map(|n| repository(&format!("registry{}.example.com/team/app{}", n % 6, n / 6))).collect();
    let begun = Instant::now();
    let asked = futures::future::join_all(all.iter().map(|r| registries.tags(r, Wanted::Names))).await;
    let took = begun.elapsed();
    for tags in &asked {
        assert_eq!(tags.as_ref().unwrap().iter().count(), 300);
    }
    let sent: usize = hosts.iter().map(|(_, fake)| fake.seen().len()).sum();
    let peak = hosts.iter().map(|(_, fake)| fake.peak()).max().unwrap();
    eprintln!("500 images: {took:?}, {sent} requests, {peak} in flight");
    // How fast it is the benchmark tells; one after another they would take a minute.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(sent <= 1006 && peak <= 32, "{sent} requests, {peak} in flight");
}

/// A registry with so many tags that pages by `n` and `last` and says nothing of a next page.
async fn silent(all: usize, knows_last: bool, refuses: bool) -> Fake {
    Fake::new(move |seen| {
        let names: Vec<String> = (0..all).map(|n| format!("1.0.{n:05}")).collect();
        let last = seen.param("last");
        if refuses && last.is_some() {
            return Reply::error(400, "UNSUPPORTED", "no such parameter");
        }
        let from =
            last.filter(|_| knows_last).map_or(0, |last| names.iter().position(|n| *n == last).unwrap() + 1);
        Reply::json(list("a/b", &names[from..(from + 1000).min(all)]))
    })
    .await
}

#[tokio::test]
async fn a_page_as_long_as_was_asked_for_may_not_be_all() {
    for (all, asked) in [(999, 1), (1000, 2), (2500, 3), (3000, 4)] {
        let fake = silent(all, true, false).await;
        let tags =
            registries(&[(HOST, &fake)]).tags(&repository("registry.example.com/a/b"), Wanted::Names).await;
        assert_eq!((tags.unwrap().iter().count(), fake.seen().len()), (all, asked));
    }
}

#[tokio::test]
async fn who_does_not_know_how_to_go_on_has_told_all() {
    for refuses in [true, false] {
        let fake = silent(1000, false, refuses).await;
        let tags =
            registries(&[(HOST, &fake)]).tags(&repository("registry.example.com/a/b"), Wanted::Names).await;
        let tags = tags.unwrap();
        let found: std::collections::BTreeSet<&str> = tags.iter().collect();
        assert_eq!(found.len(), 1000, "{refuses}");
    }
}

#[tokio::test]
async fn a_part_of_a_list_and_an_unreadable_next_page_are_no_whole() {
    for reply in [
        Reply::json(list("a/b", &["1.0.0"])).status(206),
        Reply::json(list("a/b", &["1.0.0"])).header("Link", "http://x/; rel=next"),
    ] {
        let fake = Fake::new(move |_| reply.clone()).await;
        let silence = registries(&[(HOST, &fake)])
            .tags(&repository("registry.example.com/a/b"), Wanted::Names)
            .await
            .unwrap_err();
        assert_eq!(silence.why, Silence::Invalid, "{silence}");
    }
}

#[tokio::test]
async fn the_platforms_of_an_index_are_told_and_never_pulled_from_docker_hub() {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/v2/a/b/manifests/1.0.0" => {
            Reply::json(r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:aa"},{"digest":"sha256:bb"}]}"#)
        }
        "/v2/a/b/manifests/2.0.0" => Reply::json(r#"{"schemaVersion":2,"layers":[]}"#),
        _ => Reply::new(200, "<html>"),
    })
    .await;
    let registries = registries(&[(HOST, &fake), ("docker.io", &fake)]);
    let of = |text: &str| text.parse::<tidegate::model::image::Image>().unwrap();
    let platforms = async |text: &str| registries.platforms(&of(text)).await;
    assert_eq!(platforms("registry.example.com/a/b:1.0.0").await.unwrap(), ["sha256:aa", "sha256:bb"]);
    assert!(platforms("registry.example.com/a/b:2.0.0").await.unwrap().is_empty());
    assert_eq!(platforms("registry.example.com/a/b:3.0.0").await.unwrap_err().why, Silence::Invalid);
    let asked = fake.seen().len();
    assert!(platforms("docker.io/a/b:1.0.0").await.unwrap().is_empty());
    assert_eq!(fake.seen().len(), asked);
}

#[tokio::test]
async fn who_pages_by_links_is_not_asked_beyond_the_last_one() {
    let names: Vec<String> = (0..2000).map(|n| format!("1.0.{n:05}")).collect();
    let fake = Fake::new(move |seen| match seen.param("cursor") {
        None => {
            Reply::json(list("a/b", &names[..1000])).header("Link", "</v2/a/b/tags/list?cursor=x>; rel=next")
        }
        Some(_) => Reply::json(list("a/b", &names[1000..])),
    })
    .await;
    let tags =
        registries(&[(HOST, &fake)]).tags(&repository("registry.example.com/a/b"), Wanted::Names).await;
    assert_eq!((tags.unwrap().iter().count(), fake.seen().len()), (2000, 2));
}
