//! The texts of the files: `pipelines/sources.yaml` and a product's.

use std::fmt::Write as _;

use super::types::{Found, Target};

/// What `allowAllReleases` is here: prereleases count, and so do words behind a version.
const WHOLE: &str = "{ prerelease: any, variant: ignore }";

/// The text of `pipelines/sources.yaml`; none if there is nothing to say.
pub(super) fn sources(found: &Found) -> Option<String> {
    if found.mirrors.is_empty() && found.hosts.is_empty() && found.policies.is_empty() {
        return None;
    }
    let mut text = "# yaml-language-server: $schema=../.tidegate/schemas/Sources.json\n\
                    # Where newer versions come from, as k8s-platform-lcm was told.\n\
                    apiVersion: tidegate.dev/v1\nkind: Sources\nmetadata:\n  name: sources\nspec:\n"
        .to_owned();
    if !found.mirrors.is_empty() {
        text.push_str("  # What is pulled there has its news where it comes from.\n  mirrors:\n");
        for (at, of) in &found.mirrors {
            let _ = writeln!(text, "    - {{ at: {}, of: {} }}", scalar(at), scalar(of));
        }
    }
    if !found.hosts.is_empty() {
        text.push_str("  hosts:\n");
        for (host, endpoint) in &found.hosts {
            let _ = writeln!(text, "    - {{ host: {}, endpoint: {} }}", scalar(host), scalar(endpoint));
        }
    }
    if !found.policies.is_empty() {
        text.push_str("  # The first that fits counts.\n  policies:\n");
        for (of, whole) in &found.policies {
            let policy = if *whole { WHOLE } else { "{}" };
            let _ = writeln!(text, "    - {{ of: {}, policy: {policy} }}", scalar(of));
        }
    }
    Some(text)
}

/// The text of the product's file; none if nothing of it has versions.
pub(super) fn product(found: &Found, target: &Target) -> Option<String> {
    if found.tools.is_empty() && found.charts.is_empty() && found.images.is_empty() {
        return None;
    }
    let mut text = format!(
        "# yaml-language-server: $schema=../../.tidegate/schemas/Product.json\n\
         # What k8s-platform-lcm watched. It brings nothing to a cluster; move each entry to the product that\n\
         # installs the thing, once there is one.\n\
         apiVersion: tidegate.dev/v1\nkind: Product\nmetadata:\n  name: {}\nspec:\n  version: 1.0.0\n  \
         owner: {}\n  upstream:\n",
        scalar(target.product.as_str()),
        scalar(&target.owner)
    );
    let version = |version: &Option<String>| {
        version.as_ref().map(|version| format!(", version: {}", scalar(version))).unwrap_or_default()
    };
    for (repo, used) in &found.tools {
        let repository = scalar(&format!("github:{repo}"));
        let _ = writeln!(text, "    - tool: {{ repository: {repository}{} }}", version(used));
    }
    for (repository, name, whole) in &found.charts {
        let policy = if *whole { format!(", policy: {WHOLE}") } else { String::new() };
        let (repository, name) = (scalar(repository), scalar(name));
        let _ = writeln!(text, "    - chart: {{ repository: {repository}, name: {name}{policy} }}");
    }
    for (repository, tag) in &found.images {
        let _ = writeln!(text, "    - image: {{ repository: {}{} }}", scalar(repository), version(tag));
    }
    Some(text)
}

/// A text as a YAML scalar in a flow mapping: bare where nothing else can be read in it, else in JSON's quotes,
/// which are YAML's, too.
fn scalar(text: &str) -> String {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let word = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    // `host:5000/a` and `https://a` are no keys: a colon without a space behind it is text.
    let bare = word && text.bytes().all(|b| inner(b) || b == b':') && !text.ends_with(':');
    let switch = matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if bare && !switch { text.to_owned() } else { serde_json::Value::String(text.to_owned()).to_string() }
}
