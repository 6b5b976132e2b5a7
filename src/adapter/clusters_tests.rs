//! Clients against a real server of the test's own, kubeconfig files on a real disk.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::journal::FailureClass;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Answers every request with a status and counts them; keeps the last request's head.
struct Server {
    address: String,
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<String>>,
}

async fn server(status: &'static str, body: &'static str) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let last = Arc::new(Mutex::new(String::new()));
    let (count, keep) = (Arc::clone(&asked), Arc::clone(&last));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (count, keep) = (Arc::clone(&count), Arc::clone(&keep));
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut byte = [0_u8; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                count.fetch_add(1, Ordering::SeqCst);
                *keep.lock().unwrap() = String::from_utf8_lossy(&head).into_owned();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Server { address, asked, last }
}

fn config(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
         clusters:\n- name: c1\n  cluster: {{server: '{server}'}}\n- name: c2\n  cluster: {{server: 'http://127.0.0.1:1'}}\n\
         users:\n- name: u1\n  user: {user}\n- name: u2\n  user: {{token: canary-of-another}}\n\
         contexts:\n- name: one\n  context: {{cluster: c1, user: u1}}\n- name: two\n  context: {{cluster: c2, user: u2}}\n"
    )
}

fn access(context: Option<&str>) -> Access {
    Access { kubeconfig: "conf/k.yaml".to_owned(), context: context.map(str::to_owned) }
}

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("conf")).unwrap();
    std::fs::write(folder.path().join("conf/k.yaml"), text).unwrap();
    folder
}

#[tokio::test]
async fn a_client_says_who_it_is_and_never_tries_again() {
    let server = server("503 Service Unavailable", "{}").await;
    let folder = folder(&config(&server.address, "{token: abc}"));
    let clusters = KubeconfigClusters::new(folder.path(), None);
    let client = clusters.connect(&access(None), "tidegate/0.1 (R1-1; attempt 2; fence 7)").await.unwrap();
    assert!(client.apiserver_version().await.is_err());
    assert_eq!(server.asked.load(Ordering::SeqCst), 1, "a client must not retry by itself");
    let head = server.last.lock().unwrap().to_lowercase();
    assert!(head.contains("user-agent: tidegate/0.1 (r1-1; attempt 2; fence 7)\r\n"), "{head}");
    assert!(head.contains("authorization: bearer abc\r\n"), "{head}");
}

#[tokio::test]
async fn a_plugin_runs_once_for_many_clients_and_its_token_is_used() {
    let server = server("200 OK", r#"{"major":"1","minor":"36","gitVersion":"v1.36.3","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#).await;
    let plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh, args: [x], env: [{name: EXTRA, value: from-env}], provideClusterInfo: true}}";
    let folder = folder(&config(&server.address, plugin));
    let script = "#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO\" >> \"$(dirname \"$0\")/runs\"\necho '{\"status\":{\"token\":\"'\"$EXTRA-$1\"'\"}}'\n";
    let path = folder.path().join("conf/plugin.sh");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let clusters = KubeconfigClusters::new(folder.path(), None);
    for _ in 0..3 {
        let client = clusters.connect(&access(Some("one")), "t").await.unwrap();
        client.apiserver_version().await.unwrap();
    }
    assert!(server.last.lock().unwrap().contains("Bearer from-env-x"));
    let runs = std::fs::read_to_string(folder.path().join("conf/runs")).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    let asked: serde_json::Value = serde_json::from_str(runs.trim()).unwrap();
    assert_eq!(asked["spec"]["interactive"], false);
    assert_eq!(asked["spec"]["cluster"]["server"], server.address.as_str());
}

#[tokio::test]
async fn a_failing_plugin_is_named_with_its_words_and_its_hint() {
    let user = "{exec: {command: sh, args: ['-c', 'echo no network >&2; exit 3']}}";
    let folder = folder(&config("http://127.0.0.1:1", user));
    let fault = KubeconfigClusters::new(folder.path(), None).connect(&access(None), "t").await.err().unwrap();
    assert_eq!(fault.class, FailureClass::Transient);
    assert!(fault.message.contains("`sh` failed: no network"), "{fault}");
    let user = "{exec: {command: no-such-plugin-x, installHint: get it somewhere}}";
    std::fs::write(folder.path().join("conf/k.yaml"), config("http://127.0.0.1:1", user)).unwrap();
    let fault = KubeconfigClusters::new(folder.path(), None).connect(&access(None), "t").await.err().unwrap();
    assert_eq!(fault.class, FailureClass::Permanent);
    assert!(
        fault.message.contains("no-such-plugin-x") && fault.message.contains("get it somewhere"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_missing_file_or_context_stays_and_says_what_there_is() {
    let folder = folder(&config("http://127.0.0.1:1", "{}"));
    let clusters = KubeconfigClusters::new(folder.path(), None);
    let cases = [
        (access(Some("onne")), "has no context `onne`: did you mean `one`?"),
        (
            Access { kubeconfig: "gone.yaml".into(), context: None },
            "`gone.yaml` can't be read: it does not exist",
        ),
        (Access { kubeconfig: "~/x".into(), context: None }, "no home folder"),
    ];
    for (access, words) in cases {
        let fault = clusters.connect(&access, "t").await.err().unwrap();
        assert_eq!(fault.class, FailureClass::Permanent);
        assert!(fault.message.contains(words), "{fault}");
    }
}

#[tokio::test]
async fn a_broken_file_is_not_quoted() {
    let folder = folder("users:\n- name: u\n  user: {token: canary-token\n");
    let fault = KubeconfigClusters::new(folder.path(), None).connect(&access(None), "t").await.err().unwrap();
    assert!(fault.message.contains("is no kubeconfig file"), "{fault}");
    assert!(!fault.message.contains("canary"), "{fault}");
}

#[tokio::test]
async fn a_tilde_is_the_home_folder() {
    let folder = folder(&config("http://127.0.0.1:1", "{}"));
    let clusters = KubeconfigClusters::new("/nowhere", Some(folder.path().to_owned()));
    let access = Access { kubeconfig: "~/conf/k.yaml".into(), context: None };
    assert!(clusters.connect(&access, "t").await.is_ok());
}

#[tokio::test]
async fn a_scripts_kubeconfig_holds_one_context_only_and_goes_away() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&config("http://127.0.0.1:1", "{token: abc, client-certificate: rel.crt}"));
    let clusters = KubeconfigClusters::new(folder.path(), None);
    let file = clusters.kubeconfig(&access(Some("one"))).await.unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert_eq!(file.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["current-context"], "one");
    assert_eq!(read["contexts"].as_array().unwrap().len(), 1);
    assert_eq!(read["users"][0]["user"]["token"], "abc");
    assert_eq!(
        read["users"][0]["user"]["client-certificate"],
        folder.path().join("conf/rel.crt").to_str().unwrap()
    );
    assert!(!text.contains("canary-of-another"));
    let path = file.path.clone();
    drop(file);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_server_that_is_away_is_known_at_once_and_no_read_waits_without_end() {
    let folder = folder(&config("http://127.0.0.1:1", "{}"));
    let clusters = KubeconfigClusters::new(folder.path(), None);
    let client = clusters.connect(&access(None), "t").await.unwrap();
    let started = std::time::Instant::now();
    assert!(client.apiserver_version().await.is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
    let config = clusters.config(&access(None)).await.unwrap();
    assert!(!config.default_retry);
    assert_eq!(config.read_timeout, Some(READ));
}
