//! Registries as their makers document them, each by its own host name: Docker Hub, GHCR, Quay, Google's,
//! Amazon's, Artifactory, Harbor.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use tidegate::adapter::registry::{Credentials, Registries, Settings};
use tidegate::adapter::web::Web;
use tidegate::port::upstream::{Registry as _, Silence, Wanted};

use super::fake::{Fake, Reply};
use super::listing::{names, registries, repository, serve, user, with};
use super::registry::{Script, Wants, digest_of, list};
use super::web::quick;

fn digest(c: char) -> String {
    format!("sha256:{}", c.to_string().repeat(64))
}

/// Docker Hub: tokens for everybody, 401 for what is not there, and its own interface at another host.
async fn hub() -> (Fake, Fake) {
    let script =
        Script { wants: Wants::Token(None), ..Script::with(&[("library/redis", &["8.0", "8.1", "old"])]) };
    let registry = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| {
            let reply = script.answer(&home, seen);
            if seen.path.contains("/no-such/") && !seen.header("authorization").is_empty() {
                let challenge = format!("Bearer realm=\"{home}/token\",service=\"registry.example.com\",scope=\"repository:no-such/x:pull\",error=\"insufficient_scope\"");
                return Reply::error(401, "UNAUTHORIZED", "authentication required").header("WWW-Authenticate", challenge);
            }
            reply
        }
    })
    .await;
    let native = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| {
            if seen.path != "/v2/namespaces/library/repositories/redis/tags" {
                return Reply::new(404, r#"{"message":"object not found","errinfo":{}}"#);
            }
            let tag = |name: &str, c| {
                serde_json::json!({
                    "name": name, "digest": digest(c), "last_updated": "2026-01-02T03:04:05.5Z",
                    "images": [{"architecture": "amd64", "digest": digest('e')}], "tag_status": "active",
                })
            };
            let (next, results) = match seen.param("page").as_deref() {
                Some("1") => (
                    Some(format!("{home}{}?page=2&page_size=100", seen.path)),
                    vec![tag("8.0", 'a'), tag("8.1", 'b')],
                ),
                _ => (None, vec![tag("old", 'c')]),
            };
            Reply::json(
                serde_json::json!({"count": 3, "next": next, "previous": null, "results": results})
                    .to_string(),
            )
        }
    })
    .await;
    (registry, native)
}

#[tokio::test]
async fn docker_hub_tells_digests_and_dates_beside_the_names() {
    let (registry, native) = hub().await;
    let registries = registries(&[("docker.io", &registry), ("hub.docker.com", &native)]);
    let tags = registries.tags(&repository("redis"), Wanted::Digests).await.unwrap();
    assert_eq!(names(&tags), ["8.0", "8.1", "old"]);
    assert_eq!(tags.known["8.1"].digest, Some(digest('b')));
    assert_eq!(tags.known["8.1"].children, [digest('e')]);
    assert_eq!(tags.known["old"].pushed.unwrap().to_string(), "2026-01-02T03:04:05.5Z");
    assert_eq!((native.seen().len(), registry.seen().len()), (2, 0));
    // Who wants less later is answered from that.
    assert_eq!(names(&registries.tags(&repository("redis"), Wanted::Names).await.unwrap()).len(), 3);
    assert_eq!(registry.seen().len(), 0);
}

