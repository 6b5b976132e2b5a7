//! `tidegate product bump --pr` as people run it: a clone with somebody's unfinished work in it, a bare
//! repository as its remote, and fakes of the interfaces of GitHub and GitLab that behave as their
//! documentation says (docs.github.com/rest/pulls, docs.gitlab.com/api/merge_requests).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fake::{Fake, Reply, Seen};
use super::platform;

const PRODUCT: &str = "apiVersion: tidegate.dev/v1
kind: Product
metadata: { name: backup }
spec:
  version: 2.0.0 # ours
  owner: storage
  upstream:
    - image: { repository: quay.example.com/velero/velero, project: github:velero-io/velero }
  deploy:
    - manifests: { path: agent, namespace: velero }
";
const POD: &str = "apiVersion: v1
kind: Pod
metadata: { name: velero }
spec:
  containers:
    - { name: velero, image: \"quay.example.com/velero/velero:v1.17.0\" } # the agent
";
const BRANCH: &str = "bump/backup/velero-velero-v1.18.0";

/// Which forge a fake is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hub,
    Lab,
}

/// A forge with one project: what is open there.
struct Forge {
    kind: Kind,
    bare: PathBuf,
    requests: Mutex<Vec<Value>>,
    /// What it answers instead, to questions of these methods.
    instead: Mutex<Option<(&'static str, Reply)>>,
}

impl Forge {
    fn answer(&self, seen: &Seen) -> Reply {
        let (pulls, merges) = (
            "/api.github.com/repos/acme/platform/pulls",
            "/gitlab.com/api/v4/projects/acme%2Fplatform/merge_requests",
        );
        let own = if self.kind == Kind::Hub { pulls } else { merges };
        if let Some(rest) = seen.path.strip_prefix(own) {
            if let Some((_, reply)) = self
                .instead
                .lock()
                .unwrap()
                .as_ref()
                .filter(|(methods, _)| methods.contains(seen.method.as_str()))
            {
                return reply.clone();
            }
            if seen.header("authorization") != "Bearer word" {
                return Reply::json(r#"{"message":"Bad credentials"}"#).status(401);
            }
            return self.requests(seen, rest.trim_start_matches('/'));
        }
        upstream(seen)
    }

    fn requests(&self, seen: &Seen, number: &str) -> Reply {
        let mut all = self.requests.lock().unwrap();
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        match (seen.method.as_str(), self.kind) {
            ("GET", Kind::Hub) => {
                assert_eq!(seen.header("x-github-api-version"), "2022-11-28");
                assert_eq!(seen.param("state").as_deref(), Some("open"));
                let head = seen.param("head").unwrap();
                let branch = head.strip_prefix("acme:").expect("a head without its owner selects nothing");
                list(all.iter().filter(|one| one["head"]["ref"] == branch))
            }
            ("GET", Kind::Lab) => {
                assert_eq!(seen.param("state").as_deref(), Some("opened"));
                let branch = seen.param("source_branch").unwrap();
                list(all.iter().filter(|one| one["source_branch"] == branch.as_str()))
            }
            ("POST", Kind::Hub) => {
                let (head, base) = (body["head"].as_str().unwrap(), body["base"].as_str().unwrap());
                if !self.has(head) || !self.has(base) {
                    let field = if self.has(head) { "base" } else { "head" };
                    return invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"}));
                }
                if all.iter().any(|one| one["head"]["ref"] == head) {
                    let message = format!("A pull request already exists for acme:{head}.");
                    return invalid(json!({"resource": "PullRequest", "code": "custom", "message": message}));
                }
                let number = all.len() + 7;
                let request = json!({
                    "number": number, "html_url": format!("https://github.com/acme/platform/pull/{number}"),
                    "title": body["title"], "body": body["body"].as_str().unwrap().replace('\n', "\r\n"),
                    "head": { "ref": head, "label": format!("acme:{head}") }, "base": { "ref": base },
                    "state": "open",
                });
                all.push(request.clone());
                Reply::json(request.to_string()).status(201)
            }
            ("POST", Kind::Lab) => {
                let (head, base) =
                    (body["source_branch"].as_str().unwrap(), body["target_branch"].as_str().unwrap());
                if let Some(there) = all.iter().find(|one| one["source_branch"] == head) {
                    let message = format!(
                        "Another open merge request already exists for this source branch: !{}",
                        there["iid"]
                    );
                    return Reply::json(json!({ "message": [message] }).to_string()).status(409);
                }
                assert!(self.has(head) && body["remove_source_branch"] == true);
                let number = all.len() + 7;
                let request = json!({
                    "id": 999, "iid": number, "web_url": format!("https://gitlab.com/acme/platform/-/merge_requests/{number}"),
                    "title": body["title"], "description": body["description"], "state": "opened",
                    "source_branch": head, "target_branch": base, "source_project_id": 1, "target_project_id": 1,
                });
                all.push(request.clone());
                Reply::json(request.to_string()).status(201)
            }
            ("PATCH" | "PUT", kind) => {
                assert_eq!(seen.method == "PATCH", kind == Kind::Hub);
                let key = if kind == Kind::Hub { "number" } else { "iid" };
                let Some(there) =
                    all.iter_mut().find(|one| number.parse::<u64>().is_ok_and(|number| one[key] == number))
                else {
                    return Reply::json(r#"{"message":"Not Found"}"#).status(404);
                };
                for (key, value) in body.as_object().unwrap() {
                    there[key] = value.clone();
                }
                Reply::json(there.to_string())
            }
            _ => Reply::new(405, ""),
        }
    }

    fn has(&self, branch: &str) -> bool {
        !git(&self.bare, &["for-each-ref", &format!("refs/heads/{branch}")]).is_empty()
    }
}

fn list<'v>(all: impl Iterator<Item = &'v Value>) -> Reply {
    Reply::json(Value::Array(all.cloned().collect()).to_string())
}

fn invalid(error: Value) -> Reply {
    Reply::json(json!({ "message": "Validation Failed", "errors": [error] }).to_string()).status(422)
}

/// The registry, the releases and the support windows of what the platform uses.
fn upstream(seen: &Seen) -> Reply {
    match seen.path.as_str() {
        "/quay/v2/velero/velero/tags/list" => {
            Reply::json(json!({ "name": "x", "tags": ["v1.17.0", "v1.18.0", "v1.18.1"] }).to_string())
        }
        "/quay/v2/velero/velero/manifests/v1.18.0" => Reply::new(200, "")
            .header("Docker-Content-Digest", format!("sha256:{}", "d".repeat(64)))
            .header("Content-Type", "application/vnd.oci.image.index.v1+json"),
        "/api.github.com/repos/velero-io/velero/releases" => Reply::json(
            json!([
                { "tag_name": "v1.18.1", "html_url": "https://github.com/velero-io/velero/releases/v1.18.1",
                  "published_at": "2026-11-01T00:00:00Z", "body": "- Something later.\n" },
                { "tag_name": "v1.18.0", "html_url": "https://github.com/velero-io/velero/releases/v1.18.0",
                  "published_at": "2026-10-01T00:00:00Z",
                  "body": "## Breaking changes\n\n- The flag `--old` is gone, says @mallory, see velero-io/velero#12.\n\n## Fixes\n\n- A leak, [#13](https://github.com/velero-io/velero/issues/13)\n" },
                { "tag_name": "v1.17.0", "html_url": "https://github.com/velero-io/velero/releases/v1.17.0",
                  "published_at": "2026-06-01T00:00:00Z", "body": "" },
            ])
            .to_string(),
        ),
        _ => Reply::new(404, "nothing"),
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A desk: a clone, its remote, and the forge where that lies.
struct Desk {
    folder: tempfile::TempDir,
    forge: Arc<Forge>,
    fake: Fake,
}

impl Desk {
    async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("platform.git");
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "platform.git"]);
        let forge = Arc::new(Forge { kind, bare, requests: Mutex::default(), instead: Mutex::default() });
        let answers = Arc::clone(&forge);
        let fake = Fake::new(move |seen| answers.answer(seen)).await;
        let desk = Self { folder, forge, fake };
        desk.begin();
        desk
    }

