//! What each key of a config becomes.

#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;

use super::*;
use crate::diag::{Source, codes};
use crate::yaml::{Node, Value};

/// Every key of the format, with values of our own.
pub(super) const EXAMPLE: &str = include_str!("example.yaml");

pub(super) fn target() -> Target {
    Target { product: "platform-tools".parse().unwrap(), owner: "platform".to_owned() }
}

pub(super) fn imported(text: &str) -> Result<Imported, Findings> {
    import("config.yaml", text.as_bytes().to_vec(), &target())
}

fn fine(text: &str) -> Imported {
    imported(text).unwrap_or_else(|findings| panic!("{findings}"))
}

/// `CODE LINE:COLUMN MESSAGE` of each finding.
fn wrong(text: &str) -> Vec<String> {
    let line = |finding: &crate::diag::Finding| {
        let place = finding.place.as_ref().unwrap();
        format!("{} {}:{} {}", finding.code.id, place.line(), place.column(), finding.message)
    };
    imported(text).unwrap_err().iter().map(line).collect()
}

/// `KEY:LINE BECAUSE; INSTEAD`.
fn left(imported: &Imported) -> Vec<String> {
    let instead = |one: &Left| one.instead.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
    imported
        .left
        .iter()
        .map(|one| format!("{}:{} {}{}", one.key, one.line, one.because, instead(one)))
        .collect()
}

fn taken(imported: &Imported) -> Vec<String> {
    imported.taken.iter().map(|one| format!("{}:{} {}", one.key, one.line, one.becomes)).collect()
}

