//! Asking over HTTP: politeness, patience, what is kept, and where answers may lead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Url;
use tidegate::adapter::web::{Ask, Keep, Pass, Settings, Web};
use tidegate::port::Secret;
use tidegate::port::upstream::Silence;

use super::fake::{Fake, Reply, Seen, nobody};

/// Settings that do not wait long.
pub fn quick() -> Settings {
    Settings {
        pause: Duration::from_millis(5),
        whole: Duration::from_secs(20),
        read: Duration::from_secs(2),
        within: Duration::from_secs(5),
        ..Settings::default()
    }
}

fn keeping(folder: &tempfile::TempDir) -> Settings {
    Settings { keep: Some(Keep { folder: folder.path().join("answers"), most: 1024 * 1024 }), ..quick() }
}

fn url(fake: &Fake, path: &str) -> Url {
    format!("{}{path}", fake.address()).parse().unwrap()
}

/// A server that answers each question by its number, from 1.
async fn counted(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Fake {
    let number = AtomicUsize::new(0);
    Fake::new(move |seen| answer(number.fetch_add(1, Ordering::SeqCst) + 1, seen)).await
}

#[tokio::test]
async fn errors_of_the_server_are_tried_again_and_not_for_ever() {
    let fake = counted(|n, _| if n < 3 { Reply::new(502, "") } else { Reply::new(200, "there") }).await;
    let web = Web::new(quick());
    let answer = web.ask(Ask::get(url(&fake, "/x"))).await.unwrap();
    assert_eq!(answer.body, b"there");
    assert_eq!((web.counts().sent, web.counts().retries), (3, 2));

    let fake = Fake::new(|_| Reply::new(500, "")).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
    assert_eq!(silence.why, Silence::Unreachable);
    assert_eq!(fake.seen().len(), 3);
    assert!(silence.message.contains("/x: it answered 500"), "{silence}");
}

#[tokio::test]
async fn a_missing_document_is_asked_for_once() {
    let fake = Fake::new(|_| Reply::new(404, "no such thing")).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap().good().unwrap_err();
    assert_eq!((silence.why, fake.seen().len()), (Silence::Missing, 1));
    assert!(silence.message.ends_with("404 Not Found: no such thing"), "{silence}");
}

#[tokio::test]
async fn patience_that_one_request_is_asked_for_is_kept_by_all() {
    let begun = Instant::now();
    let early = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&early);
    let fake = counted(move |n, _| match n {
        1 => Reply::new(429, "").header("Retry-After", "1"),
        _ => {
            if begun.elapsed() < Duration::from_millis(950) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            Reply::new(200, "")
        }
    })
    .await;
    let web = Web::new(quick());
    let first = web.ask(Ask::get(url(&fake, "/1")));
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        futures::future::join_all((0..20).map(|_| web.ask(Ask::get(url(&fake, "/2"))))).await
    };
    let (first, others) = futures::join!(first, others);
    assert!(first.is_ok() && others.iter().all(Result::is_ok));
    assert_eq!(early.load(Ordering::SeqCst), 0, "the host was asked before it wanted to be");
}

