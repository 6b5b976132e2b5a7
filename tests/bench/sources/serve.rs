//! The fakes: registries of which some want tokens, repositories of charts, and a GitHub. All have ETags.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fake::{Fake, Reply, Seen};
use crate::registry::{Script, Wants};
use crate::repository::chart;

pub const IMAGES: usize = 500;
pub const REGISTRIES: usize = 5;
pub const REPOSITORIES: usize = 20;
/// Charts of a repository, how many of them are wanted, and versions of each.
const CHARTS: usize = 40;
pub const WANTED: usize = 10;
const VERSIONS: usize = 20;
pub const TOOLS: usize = 30;
/// How long an answer takes.
pub const LATENCY: Duration = Duration::from_millis(50);

/// Where the fakes are.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Addresses {
    /// `HOST:PORT`.
    pub registries: Vec<String>,
    pub repositories: Vec<String>,
    pub github: String,
    /// Where the counts are told.
    counts: String,
}

/// What a fake was asked.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Count {
    pub requests: usize,
    /// The most in flight so far, in all runs.
    pub peak: usize,
}

/// What was asked since this was asked last, of each host.
pub fn take(addresses: &Addresses) -> Vec<Count> {
    let told = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let answer = reqwest::get(&addresses.counts).await.unwrap();
        answer.bytes().await.unwrap()
    });
    serde_json::from_slice(&told).unwrap()
}

/// The name of an image in its registry, and a tag that somebody uses.
pub fn image(number: usize) -> (String, String) {
    (format!("team-{}/app-{number:03}", number % 7), format!("1.{}.0", number % 20))
}

/// The name of a tool on the forge.
pub fn tool(number: usize) -> String {
    format!("tools/tool-{number:02}")
}

/// Answers until nobody wants them any more: whoever started this process has gone when its input ends.
#[tokio::main]
pub async fn run() {
    let mut all = Vec::new();
    for number in 0..REGISTRIES {
        all.push(
            Fake::at(|home| {
                let (home, script) = (home.to_owned(), script(number));
                move |seen: &Seen| script.answer(&home, seen)
            })
            .await,
        );
    }
    for number in 0..REPOSITORIES {
        let text = bytes::Bytes::from(index(number));
        all.push(Fake::new(move |seen| kept(seen, text.clone())).await);
    }
    all.push(Fake::new(github).await);
    let (registries, others) = all.split_at(REGISTRIES);
    let (repositories, github) = others.split_at(REPOSITORIES);
    let hosts: Vec<String> = registries.iter().map(Fake::host).collect();
    let repositories: Vec<String> = repositories.iter().map(Fake::address).collect();
    let github = github[0].address();
    let all = Arc::new(all);
    let counts = Fake::new(move |_| {
        let count = |fake: &Fake| Count { requests: fake.seen().len(), peak: fake.peak() };
        let counts: Vec<Count> = all.iter().map(count).collect();
        all.iter().for_each(Fake::forget);
        Reply::json(serde_json::to_string(&counts).unwrap())
    })
    .await;
    let addresses = Addresses { registries: hosts, repositories, github, counts: counts.address() };
    println!("{}", serde_json::to_string(&addresses).unwrap());
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.unwrap();
}

/// The registry of this number: every other one wants a token for each repository.
fn script(number: usize) -> Script {
    let tags = |of: usize| {
        let release = move |n: usize| {
            format!("1.{}.{}{}", n / 6, n % 6, if of.is_multiple_of(3) { "-alpine" } else { "" })
        };
        let mut tags: Vec<String> = (0..20 + of % 160).map(release).collect();
        tags.push(image(of).1);
        tags
    };
    let repositories = (number..IMAGES).step_by(REGISTRIES).map(|of| (image(of).0, tags(of)));
    let wants = if number.is_multiple_of(2) { Wants::Token(None) } else { Wants::Nothing };
    Script {
        repositories: repositories.collect::<BTreeMap<_, _>>(),
        wants,
        page: 1000,
        latency: LATENCY,
        etag: true,
    }
}

fn index(number: usize) -> String {
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    (0..CHARTS).for_each(|of| chart(number * CHARTS + of, VERSIONS, &mut text));
    text + "generated: \"2026-03-28T19:19:04.651095688Z\"\n"
}

/// The name of a wanted chart of a repository.
pub fn wanted(repository: usize, number: usize) -> String {
    format!("chart-{:04}", repository * CHARTS + number * CHARTS / WANTED)
}

/// A body, or that it is still the same.
fn kept(seen: &Seen, body: bytes::Bytes) -> Reply {
    let etag = format!("\"{}\"", body.len());
    let reply =
        if seen.header("if-none-match") == etag { Reply::new(304, "") } else { Reply::new(200, body) };
    reply.header("ETag", etag).after(LATENCY)
}

fn github(seen: &Seen) -> Reply {
    if seen.path.ends_with("/git-upload-pack") {
        let tags = (0..200).map(|n| format!("{n:040x} refs/tags/v1.{}.{}\n", n / 10, n % 10));
        let lines: String = tags.map(|line| format!("{:04x}{line}", line.len() + 4)).collect();
        let answer = Reply::new(200, lines + "0000");
        return answer.header("Content-Type", "application/x-git-upload-pack-result").after(LATENCY);
    }
    let notes = "Fixes\n- one thing that was wrong\n- another one\n".repeat(10);
    let release = |n: usize| {
        serde_json::json!({
            "tag_name": format!("v1.{}.{}", n / 10, n % 10), "published_at": "2026-10-02T00:00:00Z", "body": notes,
        })
    };
    let releases: Vec<_> = (0..30).map(release).collect();
    kept(seen, serde_json::to_string(&releases).unwrap().into())
}
