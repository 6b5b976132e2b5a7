//! Keys without a counterpart: what they did, and what to do instead.

use super::reader::{At, Reader};

/// The keys of a registry.
pub(super) const REGISTRY: [&str; 8] =
    ["name", "url", "authType", "username", "password", "region", "default", "allowAllReleases"];

/// Keys of a registry that say how to get in.
pub(super) fn registry_key(reader: &mut Reader, key: &str, at: &At<'_>, host: Option<&str>) {
    let host = host.unwrap_or("HOST");
    match key {
        "username" | "password" => {
            reader.credentials(at, format!("run `docker login {host}` where the report is made"))
        }
        "authType" => {
            reader.word(at);
            reader.drop(at, "the registry says itself how it wants to be asked");
        }
        "region" => {
            reader.word(at);
            reader.drop(at, "the name of an ECR registry says its region");
        }
        "default" => {
            reader.is_on(at);
            reader.drop(at, "of a registry of one's own, it never counted");
        }
        _ => {
            reader.word(at);
            reader.drop(at, "it names nothing that is asked");
        }
    }
}

/// `app`.
pub(super) fn app(reader: &mut Reader, at: &At<'_>) {
    let known = [
        "startServer",
        "exportMetrics",
        "jsonLoggingEnabled",
        "logFile",
        "verbose",
        "debug",
        "locally",
        "configFile",
        "vulnerabilities",
    ];
    for (key, at) in reader.entries(at, &known) {
        if matches!(key, "logFile" | "configFile") {
            reader.word(&at);
        } else {
            reader.is_on(&at);
        }
        let (because, instead) = match key {
            "startServer" => {
                ("nothing has to run all the time", "`tidegate lcm report -o html > report.html`")
            }
            "exportMetrics" => (
                "metrics are written to a file, for a textfile collector or a push gateway",
                "`tidegate lcm report -o prometheus --metric-names k8s-platform-lcm`",
            ),
            "jsonLoggingEnabled" => ("there is no log to be read", "`tidegate lcm report -o json`"),
            "logFile" => ("what is told goes to standard error", "`tidegate lcm report 2> FILE`"),
            "verbose" | "debug" => (
                "every source that is silent is told with its reason, without being asked",
                "`tidegate lcm report`",
            ),
            "vulnerabilities" => ("it never counted in a config", "take it out"),
            _ => ("it was a flag and never counted in a config", "take it out"),
        };
        reader.leave(&at, because, instead);
    }
}

/// `kubernetesFetchEnabled`.
pub(super) fn fetch(reader: &mut Reader, at: &At<'_>) {
    let is_on = reader.is_on(at);
    let because = "what runs is known from the clusters of the Fleet file, not from the one it runs in";
    let instead = match is_on {
        true => "name your clusters in `pipelines/fleet.yaml`",
        false => "without `pipelines/fleet.yaml` no cluster is asked",
    };
    reader.leave(at, because, instead);
}

/// `namespaces`.
pub(super) fn namespaces(reader: &mut Reader, at: &At<'_>) {
    if reader.words(at).is_empty() {
        return;
    }
    reader.leave(
        at,
        "what belongs to the platform is what its products install, in whatever namespace",
        "`tidegate lcm report --product PRODUCT` shows less",
    );
}

/// `github.credentials`.
pub(super) fn github_credentials(reader: &mut Reader, at: &At<'_>) {
    for (key, at) in reader.entries(at, &["username", "password", "token"]) {
        let instead = match key {
            "token" => "set the variable GITHUB_TOKEN where the report is made",
            _ => "GitHub takes no passwords any more: set GITHUB_TOKEN where the report is made",
        };
        reader.credentials(&at, instead);
    }
}

/// `xray`.
pub(super) fn xray(reader: &mut Reader, at: &At<'_>) {
    for (key, at) in reader.entries(at, &["url", "username", "password", "prefixes"]) {
        match key {
            "url" => scanner(reader, &at, "JFrog Xray"),
            "prefixes" => prefixes(reader, &at),
            _ => reader.credentials(&at, "keep them where the scanner is asked: in its environment"),
        }
    }
}

/// `trivy`.
pub(super) fn trivy(reader: &mut Reader, at: &At<'_>) {
    for (_, at) in reader.entries(at, &["url"]) {
        scanner(reader, &at, "Trivy");
    }
}

fn scanner(reader: &mut Reader, at: &At<'_>, name: &str) {
    if reader.word(at).is_some() {
        reader.leave(
            at,
            format!("{name} is not asked by what these files say"),
            "keep the address: it is said where vulnerabilities are asked for",
        );
    }
}

fn prefixes(reader: &mut Reader, at: &At<'_>) {
    for item in reader.items(at) {
        for (key, at) in reader.entries(&item, &["prefix", "images"]) {
            match key {
                "prefix" => drop(reader.word(&at)),
                _ => drop(reader.words(&at)),
            }
            reader.leave(
                &at,
                "where Xray keeps an image is not in these files",
                "keep it with the address of Xray",
            );
        }
    }
}

/// `filterVulnerabilities`.
pub(super) fn filter(reader: &mut Reader, at: &At<'_>) {
    for (key, at) in reader.entries(at, &["severities", "identifiers"]) {
        match key {
            "severities" => {
                reader.words(&at);
                reader.leave(
                    &at,
                    "vulnerabilities are accepted by name, not all of a severity",
                    "accept those that you live with, in `pipelines/acceptances/`",
                );
            }
            _ => {
                for item in reader.items(&at) {
                    identifiers(reader, &item);
                }
            }
        }
    }
}

fn identifiers(reader: &mut Reader, at: &At<'_>) {
    for (key, at) in reader.entries(at, &["name", "identifiers"]) {
        let instead = match key {
            "name" => {
                reader.word(&at);
                "name the repositories under `images` of `pipelines/acceptances/ID.yaml`"
            }
            _ => {
                reader.words(&at);
                "write `pipelines/acceptances/ID.yaml` with these, an owner, a reason and a last day"
            }
        };
        reader.leave(&at, "who accepts it, why and until when is not said here", instead);
    }
}