#[tokio::test]
async fn patience_beyond_the_run_is_told_with_its_end() {
    let fake = Fake::new(|_| Reply::new(503, "").header("Retry-After", "7200")).await;
    let web = Web::new(quick());
    let begun = Instant::now();
    let silence = web.ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
    assert_eq!(silence.why, Silence::Limited);
    assert!(silence.message.contains("it wants to be asked again at 20"), "{silence}");
    // Nobody else asks it either.
    assert_eq!(web.ask(Ask::get(url(&fake, "/y"))).await.unwrap_err().why, Silence::Limited);
    assert_eq!(fake.seen().len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn no_more_than_the_agreed_number_is_in_flight() {
    let fake = Fake::new(|_| Reply::new(200, "").after(Duration::from_millis(20))).await;
    let web = Web::new(quick());
    let all = futures::future::join_all((0..200).map(|n| web.ask(Ask::get(url(&fake, &format!("/{n}"))))));
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!(fake.peak(), 32);
    assert_eq!(web.counts().peak[&fake.address()], 32);
    assert_eq!(web.counts().sent, 200);
}

#[tokio::test]
async fn a_host_that_is_down_costs_no_time() {
    let web = Web::new(quick());
    let gone: Url = format!("http://127.0.0.1:{}/x", nobody()).parse().unwrap();
    let begun = Instant::now();
    for _ in 0..50 {
        let silence = web.ask(Ask::get(gone.clone())).await.unwrap_err();
        assert_eq!(silence.why, Silence::Unreachable);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(web.counts().sent, 3);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_given_up() {
    let fake = Fake::new(|_| Reply::new(200, "").after(Duration::from_secs(60))).await;
    let web = Web::new(Settings { read: Duration::from_millis(200), ..quick() });
    let begun = Instant::now();
    let all = futures::future::join_all((0..100).map(|_| web.ask(Ask::get(url(&fake, "/x"))))).await;
    assert!(all.iter().all(|answer| answer.as_ref().is_err_and(|s| s.why == Silence::Unreachable)));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_run_ends_when_its_time_is_over() {
    let fake = Fake::new(|_| Reply::new(200, "0123456789").drip(Duration::from_millis(200))).await;
    let web = Web::new(Settings { whole: Duration::from_millis(500), ..quick() });
    let begun = Instant::now();
    let silence = web.ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
    assert_eq!(silence.why, Silence::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(web.left().is_zero());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again_and_then_no_answer() {
    let fake =
        counted(|n, _| if n == 1 { Reply::new(200, "whole").cut(2) } else { Reply::new(200, "whole") }).await;
    assert_eq!(Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap().body, b"whole");
    let fake = Fake::new(|_| Reply::new(200, "whole").cut(2)).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid);
    assert!(silence.message.contains("broke off"), "{silence}");
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test]
async fn more_than_agreed_is_not_read() {
    let endless = Fake::new(|_| Reply::long("x".repeat(64 * 1024), 1_000_000)).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&endless, "/x")).most(1_000_000)).await.unwrap_err();
    assert_eq!(silence.why, Silence::TooMuch);
    let told = Fake::new(|_| Reply::new(200, "x".repeat(2000))).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&told, "/x")).most(1000)).await.unwrap_err();
    assert_eq!(silence.why, Silence::TooMuch);
    assert_eq!(told.seen().len(), 1);
}

#[tokio::test]
async fn what_is_compressed_unasked_is_not_taken() {
    let fake = Fake::new(|_| Reply::new(200, "x").header("Content-Encoding", "gzip")).await;
    let silence = Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid);
    assert!(fake.seen()[0].header("accept-encoding").is_empty());
}

#[tokio::test]
async fn plain_http_is_only_for_this_machine() {
    let ask = Ask::get("http://registry.example.com/v2/".parse().unwrap());
    let silence = Web::new(quick()).ask(ask).await.unwrap_err();
    assert_eq!(silence.why, Silence::Invalid);
    assert!(silence.message.contains("without TLS"), "{silence}");
}

/// A document that has an ETag and changes when told to.
async fn tagged(extra: &'static str) -> (Fake, Arc<AtomicUsize>) {
    let version = Arc::new(AtomicUsize::new(1));
    let shown = Arc::clone(&version);
    let fake = Fake::new(move |seen| {
        let version = shown.load(Ordering::SeqCst);
        let etag = format!("\"v{version}\"");
        let reply = if seen.header("if-none-match") == etag {
            Reply::new(304, "")
        } else {
            let who = seen.header("authorization");
            Reply::new(200, format!("text {version} for {who}"))
        };
        reply.header("ETag", etag).header("Cache-Control", extra)
    })
    .await;
    (fake, version)
}

async fn text(web: &Web, ask: Ask) -> String {
    String::from_utf8(web.ask(ask).await.unwrap().good().unwrap().body).unwrap()
}