#[tokio::test]
async fn no_manifest_is_ever_pulled_from_docker_hub() {
    let (registry, native) = hub().await;
    let asked = registries(&[("docker.io", &registry), ("hub.docker.com", &native)]);
    assert_eq!(asked.digest(&"redis:8.1".parse().unwrap()).await.unwrap(), digest_of("8.1"));
    // Not even where the header is missing.
    let silent = Fake::new(|_| Reply::new(200, r#"{"schemaVersion":2}"#)).await;
    let asked = registries(&[("docker.io", &silent)]);
    assert_eq!(asked.digest(&"redis:8.1".parse().unwrap()).await.unwrap_err().why, Silence::Invalid);
    for seen in registry.seen().iter().chain(&silent.seen()).filter(|seen| seen.path.contains("/manifests/"))
    {
        assert_eq!(seen.method, "HEAD");
    }
}

#[tokio::test]
async fn what_docker_hub_does_not_have_is_missing() {
    let (registry, native) = hub().await;
    let registries = registries(&[("docker.io", &registry), ("hub.docker.com", &native)]);
    for wanted in [Wanted::Names, Wanted::Digests] {
        let silence = registries.tags(&repository("no-such/x"), wanted).await.unwrap_err();
        assert_eq!(silence.why, Silence::Missing, "{silence}");
    }
}

#[tokio::test]
async fn where_docker_hubs_own_interface_is_out_of_order_names_are_the_answer() {
    let (registry, _) = hub().await;
    let broken = Fake::new(|_| Reply::new(200, "<html>maintenance</html>")).await;
    let registries = registries(&[("docker.io", &registry), ("hub.docker.com", &broken)]);
    let tags = registries.tags(&repository("redis"), Wanted::Digests).await.unwrap();
    assert_eq!((names(&tags).len(), tags.known.len()), (3, 0));
}

#[tokio::test]
async fn ghcr_denies_a_token_for_what_nobody_may_see() {
    let script =
        Script { wants: Wants::Token(None), page: 2, ..Script::with(&[("fluxcd/x", &["v1", "v2", "v3"])]) };
    let fake = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| match seen.path.as_str() {
            "/token" if seen.query.contains("secret%2Fx") => {
                Reply::error(403, "DENIED", "requested access to the resource is denied")
            }
            _ => script.answer(&home, seen),
        }
    })
    .await;
    let registries = registries(&[("ghcr.io", &fake)]);
    let tags = registries.tags(&repository("ghcr.io/fluxcd/x"), Wanted::Digests).await.unwrap();
    assert_eq!((names(&tags), tags.known.len()), (vec!["v1", "v2", "v3"], 0));
    let silence = registries.tags(&repository("ghcr.io/secret/x"), Wanted::Names).await.unwrap_err();
    assert_eq!(silence.why, Silence::Forbidden);
    assert!(silence.message.contains("hands out no token for ghcr.io/secret/x"), "{silence}");
}