    fn begin(&self) {
        let address = self.fake.address();
        let hosts = [
            ("quay.example.com", "quay"),
            ("github.com", "github.com"),
            ("api.github.com", "api.github.com"),
            ("gitlab.com", "gitlab.com"),
            ("endoflife.date", "endoflife"),
        ];
        let hosts =
            hosts.map(|(name, path)| format!("    - {{ host: {name}, endpoint: \"{address}/{path}\" }}\n"));
        let sources = format!(
            "apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata: {{ name: fake }}\nspec:\n  hosts:\n{}",
            hosts.concat()
        );
        std::fs::create_dir(self.repo()).unwrap();
        git(&self.repo(), &["init", "-q", "-b", "main"]);
        for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.com")] {
            git(&self.repo(), &["config", key, value]);
        }
        let host = if self.forge.kind == Kind::Hub { "github.com" } else { "gitlab.com" };
        let address = format!("https://{host}/acme/platform.git");
        git(&self.repo(), &["remote", "add", "origin", &address]);
        git(&self.repo(), &["config", &format!("url.{}.insteadOf", self.forge.bare.display()), &address]);
        self.write("products/backup/product.yaml", PRODUCT);
        self.write("products/backup/agent/pod.yaml", POD);
        self.write("pipelines/sources.yaml", &sources);
        git(&self.repo(), &["add", "-A"]);
        git(&self.repo(), &["commit", "-q", "-m", "one"]);
        git(&self.repo(), &["push", "-q", "origin", "main"]);
        // Somebody is in the middle of something.
        git(&self.repo(), &["switch", "-q", "-c", "mine"]);
        self.write("products/backup/agent/pod.yaml", &POD.replace("# the agent", "# unfinished"));
        self.write("products/backup/agent/new.yaml", "# staged\n");
        git(&self.repo(), &["add", "products/backup/agent/new.yaml"]);
        self.write("notes.txt", "untracked");
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn write(&self, path: &str, text: &str) {
        platform::write(&self.repo(), path, text);
    }

