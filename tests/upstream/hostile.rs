//! Registries that answer wrongly, on purpose or not: each leads to a sentence, in bounded time and memory,
//! and nothing secret reaches who has no right to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tidegate::adapter::registry::{Registries, Settings};
use tidegate::adapter::web::{self, Web};
use tidegate::port::upstream::{Registry as _, Silence, Unanswered, Wanted};

use super::fake::{Fake, Reply, Seen};
use super::listing::{names, registries, repository, user, with};
use super::registry::list;
use super::web::quick;

const HOST: &str = "registry.example.com";

async fn refused(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Unanswered, Fake) {
    let fake = Fake::new(handler).await;
    let registries = registries(&[(HOST, &fake)]);
    (registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err(), fake)
}

#[tokio::test]
async fn what_is_no_list_says_what_came_instead() {
    let html = "<!DOCTYPE html><html><body>Sign in</body></html>";
    let cases: [(Reply, Silence, &str); 9] = [
        (Reply::new(200, html).header("Content-Type", "text/html"), Silence::Invalid, "a web page came"),
        (Reply::json(r#"{"name":"a/b","tags":["1.0","1."#), Silence::Invalid, "it ends in the middle"),
        (Reply::json(""), Silence::Invalid, "nothing came"),
        (Reply::json(r#"{"name":"a/b"}"#), Silence::Invalid, "it has no `tags`"),
        (Reply::error(404, "NAME_UNKNOWN", "unknown"), Silence::Missing, "NAME_UNKNOWN unknown"),
        (Reply::error(403, "DENIED", "no\u{1b}[2J way"), Silence::Forbidden, "DENIED no[2J way"),
        (Reply::error(403, "TOOMANYREQUESTS", "slow"), Silence::Limited, "TOOMANYREQUESTS slow"),
        (Reply::new(418, html), Silence::Invalid, "it answered 418"),
        (Reply::new(204, ""), Silence::Invalid, "nothing came"),
    ];
    for (reply, why, words) in cases {
        let (silence, _) = refused(move |_| reply.clone()).await;
        assert_eq!(silence.why, why, "{silence}");
        assert!(
            silence.message.contains(words) && silence.message.contains("registry.example.com/a/b"),
            "{silence}"
        );
        assert!(!silence.message.contains('\u{1b}') && silence.message.len() < 500);
    }
}

#[tokio::test]
async fn a_list_under_another_content_type_is_a_list() {
    let fake = Fake::new(|_| Reply::new(200, list("a/b", &["1"])).header("Content-Type", "text/plain")).await;
    let tags =
        registries(&[(HOST, &fake)]).tags(&repository("registry.example.com/a/b"), Wanted::Names).await;
    assert_eq!(names(&tags.unwrap()), ["1"]);
}

#[tokio::test]
async fn pages_that_go_in_a_circle_are_noticed() {
    let (silence, fake) = refused(|seen| {
        let next = if seen.query.contains("last=1") { "2" } else { "1" };
        let link = format!("</v2/a/b/tags/list?last={next}>; rel=\"next\"");
        Reply::json(list("a/b", &[next])).header("Link", link)
    })
    .await;
    assert_eq!((silence.why, fake.seen().len()), (Silence::Invalid, 3), "{silence}");
}

#[tokio::test]
async fn pages_that_bring_nothing_new_are_noticed() {
    for tags in [&["1", "2"][..], &[]] {
        let cursor = AtomicUsize::new(0);
        let (silence, fake) = refused(move |_| {
            let link = format!("<list?cursor={}>; rel=\"next\"", cursor.fetch_add(1, Ordering::SeqCst));
            Reply::json(list("a/b", tags)).header("Link", link)
        })
        .await;
        assert_eq!(silence.why, Silence::Invalid, "{silence}");
        assert!(silence.message.contains("nothing new"), "{silence}");
        assert!(fake.seen().len() < 30);
    }
}

#[tokio::test]
async fn pages_without_an_end_are_too_much() {
    let cursor = AtomicUsize::new(0);
    let fake = Fake::new(move |_| {
        let n = cursor.fetch_add(1, Ordering::SeqCst);
        Reply::json(list("a/b", &[format!("v{n}")])).header("Link", format!("<list?cursor={n}>; rel=next"))
    })
    .await;
    let settings = Settings {
        endpoints: [(HOST.to_owned(), fake.address())].into(),
        most_pages: 200,
        ..Settings::default()
    };
    let registries = Registries::new(
        Arc::new(Web::new(quick())),
        settings,
        tidegate::adapter::registry::Credentials::none(),
    );
    let silence = registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!((silence.why, fake.seen().len()), (Silence::TooMuch, 200), "{silence}");
}

/// A page of many tags as one body: ten million `v0000001`-like names without building them first.
fn tags(thousands: usize) -> Reply {
    let piece: Vec<String> = (0..1000).map(|n| format!("\"v1.{n:03}.0-build\"")).collect();
    let piece = piece.join(",") + ",";
    Reply::long(piece, thousands).around("{\"name\":\"a/b\",\"tags\":[", "\"last\"]}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_million_tags_on_one_page_are_read_and_ten_million_are_too_much() {
    if super::alone("hostile::three_million_tags_on_one_page_are_read_and_ten_million_are_too_much") {
        return;
    }
    let fake = Fake::new(|seen| tags(if seen.path.contains("/many/") { 3_000 } else { 10_000 })).await;
    let web = web::Settings { within: Duration::from_secs(60), whole: Duration::from_secs(120), ..quick() };
    let registries = with(&[(HOST, &fake)], tidegate::adapter::registry::Credentials::none(), web);
    let before = memory();
    let begun = Instant::now();
    let many = registries.tags(&repository("registry.example.com/many/b"), Wanted::Names).await.unwrap();
    let grown = memory().saturating_sub(before);
    eprintln!(
        "3,000,001 tags: {:?}, {} MB of names, {} MB more in use",
        begun.elapsed(),
        many.size() >> 20,
        grown >> 20
    );
    assert_eq!(many.iter().count(), 3_000_001);
    assert!(grown < 3 * many.size() as u64, "{grown} bytes for {} bytes of names", many.size());
    let silence = registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::TooMuch, "{silence}");
}

/// The memory that this process has in use, in bytes.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[tokio::test]
async fn a_page_that_breaks_off_is_asked_for_again_and_counted_once() {
    let number = AtomicUsize::new(0);
    let fake = Fake::new(move |_| {
        let reply = Reply::json(list("a/b", &["1", "2"]));
        if number.fetch_add(1, Ordering::SeqCst) == 0 { reply.cut(20) } else { reply }
    })
    .await;
    let tags =
        registries(&[(HOST, &fake)]).tags(&repository("registry.example.com/a/b"), Wanted::Names).await;
    assert_eq!(names(&tags.unwrap()), ["1", "2"]);
    let (silence, fake) = refused(|_| Reply::json(list("a/b", &["1", "2"])).cut(20)).await;
    assert_eq!((silence.why, fake.seen().len()), (Silence::Invalid, 3), "{silence}");
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_in_time() {
    let fake = Fake::new(|_| Reply::json(list("a/b", &["1", "2"])).drip(Duration::from_millis(300))).await;
    let web = web::Settings { whole: Duration::from_secs(1), ..quick() };
    let registries = with(&[(HOST, &fake)], tidegate::adapter::registry::Credentials::none(), web);
    let begun = Instant::now();
    let silence = registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Unreachable, "{silence}");
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_stranger_sees_credentials_or_leads_inside() {
    let stranger = Fake::new(|_| Reply::json(list("a/b", &["stolen"]))).await;
    for way in ["link", "redirect"] {
        let target = format!("{}/v2/a/b/tags/list?last=1", stranger.address());
        let fake = Fake::new(move |seen| {
            if seen.header("authorization").is_empty() {
                return Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"");
            }
            match way {
                "link" => {
                    Reply::json(list("a/b", &["1"])).header("Link", format!("<{target}>; rel=\"next\""))
                }
                _ => Reply::new(307, "").header("Location", target.clone()),
            }
        })
        .await;
        let strict = with(&[(HOST, &fake)], user(HOST, "me", "word"), quick());
        let app = repository("registry.example.com/a/b");
        let silence = strict.tags(&app, Wanted::Names).await.unwrap_err();
        assert_eq!(silence.why, Silence::Invalid, "{way}: {silence}");
        assert!(stranger.seen().is_empty());
        // Where a person named the other host it is asked, as nobody.
        let named = web::Settings { plain: [stranger.host()].into(), ..quick() };
        let registries = with(&[(HOST, &fake)], user(HOST, "me", "word"), named);
        let tags = registries.tags(&app, Wanted::Names).await.unwrap();
        assert_eq!(names(&tags).last(), Some(&"stolen"), "{way}");
        assert!(stranger.seen().iter().all(|seen| seen.header("authorization").is_empty()));
        assert!(!stranger.seen().is_empty());
        stranger.forget();
    }
}

#[tokio::test]
async fn a_stranger_that_a_registry_led_to_is_not_shown_credentials_on_its_wish() {
    let stranger = Fake::at(|home| {
        let challenge = format!("Bearer realm=\"{home}/token\",service=\"x\"");
        move |_| Reply::new(401, "").header("WWW-Authenticate", challenge.clone())
    })
    .await;
    let target = format!("{}/v2/a/b/tags/list", stranger.address());
    let fake = Fake::new(move |_| Reply::new(307, "").header("Location", target.clone())).await;
    let named = web::Settings { plain: [stranger.host()].into(), ..quick() };
    let registries = with(&[(HOST, &fake)], user(HOST, "me", "word"), named);
    let silence = registries.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Forbidden, "{silence}");
    assert_eq!(stranger.count("/token"), 0);
    assert!(stranger.seen().iter().all(|seen| seen.header("authorization").is_empty()));
}

#[tokio::test]
async fn tokens_are_not_fetched_where_nobody_may_send_for_them() {
    for realm in ["http://169.254.169.254/token", "file:///etc/passwd", "not an address", "ftp://x/"] {
        let (silence, _) = refused(move |_| {
            Reply::new(401, "").header("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"x\""))
        })
        .await;
        assert_eq!(silence.why, Silence::Invalid, "{realm}: {silence}");
    }
}

#[tokio::test]
async fn nonsense_for_a_token_is_no_token() {
    let answers: [(&'static str, u16, Silence); 7] = [
        ("<html>", 200, Silence::Invalid),
        ("{}", 200, Silence::Invalid),
        (r#"{"token":""}"#, 200, Silence::Invalid),
        (r#"{"token":"a\r\nX-Evil: 1"}"#, 200, Silence::Invalid),
        (r#"{"token":5}"#, 200, Silence::Invalid),
        ("", 404, Silence::Missing),
        (r#"{"details":"incorrect username or password"}"#, 401, Silence::Forbidden),
    ];
    for (body, status, why) in answers {
        let fake = Fake::at(|home| {
            let challenge = format!("Bearer realm=\"{home}/token\",service=\"x\"");
            move |seen| match seen.path.as_str() {
                "/token" => Reply::new(status, body),
                _ => Reply::new(401, "").header("WWW-Authenticate", challenge.clone()),
            }
        })
        .await;
        let asked = registries(&[(HOST, &fake)]);
        let silence = asked.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
        assert_eq!(silence.why, why, "{body}: {silence}");
        assert_eq!(fake.count("/token"), 1, "{body}");
    }
}

#[tokio::test]
async fn a_token_that_is_never_enough_is_not_fetched_for_ever() {
    let fake = Fake::at(|home| {
        let challenge = format!("Bearer realm=\"{home}/token\",service=\"x\"");
        move |seen| match seen.path.as_str() {
            "/token" => Reply::json(r#"{"access_token":"short","expires_in":-5}"#),
            _ => Reply::new(401, "").header("WWW-Authenticate", challenge.clone()),
        }
    })
    .await;
    let asked = registries(&[(HOST, &fake)]);
    let silence = asked.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Forbidden, "{silence}");
    assert!(fake.seen().len() <= 4, "{}", fake.seen().len());
}

#[tokio::test]
async fn a_challenge_that_changes_each_time_ends() {
    let number = AtomicUsize::new(0);
    let fake = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| match seen.path.as_str() {
            "/token" => Reply::json(r#"{"token":"x"}"#),
            _ => {
                let n = number.fetch_add(1, Ordering::SeqCst);
                Reply::new(401, "")
                    .header("WWW-Authenticate", format!("Bearer realm=\"{home}/token\",service=\"{n}\""))
            }
        }
    })
    .await;
    let asked = registries(&[(HOST, &fake)]);
    let silence = asked.tags(&repository("registry.example.com/a/b"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Forbidden, "{silence}");
    assert!(fake.seen().len() <= 6);
}