#[tokio::test]
async fn what_did_not_change_is_taken_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, version) = tagged("").await;
    let ask = Ask::get(url(&fake, "/x")).kept();
    assert_eq!(text(&Web::new(keeping(&folder)), ask.clone()).await, "text 1 for ");
    let web = Web::new(keeping(&folder));
    assert_eq!(text(&web, ask.clone()).await, "text 1 for ");
    assert_eq!((web.counts().sent, web.counts().kept), (1, 1));
    version.store(2, Ordering::SeqCst);
    let web = Web::new(keeping(&folder));
    assert_eq!(text(&web, ask).await, "text 2 for ");
    assert_eq!(web.counts().kept, 0);
}

#[tokio::test]
async fn an_answer_for_one_is_not_given_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, _) = tagged("max-age=3600").await;
    let ask = Ask::get(url(&fake, "/x")).kept().fresh();
    let as_whom = |word: &str| ask.clone().pass(Some(Pass::basic("me", &Secret::new(word.to_owned()))));
    let web = Web::new(keeping(&folder));
    let mine = text(&web, as_whom("mine")).await;
    let other = text(&web, as_whom("other")).await;
    let nobody = text(&web, ask.clone()).await;
    assert!(mine != other && nobody == "text 1 for ", "{mine} {other} {nobody}");
    assert_eq!(text(&web, as_whom("mine")).await, mine);
    assert_eq!((web.counts().sent, web.counts().kept), (3, 1));
    for file in std::fs::read_dir(folder.path().join("answers")).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}

#[tokio::test]
async fn what_is_fresh_is_only_taken_unasked_by_who_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, _) = tagged("max-age=3600").await;
    let web = Web::new(keeping(&folder));
    let ask = Ask::get(url(&fake, "/x")).kept();
    text(&web, ask.clone()).await;
    text(&web, ask.clone()).await;
    assert_eq!(web.counts().sent, 2);
    text(&web, ask.fresh()).await;
    assert_eq!(web.counts().sent, 2);
}

#[tokio::test]
async fn what_shall_not_be_kept_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, _) = tagged("private, no-store").await;
    let web = Web::new(keeping(&folder));
    let ask = Ask::get(url(&fake, "/x")).kept();
    text(&web, ask.clone()).await;
    text(&web, ask).await;
    assert_eq!(web.counts().kept, 0);
    assert!(!folder.path().join("answers").exists());
}

#[tokio::test]
async fn a_bent_file_is_as_good_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, _) = tagged("").await;
    let ask = Ask::get(url(&fake, "/x")).kept();
    text(&Web::new(keeping(&folder)), ask.clone()).await;
    let file = std::fs::read_dir(folder.path().join("answers")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let bends: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes[2] ^= 1,
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
        |bytes| bytes.extend_from_slice(b"more"),
        |bytes| {
            let at = bytes.len() - 12;
            bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
        },
    ];
    for bend in bends {
        let mut bytes = whole.clone();
        bend(&mut bytes);
        std::fs::write(&file, bytes).unwrap();
        let web = Web::new(keeping(&folder));
        assert_eq!(text(&web, ask.clone()).await, "text 1 for ");
        assert_eq!(web.counts().kept, 0);
        assert_eq!(std::fs::read(&file).unwrap(), whole, "it is written anew");
    }
}

#[tokio::test]
async fn the_oldest_answers_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let fake =
        Fake::new(|seen| Reply::new(200, "x".repeat(40_000)).header("ETag", format!("\"{}\"", seen.path)))
            .await;
    let settings =
        Settings { keep: Some(Keep { folder: folder.path().to_owned(), most: 200_000 }), ..quick() };
    let other = folder.path().join("not-ours.txt");
    std::fs::write(&other, "x".repeat(1000)).unwrap();
    let web = Web::new(settings);
    for number in 0..12 {
        web.ask(Ask::get(url(&fake, &format!("/{number}"))).kept()).await.unwrap();
    }
    let size: u64 =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(size <= 201_000, "{size}");
    assert!(other.exists());
    let before = web.counts().kept;
    web.ask(Ask::get(url(&fake, "/11")).kept()).await.unwrap();
    assert_eq!(fake.seen().last().unwrap().header("if-none-match"), "\"/11\"", "{before}");
}