    /// All that a person would notice of what is checked out, the index to the byte.
    fn state(&self) -> (Vec<u8>, String, String, String) {
        let index = std::fs::read(self.repo().join(".git/index")).unwrap();
        let pod = std::fs::read_to_string(self.repo().join("products/backup/agent/pod.yaml")).unwrap();
        let refs = git(&self.repo(), &["for-each-ref", "refs/heads", "refs/tags"]);
        (index, pod, refs, git(&self.repo(), &["status", "--porcelain", "--branch"]))
    }

    fn there(&self, args: &[&str]) -> String {
        git(&self.forge.bare, args)
    }

    fn tip(&self) -> String {
        self.there(&["rev-parse", BRANCH])
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(["product", "bump", "backup", "--to", "v1.18.0", "--pr"])
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let variable = if self.forge.kind == Kind::Hub { "GITHUB_TOKEN" } else { "GITLAB_TOKEN" };
        self.command(args).env(variable, "word").output().unwrap()
    }

    /// What is said of a request that was opened or found.
    fn requested(&self, args: &[&str]) -> Value {
        let mut all = vec!["-o", "json"];
        all.extend(args);
        let output = self.run(&all);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["data"]["request"].clone()
    }

    /// The exit code and the words of a refusal.
    fn refused(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn instead(&self, methods: &'static str, reply: Reply) {
        *self.forge.instead.lock().unwrap() = Some((methods, reply));
    }

    fn as_usual(&self) {
        *self.forge.instead.lock().unwrap() = None;
    }

    fn posts(&self) -> usize {
        self.fake.seen().iter().filter(|seen| seen.method == "POST").count()
    }

    /// Somebody commits to the branch of the bump.
    fn somebody_commits(&self, amends: bool) -> String {
        let other = self.folder.path().join("other");
        let _ = std::fs::remove_dir_all(&other);
        git(self.folder.path(), &["clone", "-q", "-b", BRANCH, self.forge.bare.to_str().unwrap(), "other"]);
        std::fs::write(other.join("products/backup/agent/more.yaml"), "# by hand\n").unwrap();
        git(&other, &["add", "-A"]);
        let how: &[&str] = if amends { &["--amend", "--no-edit"] } else { &["-m", "by hand"] };
        git(&other, &[&["commit", "-q"], how].concat());
        git(&other, &["push", "-q", "--force", "origin", BRANCH]);
        self.tip()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_opened_beside_what_somebody_does() {
    let desk = Desk::new(Kind::Hub).await;
    let before = desk.state();
    let request = desk.requested(&[]);
    assert_eq!(desk.state(), before, "nothing of the person's moved");
    assert_eq!(request["done"], "opened");
    assert_eq!(request["url"], "https://github.com/acme/platform/pull/7");
    assert_eq!(
        (&request["number"], &request["branch"], &request["into"]),
        (&json!(7), &json!(BRANCH), &json!("main"))
    );
    assert_eq!(request["commit"], desk.tip().as_str());
    assert_eq!(request["title"], "backup: quay.example.com/velero/velero v1.17.0 -> v1.18.0");
    // The branch has the bump of what main has, and nothing of what is unfinished here.
    let changed = desk.there(&["diff", "--name-only", "main", BRANCH]);
    assert_eq!(
        changed.lines().collect::<Vec<_>>(),
        ["products/backup/CHANGELOG.md", "products/backup/agent/pod.yaml", "products/backup/product.yaml"]
    );
    let pod = desk.there(&["show", &format!("{BRANCH}:products/backup/agent/pod.yaml")]);
    assert_eq!(pod, POD.replace("v1.17.0", "v1.18.0").trim());
    let body = request["body"].as_str().unwrap();
    for part in [
        "`quay.example.com/velero/velero` goes from `v1.17.0` to `v1.18.0`, a minor step.",
        "Product `backup` of `storage` goes from 2.0.0 to 2.1.0.",
        "`products/backup/agent/pod.yaml:6`",
        "**It may break something**",
        "The flag `--old` is gone, says @&#8203;mallory, see velero-io/velero\\#&#8203;12",
        "https://redirect.github.com/velero-io/velero/issues/13",
        &format!("`quay.example.com/velero/velero:v1.18.0` names `sha256:{}`", "d".repeat(64)),
        "The newest is `v1.18.1`",
        "tidegate check",
    ] {
        let part = part.replace("`--old`", "\\`--old\\`");
        assert!(body.contains(&part) || body.contains(&part.replace("\\`", "")), "{part} is not in:\n{body}");
    }
    assert!(!body.contains("Something later"), "what comes after the version is no part of it:\n{body}");
    assert!(
        !body.contains("@mallory") && !body.contains("/issues/13)") || body.contains("redirect"),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_finds_what_is_there_and_changes_it_where_the_edits_differ() {
    for kind in [Kind::Hub, Kind::Lab] {
        let desk = Desk::new(kind).await;
        let first = desk.requested(&[]);
        let tip = desk.tip();
        let again = desk.requested(&[]);
        assert_eq!((&again["done"], &again["number"]), (&json!("unchanged"), &first["number"]));
        assert_eq!((desk.tip(), desk.posts()), (tip.clone(), 1), "nothing is pushed or opened twice");
        let noted = desk.requested(&["--note", "as the vendor says"]);
        assert_eq!((&noted["done"], &noted["number"]), (&json!("updated"), &first["number"]));
        assert_ne!(desk.tip(), tip);
        assert_eq!(desk.there(&["rev-list", "--count", &format!("main..{BRANCH}")]), "1", "one commit, anew");
        assert_ne!(noted["body"], first["body"], "the text belongs to the new edits");
        assert_eq!(desk.forge.requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_request_is_opened_at_gitlab() {
    let desk = Desk::new(Kind::Lab).await;
    let request = desk.requested(&[]);
    assert_eq!(request["url"], "https://gitlab.com/acme/platform/-/merge_requests/7");
    assert_eq!((&request["done"], &request["number"]), (&json!("opened"), &json!(7)));
    let output = desk.run(&[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("merge request !7 is open, and says the same"), "{text}");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(talk.contains("git pull && tidegate product tag backup"), "{talk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_somebody_else_is_never_gone_over() {
    let desk = Desk::new(Kind::Hub).await;
    desk.requested(&[]);
    let theirs = desk.somebody_commits(false);
    let request = desk.requested(&[]);
    assert_eq!(request["done"], "unchanged");
    assert!(request["notes"][0].as_str().unwrap().contains("1 commit of others"), "{request}");
    let (code, words) = desk.refused(&["--note", "other edits"]);
    assert_eq!(code, 8, "{words}");
    assert!(words.contains("TG1062") && words.contains("nothing was pushed"), "{words}");
    assert_eq!(desk.tip(), theirs);
    // What somebody made of our commit is theirs, though it still says that it is ours.
    let amended = {
        desk.there(&["update-ref", &format!("refs/heads/{BRANCH}"), &format!("{theirs}^")]);
        desk.somebody_commits(true)
    };
    let (code, words) = desk.refused(&[]);
    assert_eq!((code, desk.tip()), (8, amended), "{words}");
    assert!(words.contains("Ada <ada@example.com>"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_a_person_changed_stays() {
    let desk = Desk::new(Kind::Hub).await;
    desk.requested(&[]);
    desk.forge.requests.lock().unwrap()[0]["body"] = json!("Wait for Monday.");
    let request = desk.requested(&["--note", "other edits"]);
    assert_eq!((&request["done"], &request["body"]), (&json!("updated"), &json!("Wait for Monday.")));
    assert!(request["notes"][0].as_str().unwrap().contains("by hand"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_the_middle_goes_on_from_there() {
    let desk = Desk::new(Kind::Hub).await;
    for (reply, code) in [
        (Reply::json(r#"{"message":"Resource not accessible by personal access token"}"#).status(403), 5),
        (Reply::new(502, ""), 6),
        (
            invalid(
                json!({"resource": "PullRequest", "code": "custom", "message": "No commits between main and x"}),
            ),
            8,
        ),
    ] {
        desk.instead("POST", reply);
        let (found, words) = desk.refused(&[]);
        assert_eq!(found, code, "{words}");
        assert!(words.contains("is pushed: the same command goes on from there"), "{words}");
        assert!(
            words.contains(&format!("https://github.com/acme/platform/compare/main...{BRANCH}")),
            "{words}"
        );
    }
    let tip = desk.tip();
    desk.as_usual();
    let request = desk.requested(&[]);
    assert_eq!((&request["done"], desk.tip()), (&json!("opened"), tip), "it is not pushed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_does_not_let_in_is_told_before_anything_is_pushed() {
    let desk = Desk::new(Kind::Hub).await;
    let limited = Reply::json(r#"{"message":"API rate limit exceeded"}"#)
        .status(403)
        .header("X-RateLimit-Remaining", "0")
        .header("X-RateLimit-Reset", "1795000000");
    let page = Reply::new(200, "<!DOCTYPE html><title>Sign in</title>").header("Content-Type", "text/html");
    for (reply, code, words) in [
        (Reply::json(r#"{"message":"Bad credentials"}"#).status(401), 5, "needs the permission"),
        (Reply::json(r#"{"message":"Bad credentials word"}"#).status(401), 5, "credentials ***"),
        (Reply::json(r#"{"message":"no, word"}"#).status(422), 6, "the forge says no: no, ***"),
        (Reply::json(r#"["word"]"#), 6, "invalid type: string \"***\""),
        (Reply::json(r#"{"message":"Forbidden"}"#).status(403), 5, "Pull requests: write"),
        (Reply::json(r#"{"message":"Not Found"}"#).status(404), 4, "the token may not see it"),
        (limited, 6, "wants to be asked again at 2026-11-18T"),
        (page, 6, "a web page came"),
        (Reply::json("{}"), 6, "what came is no pull request"),
        (Reply::new(500, ""), 6, "answered 500"),
    ] {
        desk.instead("GET", reply);
        let (found, said) = desk.refused(&[]);
        assert!(found == code && said.contains(words), "{words}: {found} {said}");
        assert!(!desk.forge.has(BRANCH), "nothing is pushed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_or_no_forge_hears_what_to_do() {
    let desk = Desk::new(Kind::Hub).await;
    let output = desk.command(&[]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(5) && words.contains("GITHUB_TOKEN or GH_TOKEN is not set"),
        "{words}"
    );
    git(&desk.repo(), &["remote", "add", "backup", desk.forge.bare.to_str().unwrap()]);
    git(&desk.repo(), &["remote", "add", "own", "https://git.example.com/acme/platform.git"]);
    for (remote, words) in [
        ("backup", "no address of a project"),
        ("nowhere", "no remote `nowhere`"),
        ("own", "host: git.example.com, forge: gitlab"),
    ] {
        let (code, said) = desk.refused(&["--remote", remote]);
        assert!(code == 3 && said.contains("TG1060") && said.contains(words), "{remote}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_does_nothing() {
    let desk = Desk::new(Kind::Hub).await;
    let before = desk.state();
    let output = desk.command(&["--dry-run"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in
        [BRANCH, "-> main", "backup: quay.example.com/velero/velero v1.17.0 -> v1.18.0", "### What changed"]
    {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(desk.state() == before && !desk.forge.has(BRANCH));
    assert_eq!(desk.fake.count("/api.github.com/repos/acme"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_version_is_told() {
    let desk = Desk::new(Kind::Hub).await;
    desk.requested(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["-o", "json", "product", "bump", "backup", "--to", "v1.18.1", "--pr"]);
    command.current_dir(desk.repo()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", desk.folder.path()).env("GH_TOKEN", "word");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let request = &document["data"]["request"];
    assert_eq!(request["number"], 8);
    assert_eq!(
        (&request["others"][0]["number"], &request["others"][0]["branch"]),
        (&json!(7), &json!(BRANCH))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_in_is_there_already_and_what_the_server_refuses_is_told() {
    let desk = Desk::new(Kind::Hub).await;
    let hook = desk.forge.bare.join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'only on Mondays' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (code, words) = desk.refused(&[]);
    assert!(code == 8 && words.contains("TG1063") && words.contains("only on Mondays"), "{words}");
    std::fs::remove_file(&hook).unwrap();
    desk.requested(&[]);
    desk.there(&["update-ref", "refs/heads/main", BRANCH]);
    let (code, words) = desk.refused(&[]);
    assert!(code == 4 && words.contains("is at v1.18.0 already"), "{words}");
    assert!(words.contains("looked at is `main` of `origin`"), "{words}");
}