/// The ways of everything in a tree that has nothing below it.
fn leaves(node: &Node, way: &str, found: &mut Vec<String>) {
    match &node.value {
        Value::Mapping(mapping) if !mapping.is_empty() => mapping.iter().for_each(|(key, child)| {
            let way = if way.is_empty() { key.text.clone() } else { format!("{way}.{}", key.text) };
            leaves(child, &way, found);
        }),
        Value::Sequence(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .for_each(|(number, child)| leaves(child, &format!("{way}[{number}]"), found)),
        _ => found.push(way.to_owned()),
    }
}

/// The keys of a config that nothing is said of.
fn lost(text: &str) -> Vec<String> {
    let imported = fine(text);
    let root = yaml::parse(&Source::new("config.yaml", text)).unwrap().unwrap();
    let mut all = Vec::new();
    leaves(&root, "", &mut all);
    let told: Vec<&str> = imported
        .taken
        .iter()
        .map(|one| one.key.as_str())
        .chain(imported.left.iter().map(|one| one.key.as_str()))
        .collect();
    let is_told = |way: &str| {
        told.iter().any(|key| {
            way.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    all.into_iter().filter(|way| !is_told(way)).collect()
}

#[test]
fn no_key_is_lost() {
    assert_eq!(lost(EXAMPLE), Vec::<String>::new());
    // Also where nothing is said, and where nothing is on.
    let off = EXAMPLE.replace(": true", ": false");
    assert_eq!(lost(&off), Vec::<String>::new());
    let empty = "app:\nnamespaces:\nimages: []\nimageRegistries:\n  quay:\n  override:\n  dockerHub: { username: , password: '' }\nxray:\n  url:\ngithub:\n  credentials:\n    token:\n  repos: []\n";
    assert_eq!(lost(empty), Vec::<String>::new());
}

#[test]
fn the_example_becomes_two_files() {
    let imported = fine(EXAMPLE);
    assert_snapshot!(imported.sources.as_deref().unwrap(), @r#"
    # yaml-language-server: $schema=../.tidegate/schemas/Sources.json
    # Where newer versions come from, as k8s-platform-lcm was told.
    apiVersion: tidegate.dev/v1
    kind: Sources
    metadata:
      name: sources
    spec:
      # What is pulled there has its news where it comes from.
      mirrors:
        - { at: "10.0.0.5:5000", of: docker.io }
        - { at: "10.0.0.5:5000/hello", of: docker.io/nginxdemos/hello }
        - { at: "10.0.0.5:5000/jetstack/cert-manager-controller", of: quay.io/jetstack/cert-manager-controller }
        - { at: "10.0.0.5:5000/shop/web", of: images.example.org/storefront/web }
        - { at: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/hello", of: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/nginxdemos/hello" }
        - { at: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jetstack/cert-manager-controller", of: quay.io/jetstack/cert-manager-controller }
        - { at: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web", of: images.example.org/storefront/web }
        - { at: docker.example.com/hello, of: docker.example.com/nginxdemos/hello }
        - { at: docker.example.com/jetstack/cert-manager-controller, of: quay.io/jetstack/cert-manager-controller }
        - { at: docker.example.com/shop/web, of: images.example.org/storefront/web }
        - { at: hub.example.com, of: docker.io }
        - { at: hub.example.com/hello, of: docker.io/nginxdemos/hello }
        - { at: hub.example.com/jetstack/cert-manager-controller, of: quay.io/jetstack/cert-manager-controller }
        - { at: hub.example.com/shop/web, of: images.example.org/storefront/web }
        - { at: private.example.com/backup/agent, of: quay.io/backup/agent }
      hosts:
        - { host: docker.example.com, endpoint: https://artifacts.example.com/api/docker/all }
      # The first that fits counts.
      policies:
        - { of: "**/jetstack/cert-manager-controller", policy: { prerelease: any, variant: ignore } }
        - { of: "**/backup/**", policy: { prerelease: any, variant: ignore } }
        - { of: "**/shop/web", policy: { prerelease: any, variant: ignore } }
        - { of: "hub.example.com/**", policy: { prerelease: any, variant: ignore } }
        - { of: "10.0.0.5:5000/**", policy: { prerelease: any, variant: ignore } }
        - { of: "docker.example.com/**", policy: {} }
        - { of: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/**", policy: {} }
        - { of: "quay.io/**", policy: { prerelease: any, variant: ignore } }
        - { of: "k8s.gcr.io/**", policy: { prerelease: any, variant: ignore } }
        - { of: "registry.k8s.io/**", policy: { prerelease: any, variant: ignore } }
    "#);
    assert_snapshot!(imported.product.as_deref().unwrap(), @r#"
    # yaml-language-server: $schema=../../.tidegate/schemas/Product.json
    # What k8s-platform-lcm watched. It brings nothing to a cluster; move each entry to the product that
    # installs the thing, once there is one.
    apiVersion: tidegate.dev/v1
    kind: Product
    metadata:
      name: platform-tools
    spec:
      version: 1.0.0
      owner: platform
      upstream:
        - tool: { repository: github:hashicorp/terraform, version: "1.9.8" }
        - tool: { repository: github:helm/helm, version: v3.16.2 }
        - chart: { repository: https://charts.example.com/stable, name: ingress-nginx, policy: { prerelease: any, variant: ignore } }
        - chart: { repository: https://charts.example.com/stable, name: splunk, policy: { prerelease: any, variant: ignore } }
        - chart: { repository: https://private.example.org, name: audit }
        - image: { repository: docker.io/velero/velero, version: v1.17.0 }
        - image: { repository: quay.io/prometheus/prometheus, version: v3.1.0 }
        - image: { repository: private.example.com/backup/agent, version: "1.4.2" }
    "#);
}

#[test]
fn what_is_left_says_why_and_what_to_do() {
    assert_snapshot!(left(&fine(EXAMPLE)).join("\n"), @r"
    type:2 it never meant anything
    app.verbose:4 every source that is silent is told with its reason, without being asked; `tidegate lcm report`
    app.debug:5 every source that is silent is told with its reason, without being asked; `tidegate lcm report`
    app.jsonLoggingEnabled:6 there is no log to be read; `tidegate lcm report -o json`
    app.logFile:7 what is told goes to standard error; `tidegate lcm report 2> FILE`
    app.startServer:8 nothing has to run all the time; `tidegate lcm report -o html > report.html`
    app.exportMetrics:9 metrics are written to a file, for a textfile collector or a push gateway; `tidegate lcm report -o prometheus --metric-names k8s-platform-lcm`
    kubernetesFetchEnabled:10 what runs is known from the clusters of the Fleet file, not from the one it runs in; name your clusters in `pipelines/fleet.yaml`
    namespaces:11 what belongs to the platform is what its products install, in whatever namespace; `tidegate lcm report --product PRODUCT` shows less
    imageRegistries.dockerHub.username:16 credentials belong in no file of a repository; run `docker login docker.io` where the report is made
    imageRegistries.dockerHub.password:17 credentials belong in no file of a repository; run `docker login docker.io` where the report is made
    imageRegistries.dockerHub.default:18 each registry is asked for its own images here; for each registry of yours with copies write a mirror: `at: YOUR-REGISTRY`, `of: docker.io`
    imageRegistries.quay.username:20 credentials belong in no file of a repository; run `docker login quay.io` where the report is made
    imageRegistries.quay.password:21 credentials belong in no file of a repository; run `docker login quay.io` where the report is made
    imageRegistries.quay.authType:22 the registry says itself how it wants to be asked
    imageRegistries.gcr.authType:25 the registry says itself how it wants to be asked
    imageRegistries.gcr.username:26 credentials belong in no file of a repository; run `docker login gcr.io` where the report is made
    imageRegistries.gcr.password:27 credentials belong in no file of a repository; run `docker login gcr.io` where the report is made
    imageRegistries.gcr.default:28 each registry is asked for its own images here; for each registry of yours with copies write a mirror: `at: YOUR-REGISTRY`, `of: gcr.io`
    imageRegistries.gcrK8s.authType:30 the registry says itself how it wants to be asked
    imageRegistries.zalando.authType:33 the registry says itself how it wants to be asked
    imageRegistries.zalando.default:34 each registry is asked for its own images here; for each registry of yours with copies write a mirror: `at: YOUR-REGISTRY`, `of: registry.opensource.zalan.do`
    imageRegistries.gitlab.name:36 of a registry that it knows, it never counted
    imageRegistries.gitlab.url:37 of a registry that it knows, it never counted
    imageRegistries.gitlab.authType:38 the registry says itself how it wants to be asked
    imageRegistries.gitlab.username:39 credentials belong in no file of a repository; run `docker login registry.gitlab.com` where the report is made
    imageRegistries.gitlab.password:40 credentials belong in no file of a repository; run `docker login registry.gitlab.com` where the report is made
    imageRegistries.overrideRegistries[1].registry.name:48 it names nothing that is asked
    imageRegistries.overrideRegistries[1].registry.authType:50 the registry says itself how it wants to be asked
    imageRegistries.overrideRegistries[1].registry.username:51 credentials belong in no file of a repository; run `docker login HOST` where the report is made
    imageRegistries.overrideRegistries[1].registry.password:52 credentials belong in no file of a repository; run `docker login HOST` where the report is made
    imageRegistries.overrideRegistries[2].registry.authType:57 the registry says itself how it wants to be asked
    imageRegistries.overrideRegistries[2].registry.region:58 the name of an ECR registry says its region
    imageRegistries.override[1].registry.url:68 the name and password in it belong in no file of a repository; run `docker login images.example.org` where the report is made
    imageRegistries.override[1].registry.authType:69 the registry says itself how it wants to be asked
    imageRegistries.override[1].images[1]:72 it is not said where these images are pulled; for each write a mirror: `at: REGISTRY/NAME`, `of: images.example.org/NAME`
    imageRegistries.override[1].allowAllReleases:73 a policy names things by `*` and `**`, not by expressions; write policies with `prerelease: any` and `variant: ignore` for those that are expressions
    helmRegistries.overrideChartNames.falco:83 Artifact Hub is not asked, but the chart's own repository; https://artifacthub.io/packages/helm/falcosecurity/falco names its address: write `chart: { repository: ADDRESS, name: falco }`
    helmRegistries.override[0].charts[2]:91 an expression does not say which charts there are; write an entry for each: `chart: { repository: https://charts.example.com/stable, name: CHART }`
    helmRegistries.override[1].registry.url:94 who asks stands in the address, and belongs in no file of a repository; keep a copy of the charts where everybody may read them, or in a registry
    xray.url:97 JFrog Xray is not asked by what these files say; keep the address: it is said where vulnerabilities are asked for
    xray.username:98 credentials belong in no file of a repository; keep them where the scanner is asked: in its environment
    xray.password:99 credentials belong in no file of a repository; keep them where the scanner is asked: in its environment
    xray.prefixes[0].prefix:101 where Xray keeps an image is not in these files; keep it with the address of Xray
    xray.prefixes[0].images:102 where Xray keeps an image is not in these files; keep it with the address of Xray
    trivy.url:104 Trivy is not asked by what these files say; keep the address: it is said where vulnerabilities are asked for
    github.credentials.username:107 credentials belong in no file of a repository; GitHub takes no passwords any more: set GITHUB_TOKEN where the report is made
    github.credentials.password:108 credentials belong in no file of a repository; GitHub takes no passwords any more: set GITHUB_TOKEN where the report is made
    github.credentials.token:109 credentials belong in no file of a repository; set the variable GITHUB_TOKEN where the report is made
    github.repos[1].useTag:115 tags are what is read here, with releases or without
    filterVulnerabilities.severities:117 vulnerabilities are accepted by name, not all of a severity; accept those that you live with, in `pipelines/acceptances/`
    filterVulnerabilities.identifiers[0].name:119 who accepts it, why and until when is not said here; name the repositories under `images` of `pipelines/acceptances/ID.yaml`
    filterVulnerabilities.identifiers[0].identifiers:120 who accepts it, why and until when is not said here; write `pipelines/acceptances/ID.yaml` with these, an owner, a reason and a last day
    ");
}

#[test]
fn what_is_taken_says_what_it_is_now() {
    assert_snapshot!(taken(&fine(EXAMPLE)).join("\n"), @r"
    imageRegistries.quay.allowAllReleases:23 a policy for quay.io/**
    imageRegistries.gcrK8s.allowAllReleases:31 a policy for registry.k8s.io/**
    imageRegistries.overrideRegistries[0].registryName:42 docker.io is who is asked
    imageRegistries.overrideRegistries[0].urls[0]:44 a mirror of docker.io
    imageRegistries.overrideRegistries[0].urls[1]:45 a mirror of docker.io
    imageRegistries.overrideRegistries[0].allowAllReleases:46 policies: prereleases count
    imageRegistries.overrideRegistries[1].registry.url:49 artifacts.example.com is who is asked
    imageRegistries.overrideRegistries[1].urls[0]:54 a host that is asked at https://artifacts.example.com/api/docker/all
    imageRegistries.overrideRegistries[2].registry.url:56 123456789012.dkr.ecr.eu-central-1.amazonaws.com is who is asked
    imageRegistries.overrideRegistries[2].urls[0]:60 itself, which needs no word
    imageRegistries.override[0].registryName:62 quay.io is who is asked
    imageRegistries.override[0].images[0]:64 mirrors of quay.io/jetstack/cert-manager-controller
    imageRegistries.override[0].images[1]:65 mirrors of quay.io/backup/agent
    imageRegistries.override[0].allowAllReleases:66 policies: prereleases count
    imageRegistries.override[1].registry.url:68 images.example.org is who is asked
    imageRegistries.override[1].images[0]:71 mirrors of images.example.org/storefront/web
    imageRegistries.overrideImageNames.hello:75 a mirror of nginxdemos/hello
    imageRegistries.overrideImageNames.shop/web:76 a mirror of storefront/web
    images[0]:78 image docker.io/velero/velero at v1.17.0
    images[1]:79 image quay.io/prometheus/prometheus at v3.1.0
    images[2]:80 image private.example.com/backup/agent at 1.4.2
    helmRegistries.overrideChartNames.ingress:84 chart ingress-nginx
    helmRegistries.override[0].registry.url:87 the repository https://charts.example.com/stable
    helmRegistries.override[0].charts[0]:89 chart ingress-nginx
    helmRegistries.override[0].charts[1]:90 chart splunk
    helmRegistries.override[0].allowAllReleases:92 policies of these charts: prereleases count
    helmRegistries.override[1].charts[0]:95 chart audit
    github.repos[0].repo:111 tool github:hashicorp/terraform
    github.repos[0].version:112 tool github:hashicorp/terraform
    github.repos[1].repo:113 tool github:helm/helm
    github.repos[1].version:114 tool github:helm/helm
    ");
}

#[test]
fn every_wrong_type_is_told_at_its_place() {
    for (text, expected) in [
        ("- a\n", "TG0102 1:1 expected a mapping, found a list in ``"),
        ("app: on\n", "TG0102 1:6 expected a mapping, found a string in `app`"),
        ("app:\n  debug: often\n", "TG0102 2:10 expected a boolean, found a string in `app.debug`"),
        ("namespaces: [{ a: b }]\n", "TG0102 1:14 expected a string, found a mapping in `namespaces[0]`"),
        ("images: { a: b }\n", "TG0102 1:9 expected a string, found a mapping in `images`"),
        ("images: ['Shop:1']\n", "TG0105 1:10 `Shop:1` is no image"),
        ("images: ['https://quay.io/a/b:1']\n", "TG0105 1:10 `https://quay.io/a/b:1` is no image"),
        ("xray: 3\n", "TG0102 1:7 expected a mapping, found a number in `xray`"),
        ("trivy: { url: [a] }\n", "TG0102 1:15 expected a string, found a list in `trivy.url`"),
        ("github: { repos: [{ version: 1.0 }] }\n", "TG0103 1:19 `github.repos[0]` lacks `repo`"),
        ("github: { repos: [{ repo: terraform }] }\n", "TG0105 1:27 `terraform` is no repository at GitHub"),
        ("github: { repos: [{ repo: ../x }] }\n", "TG0105 1:27 `../x` is no repository at GitHub"),
        (
            "github: { repos: [{ repo: a/b, useTag: maybe }] }\n",
            "TG0102 1:40 expected a boolean, found a string in `github.repos[0].useTag`",
        ),
        (
            "imageRegistries: { override: [{ images: [a] }] }\n",
            "TG0103 1:31 `imageRegistries.override[0]` lacks `registryName`, and `registry` too",
        ),
        (
            "imageRegistries: { override: [{ images: ['('], registryName: Quay }] }\n",
            "TG0105 1:42 `(` is no regular expression",
        ),
        (
            "imageRegistries: { overrideRegistries: [{ urls: [a.example], registryName: Kway }] }\n",
            "TG0104 1:76 unknown registry `Kway` in `imageRegistries.overrideRegistries[0].registryName`",
        ),
        (
            "imageRegistries: { overrideRegistries: [{ urls: [a.example], registry: { region: x } }] }\n",
            "TG0103 1:62 `imageRegistries.overrideRegistries[0].registry` lacks `url`",
        ),
        (
            "imageRegistries: { overrideRegistries: [{ urls: [a.example], registry: { url: 'http://x y' } }] }\n",
            "TG0105 1:79 `http://x y` is no address of a registry",
        ),
        (
            "imageRegistries: { overrideRegistries: [{ urls: ['https://a.example/b'], registryName: Gcr }] }\n",
            "TG0105 1:50 `https://a.example/b` is no registry of images",
        ),
        (
            "imageRegistries: { overrideImageNames: { a: [b] } }\n",
            "TG0102 1:45 expected a string, found a list in `imageRegistries.overrideImageNames.a`",
        ),
        (
            "helmRegistries: { override: [{ charts: [a] }] }\n",
            "TG0103 1:30 `helmRegistries.override[0]` lacks `registry.url`",
        ),
        (
            "helmRegistries: { override: [{ charts: [a], registry: { url: charts.example } }] }\n",
            "TG0105 1:62 `charts.example` is no address of a repository of charts",
        ),
        (
            "filterVulnerabilities: { identifiers: [a] }\n",
            "TG0102 1:40 expected a mapping, found a string in `filterVulnerabilities.identifiers[0]`",
        ),
        ("images: [a]\nimages: [b]\n", "TG0004 2:1 the key `images` stands twice"),
        ("images: [a]\nImages: [b]\n", "TG0004 2:1 the key `images` stands twice, in other letters"),
    ] {
        assert_eq!(wrong(text), [expected], "{text}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "app: { debug: often }\nimages: ['A B', a/b]\nnamespaces: 3.5\ngithub: []\n";
    assert_eq!(wrong(text).len(), 3, "{:?}", wrong(text));
    assert!(wrong("a: [\n")[0].starts_with("TG0003 "), "{:?}", wrong("a: [\n"));
    let latin = import("config.yaml", b"images: [\xe4]".to_vec(), &target()).unwrap_err();
    assert_eq!(latin.iter().next().unwrap().code, &codes::NOT_UTF8);
}

#[test]
fn unknown_keys_are_told_with_what_may_be_meant() {
    let text = "tools: []\nimageregistries:\n  quai: { default: true }\n  dockerhub: { allowallreleases: 'true' }\nxrey: { url: x }\nold: 1\nldapPassword: abc\n";
    let imported = fine(text);
    assert_snapshot!(left(&imported).join("\n"), @r"
    tools:1 k8s-platform-lcm does not know this key either; only its first releases read it; `github.repos` came in its place
    imageregistries.quai:3 k8s-platform-lcm does not know this key either; did you mean `quay`?
    xrey:5 k8s-platform-lcm does not know this key either; did you mean `xray`?
    old:6 k8s-platform-lcm does not know this key either; look whether it was meant for something else
    ldapPassword:7 credentials belong in no file of a repository; keep it where those who ask have it: `docker login`, the environment
    ");
    assert!(imported.sources.unwrap().contains("docker.io/**"));
}

#[test]
fn values_are_read_as_their_own_program_reads_them() {
    let text = "images: quay.io/a/b:1,redis:7.4\ngithub:\n  repos: { repo: a/b, version: 1.10 }\nfilterVulnerabilities:\n  identifiers: { name: a, identifiers: CVE-2024-1 }\nimageRegistries:\n  overrideRegistries:\n    registryName: quay\n    urls: r.example\n    allowAllReleases: 1\n";
    let imported = fine(text);
    let product = imported.product.unwrap();
    assert!(
        product.contains("- image: { repository: docker.io/library/redis, version: \"7.4\" }"),
        "{product}"
    );
    assert!(product.contains("- tool: { repository: github:a/b, version: \"1.10\" }"), "{product}");
    let sources = imported.sources.unwrap();
    assert!(sources.contains("- { at: r.example, of: quay.io }"), "{sources}");
    assert!(sources.contains("of: \"r.example/**\"") || sources.contains("of: r.example/**"), "{sources}");
}

#[test]
fn nothing_comes_of_nothing() {
    for text in ["", "---\n", "type: yml\n", "images:\n"] {
        let imported = fine(text);
        assert_eq!((imported.product, imported.sources), (None, None), "{text}");
        assert_eq!(imported.upstreams, Upstreams::default());
    }
}

#[test]
fn what_stands_twice_is_taken_once_and_the_first_counts() {
    let text = "images: [a/b:1, a/b:1, a/b:2]\ngithub:\n  repos: [{ repo: a/b, version: '1' }, { repo: a/b, version: '1' }]\nimageRegistries:\n  overrideRegistries:\n    - { urls: [r.example], registryName: Gcr }\n    - { urls: [r.example], registryName: Quay }\nhelmRegistries:\n  override:\n    - { registry: { url: 'https://c.example/index.yaml' }, charts: [x, x] }\n";
    let imported = fine(text);
    assert_eq!(
        imported.upstreams,
        Upstreams { tools: 1, charts: 1, images: 2, mirrors: 1, hosts: 0, policies: 0 }
    );
    assert!(imported.sources.unwrap().contains("{ at: r.example, of: gcr.io }"));
    assert_eq!(lost(text), Vec::<String>::new());
}

#[test]
fn a_name_wins_over_a_registry_and_the_first_rule_counts() {
    let text = "images: ['r.example/shop/web:1', 'r.example/shop/api:2']\nimageRegistries:\n  overrideImageNames: { shop/api: makers/api }\n  override:\n    - { images: ['shop/w.*'], registryName: Quay }\n  overrideRegistries:\n    - { urls: [r.example], registryName: DockerHub, allowAllReleases: true }\n";
    assert_snapshot!(fine(text).sources.unwrap(), @r#"
    # yaml-language-server: $schema=../.tidegate/schemas/Sources.json
    # Where newer versions come from, as k8s-platform-lcm was told.
    apiVersion: tidegate.dev/v1
    kind: Sources
    metadata:
      name: sources
    spec:
      # What is pulled there has its news where it comes from.
      mirrors:
        - { at: r.example, of: docker.io }
        - { at: r.example/shop/api, of: docker.io/makers/api }
        - { at: r.example/shop/web, of: quay.io/shop/web }
      # The first that fits counts.
      policies:
        - { of: "**/shop/w**", policy: {} }
        - { of: "r.example/**", policy: { prerelease: any, variant: ignore } }
    "#);
}

#[test]
fn many_names_take_no_time_without_end() {
    let many: Vec<String> = (0..6000).map(|number| format!("n{number}")).collect();
    let text = format!(
        "images: [{0}]\nimageRegistries: {{ override: [{{ images: [{0}], registryName: Quay }}] }}\n",
        many.join(", ")
    );
    let told = wrong(&text);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("too many images and names"), "{told:?}");
}