#[tokio::test]
async fn a_large_answer_is_streamed_and_kept_and_streamed_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new(|seen| {
        let reply = if seen.header("if-none-match").is_empty() {
            Reply::long("0123456789".repeat(1000), 500)
        } else {
            Reply::new(304, "")
        };
        reply.header("ETag", "\"large\"")
    })
    .await;
    let settings =
        Settings { keep: Some(Keep { folder: folder.path().to_owned(), most: 50_000_000 }), ..quick() };
    let web = Web::new(settings);
    for round in 0..2 {
        let (_, mut body) = web.stream(Ask::get(url(&fake, "/x")).kept()).await.unwrap();
        let mut size = 0;
        while let Some(piece) = body.chunk().await.unwrap() {
            size += piece.len();
        }
        assert_eq!((size, web.counts().kept), (5_000_000, round));
    }
}

#[tokio::test]
async fn redirects_are_followed_within_a_host_and_not_for_ever() {
    let fake = Fake::new(|seen| match seen.path.as_str() {
        "/a" => Reply::new(302, "").header("Location", "b/c?x=1"),
        "/b/c" => Reply::new(200, format!("there {}", seen.header("authorization"))),
        _ => Reply::new(301, "").header("Location", "/loop"),
    })
    .await;
    let web = Web::new(quick());
    let pass = Pass::bearer(&Secret::new("word"));
    assert_eq!(text(&web, Ask::get(url(&fake, "/a")).pass(Some(pass))).await, "there Bearer word");
    let silence = web.ask(Ask::get(url(&fake, "/loop"))).await.unwrap_err();
    assert_eq!((silence.why, fake.count("/loop")), (Silence::Invalid, 6));
}

#[tokio::test]
async fn a_redirect_to_an_address_inside_is_not_followed() {
    let inside = Fake::new(|_| Reply::new(200, "secret")).await;
    let target = inside.address();
    let places = [
        target.clone(),
        target.replace("127.0.0.1", "localhost"),
        target.replace("127.0.0.1", "[::1]"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[fd00::1]/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for place in places {
        let to = place.clone();
        let fake = Fake::new(move |_| Reply::new(307, "").header("Location", to.clone())).await;
        let silence = Web::new(quick()).ask(Ask::get(url(&fake, "/x"))).await.unwrap_err();
        assert_eq!(silence.why, Silence::Invalid, "{place}: {silence}");
    }
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn to_a_host_that_a_person_named_a_redirect_goes_without_credentials() {
    let other = Fake::new(|seen| Reply::new(200, format!("for `{}`", seen.header("authorization")))).await;
    let to = other.address();
    let fake = Fake::new(move |_| Reply::new(302, "").header("Location", to.clone())).await;
    let settings = Settings { plain: std::collections::BTreeSet::from([other.host()]), ..quick() };
    let pass = Pass::bearer(&Secret::new("word"));
    let ask = Ask::get(url(&fake, "/x")).pass(Some(pass));
    assert_eq!(text(&Web::new(settings), ask).await, "for ``");
}

#[tokio::test]
async fn what_is_posted_goes_to_no_other_host() {
    let other = Fake::new(|_| Reply::new(200, "")).await;
    let to = other.address();
    let fake = Fake::new(move |_| Reply::new(307, "").header("Location", to.clone())).await;
    let settings = Settings { plain: std::collections::BTreeSet::from([other.host()]), ..quick() };
    let ask = Ask::post(url(&fake, "/token"), "application/x-www-form-urlencoded", "refresh_token=word");
    let silence = Web::new(settings).ask(ask).await.unwrap_err();
    assert_eq!((silence.why, other.seen().len()), (Silence::Invalid, 0), "{silence}");
}

#[tokio::test]
async fn who_waits_for_a_seat_does_not_lose_the_time_of_its_answer() {
    let fake = Fake::new(|_| Reply::new(200, "").after(Duration::from_millis(60))).await;
    let web = Web::new(Settings { in_flight: 1, within: Duration::from_millis(300), ..quick() });
    let all = futures::future::join_all((0..12).map(|_| web.ask(Ask::get(url(&fake, "/x"))))).await;
    assert!(all.iter().all(Result::is_ok));
}