/// Quay: its own interface with pages of 100, and the distribution API with tokens.
async fn quay() -> Fake {
    let all: Vec<String> = (0..250).map(|n| format!("v0.{n}.0")).collect();
    let mut script = Script { wants: Wants::Token(None), page: 50, ..Script::default() };
    script.repositories.insert("jetstack/x".to_owned(), all.clone());
    script.repositories.insert("private/x".to_owned(), vec!["1".to_owned()]);
    Fake::at(|home| {
        let home = home.to_owned();
        move |seen| match seen.path.as_str() {
            "/api/v1/repository/jetstack/x/tag/" => {
                let page: usize = seen.param("page").unwrap().parse().unwrap();
                assert_eq!((seen.param("limit").as_deref(), seen.param("onlyActiveTags").as_deref()), (Some("100"), Some("true")));
                let tags: Vec<_> = all.iter().skip((page - 1) * 100).take(100).map(|name| serde_json::json!({
                    "name": name, "reversion": false, "start_ts": 1_717_680_780, "manifest_digest": digest('a'),
                    "is_manifest_list": true, "size": null, "last_modified": "Thu, 06 Jun 2024 13:33:00 -0000",
                })).collect();
                let more = all.len() > page * 100;
                Reply::json(serde_json::json!({"tags": tags, "page": page, "has_additional": more}).to_string())
            }
            path if path.starts_with("/api/") => Reply::new(401, r#"{"error_message":"Requires authentication","error_type":"invalid_token"}"#),
            _ => script.answer(&home, seen),
        }
    })
    .await
}

#[tokio::test]
async fn quay_tells_digests_by_its_own_interface_and_names_by_the_common_one() {
    let fake = quay().await;
    let app = repository("quay.io/jetstack/x");
    let tags = registries(&[("quay.io", &fake)]).tags(&app, Wanted::Digests).await.unwrap();
    assert_eq!((tags.iter().count(), tags.known.len(), fake.seen().len()), (250, 250, 3));
    assert_eq!(tags.known["v0.249.0"].digest, Some(digest('a')));
    let names = registries(&[("quay.io", &fake)]).tags(&app, Wanted::Names).await.unwrap();
    assert_eq!((names.iter().count(), names.known.len()), (250, 0));
    assert_eq!(fake.count("/v2/"), 5 + 1);
}

#[tokio::test]
async fn a_private_repository_of_quay_is_listed_by_names() {
    let fake = quay().await;
    let tags =
        registries(&[("quay.io", &fake)]).tags(&repository("quay.io/private/x"), Wanted::Digests).await;
    assert_eq!(names(&tags.unwrap()), ["1"]);
}

#[tokio::test]
async fn googles_registries_tell_digests_in_the_list_itself() {
    let body = serde_json::json!({
        "child": [], "name": "pause", "tags": ["3.9", "latest"],
        "manifest": {
            digest('a'): {"imageSizeBytes": "1", "layerId": "", "mediaType": "x", "tag": ["3.9", "latest"], "timeCreatedMs": "0", "timeUploadedMs": "1700000000000"},
            digest('b'): {"imageSizeBytes": "1", "layerId": "", "mediaType": "x", "tag": [], "timeCreatedMs": "0", "timeUploadedMs": "1600000000000"},
        },
    });
    let fake = Fake::new(move |_| Reply::json(body.to_string())).await;
    for host in ["gcr.io", "registry.k8s.io", "europe-docker.pkg.dev"] {
        let registries = registries(&[(host, &fake)]);
        let tags = registries.tags(&repository(&format!("{host}/p/pause")), Wanted::Digests).await.unwrap();
        assert_eq!(names(&tags), ["3.9", "latest"]);
        assert_eq!(tags.known["latest"].digest, Some(digest('a')));
        assert_eq!(tags.known["3.9"].pushed.unwrap().as_second(), 1_700_000_000);
    }
    let names_only =
        registries(&[("gcr.io", &fake)]).tags(&repository("gcr.io/p/pause"), Wanted::Names).await.unwrap();
    assert!(names_only.known.is_empty());
}

#[tokio::test]
async fn amazons_private_registry_is_entered_with_a_password_that_amazon_lends() {
    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let wants = Wants::Basic("AWS".to_owned(), "lent".to_owned());
    let fake = serve(Script { wants, page: 1, ..Script::with(&[("a", &["1", "2"]), ("b", &["3"])]) }).await;
    let api = Fake::new(|seen| {
        let signed = seen.header("authorization");
        let fits = seen.method == "POST"
            && seen.header("x-amz-target") == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
            && seen.header("content-type") == "application/x-amz-json-1.1"
            && signed.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")
            && signed.contains("/eu-west-1/ecr/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=")
            && seen.header("x-amz-security-token") == "session";
        if !fits {
            return Reply::new(400, r#"{"__type":"InvalidSignatureException"}"#);
        }
        let token = base64::engine::general_purpose::STANDARD.encode("AWS:lent");
        Reply::json(serde_json::json!({"authorizationData": [{"authorizationToken": token, "expiresAt": 1.9e9, "proxyEndpoint": "x"}]}).to_string())
    })
    .await;
    let environment = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKID".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("key".to_owned()),
        "AWS_SESSION_TOKEN" => Some("session".to_owned()),
        _ => None,
    };
    let credentials = Credentials::of_user(&environment, None);
    let registries = with(&[(HOST, &fake), ("api.ecr.eu-west-1.amazonaws.com", &api)], credentials, quick());
    let [a, b] = ["a", "b"].map(|name| repository(&format!("{HOST}/{name}")));
    let (a, b) = futures::join!(registries.tags(&a, Wanted::Names), registries.tags(&b, Wanted::Names));
    assert_eq!((names(&a.unwrap()), names(&b.unwrap())), (vec!["1", "2"], vec!["3"]));
    assert_eq!(api.seen().len(), 1, "one password for all of a registry");
}

#[tokio::test]
async fn amazons_public_registry_hands_tokens_to_everybody() {
    let fake = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| match (seen.path.as_str(), seen.header("authorization")) {
            ("/token/", "") => Reply::json(r#"{"token":"public"}"#),
            (_, "Bearer public") => Reply::json(list("eks/x", &["1"])),
            _ => Reply::error(401, "DENIED", "Your Authorization Token is invalid.").header(
                "WWW-Authenticate",
                format!("Bearer realm=\"{home}/token/\",service=\"public.ecr.aws\",scope=\"aws\""),
            ),
        }
    })
    .await;
    let registries = registries(&[("public.ecr.aws", &fake)]);
    assert_eq!(
        names(&registries.tags(&repository("public.ecr.aws/eks/x"), Wanted::Names).await.unwrap()),
        ["1"]
    );
}

#[tokio::test]
async fn artifactory_is_asked_below_the_path_of_its_repository() {
    let fake = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| {
            if seen.header("authorization") != super::registry::basic("me", "word") {
                // Artifactory offers both, in two headers.
                return Reply::error(401, "UNAUTHORIZED", "The client needs to authenticate.")
                    .header("WWW-Authenticate", "Basic realm=\"Artifactory Realm\"");
            }
            match (seen.path.as_str(), seen.param("last").as_deref()) {
                ("/artifactory/api/docker/hub/v2/team/app/tags/list", None) => {
                    Reply::json(list("team/app", &["1"]))
                        .header("Link", format!("<{home}{}?n=1&last=1>; rel=\"next\"", seen.path))
                }
                ("/artifactory/api/docker/hub/v2/team/app/tags/list", Some("1")) => {
                    Reply::json(list("team/app", &["2"]))
                }
                _ => Reply::error(404, "NAME_UNKNOWN", "Repository name not known to registry."),
            }
        }
    })
    .await;
    let settings = Settings {
        endpoints: BTreeMap::from([(
            "art.example.com".to_owned(),
            format!("{}/artifactory/api/docker/hub", fake.address()),
        )]),
        ..Settings::default()
    };
    let registries =
        Registries::new(Arc::new(Web::new(quick())), settings, user("art.example.com", "me", "word"));
    let tags = registries.tags(&repository("art.example.com/team/app"), Wanted::Names).await.unwrap();
    assert_eq!(names(&tags), ["1", "2"]);
}

#[tokio::test]
async fn harbor_offers_its_token_service_and_says_null_for_none() {
    let script = Script {
        wants: Wants::Token(Some(("robot$ci".into(), "word".into()))),
        ..Script::with(&[("lib/x", &["1"])])
    };
    let fake = Fake::at(|home| {
        let home = home.to_owned();
        move |seen| match (seen.path.as_str(), seen.header("authorization")) {
            ("/v2/lib/empty/tags/list", shown) if shown.starts_with("Bearer") => {
                Reply::json(r#"{"name":"lib/empty","tags":null}"#)
            }
            _ => script.answer(&home, seen),
        }
    })
    .await;
    let registries =
        with(&[("harbor.example.com", &fake)], user("harbor.example.com", "robot$ci", "word"), quick());
    let list = |name: &'static str| {
        let registries = &registries;
        async move { registries.tags(&repository(name), Wanted::Names).await }
    };
    assert_eq!(names(&list("harbor.example.com/lib/x").await.unwrap()), ["1"]);
    assert!(list("harbor.example.com/lib/empty").await.unwrap().is_empty());
    assert_eq!(list("harbor.example.com/lib/no").await.unwrap_err().why, Silence::Missing);
}
