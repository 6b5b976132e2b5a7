//! Secrets in files: the form of a reference to one, and the rule by which a literal one is found.
//! It decides what counts as a secret by its key alone and never looks at how a text reads.
//! Resolving a reference is left to a port.

use crate::diag::{Finding, Findings, Place, codes};
use crate::yaml::{Mapping, Node, Value};

/// The only key of a mapping that refers to a secret.
pub const REFERENCE: &str = "secretRef";

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// An environment variable of the driver.
    Env(String),
    /// A file; a trailing newline is dropped. Relative paths count from the repository's root.
    File(String),
    /// A command's standard output; a trailing newline is dropped.
    Exec(Vec<String>),
}

impl SecretRef {
    /// The reference that a value is, if it has the key `secretRef`; `None` for every other value.
    ///
    /// # Errors
    /// When the value has the key and is not exactly `{secretRef: {env: NAME}}`,
    /// `{secretRef: {file: PATH}}` or `{secretRef: {exec: [PROGRAM, ARGUMENT...]}}`.
    pub fn of(node: &Node) -> Option<Result<SecretRef, Box<Finding>>> {
        let mapping = node.as_mapping()?;
        let inner = mapping.get(REFERENCE)?;
        Some(Self::read(mapping, inner))
    }

    fn read(mapping: &Mapping, inner: &Node) -> Result<SecretRef, Box<Finding>> {
        if let Some((extra, _)) = mapping.iter().find(|(key, _)| key.text != REFERENCE) {
            return Err(boxed(
                &extra.place,
                format!(
                    "a reference to a secret has the one key `{REFERENCE}`, and here `{}` too",
                    extra.text
                ),
            ));
        }
        let entry = inner.as_mapping().filter(|m| m.len() == 1).and_then(|m| m.iter().next());
        let Some((key, value)) = entry else {
            return Err(boxed(
                &inner.place,
                format!("a `{REFERENCE}` names one of `env`, `file` or `exec`, found {}", inner.value.kind()),
            ));
        };
        match key.text.as_str() {
            "env" => text(value, "the name of an environment variable").map(Self::Env),
            "file" => text(value, "a path").map(Self::File),
            "exec" => {
                let words = value.as_sequence().unwrap_or_default();
                if words.is_empty() {
                    return Err(boxed(&value.place, "`exec` is a list: a program and its arguments".into()));
                }
                words
                    .iter()
                    .map(|word| text(word, "a word of the command"))
                    .collect::<Result<_, _>>()
                    .map(Self::Exec)
            }
            other => Err(Box::new(
                malformed(&key.place, format!("`{other}` is no source of secrets"))
                    .did_you_mean(other, ["env", "file", "exec"])
                    .hint("the sources are `env`, `file` and `exec`"),
            )),
        }
    }
}

fn text(node: &Node, what: &str) -> Result<String, Box<Finding>> {
    match node.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(boxed(&node.place, format!("expected {what}, found {}", found(node)))),
    }
}

fn found(node: &Node) -> &'static str {
    if node.as_str().is_some() { "an empty text" } else { node.value.kind() }
}

fn boxed(place: &Place, message: String) -> Box<Finding> {
    Box::new(malformed(place, message))
}

fn malformed(place: &Place, message: String) -> Finding {
    Finding::error(&codes::BAD_SECRET_REF, message).at(place)
}

/// Every reference in a tree of values, with its path (RFC 6901) and place; malformed ones are
/// findings.
pub fn references(node: &Node) -> (Vec<(String, SecretRef, Place)>, Findings) {
    let mut found = Vec::new();
    let mut findings = Findings::new();
    walk(node, &mut String::new(), &mut |path, node| match SecretRef::of(node) {
        Some(Ok(reference)) => {
            found.push((path.to_owned(), reference, node.place.clone()));
            false
        }
        Some(Err(finding)) => {
            findings.push(*finding);
            false
        }
        None => true,
    });
    (found, findings)
}

/// Calls `visit` for a node and what is in it; it says whether to go on below.
fn walk(node: &Node, path: &mut String, visit: &mut impl FnMut(&str, &Node) -> bool) {
    if !visit(path, node) {
        return;
    }
    let length = path.len();
    match &node.value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping.iter() {
                path.push('/');
                path.push_str(&key.text.replace('~', "~0").replace('/', "~1"));
                walk(value, path, visit);
                path.truncate(length);
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push('/');
                path.push_str(&index.to_string());
                walk(item, path, visit);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Words whose value is a secret when they end a key, alone.
const NOUNS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "credentials",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "authkey",
];

/// Pairs of words whose value is a secret when they end a key.
const PAIRS: &[(&str, &str)] = &[
    ("api", "key"),
    ("secret", "key"),
    ("private", "key"),
    ("access", "key"),
    ("auth", "key"),
    ("encryption", "key"),
    ("signing", "key"),
    ("license", "key"),
    ("account", "key"),
    ("connection", "string"),
];

/// Words before `secret` that make it the name of a Secret, not its content.
const NAMES_A_SECRET: &[&str] = &["existing", "pull", "tls", "image", "cert", "certificate", "ca"];

/// Endings that make a key a secret when its words are written together (`dbpassword`).
const GLUED: &[&str] =
    &["password", "passwd", "passphrase", "apikey", "secretkey", "privatekey", "clientsecret", "token"];

/// Whether the value under a key is a secret: by the last words of the key, in camel case, with
/// dashes, underscores, dots or none. `dbPassword`, `API_KEY` and `client-secret` are;
/// `passwordFile`, `tokenTTL`, `secretName` and `existingSecret` only say something about one.
pub fn is_secret_key(key: &str) -> bool {
    let words = words(key);
    let Some(last) = words.last().map(String::as_str) else { return false };
    let before = words.len().checked_sub(2).and_then(|at| words.get(at)).map(String::as_str);
    if last == "secret" && before.is_some_and(|word| NAMES_A_SECRET.contains(&word)) {
        return false;
    }
    NOUNS.contains(&last)
        || before.is_some_and(|before| PAIRS.contains(&(before, last)))
        || GLUED.iter().any(|ending| last.ends_with(ending))
}

/// The words of a key in lower case: `dbAPIKey_2` has `db`, `api`, `key`, and a number at the end
/// does not count.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = key.chars().collect();
    for (at, c) in letters.iter().copied().enumerate() {
        let before = at.checked_sub(1).and_then(|n| letters.get(n)).copied();
        let after = letters.get(at + 1).copied();
        let starts = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase)));
        if (starts || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    while let Some(last) = words.last_mut() {
        let bare = last.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        last.truncate(bare);
        if !last.is_empty() {
            break;
        }
        words.pop();
    }
    words
}

/// Literal secrets in values: each is an error whose excerpt shows the key and `***`.
///
/// A text (also in a list), or a number under a password's key, that is not empty. Malformed
/// references are findings, too.
pub fn in_values(values: &Node) -> Findings {
    let (_, mut findings) = references(values);
    let mut hidden = Vec::new();
    walk(values, &mut String::new(), &mut |_, node| {
        if node.get(REFERENCE).is_some() {
            return false;
        }
        for (key, value) in node.as_mapping().into_iter().flat_map(Mapping::iter) {
            if is_secret_key(&key.text) {
                report(&key.text, value, &mut findings, &mut hidden);
            }
        }
        true
    });
    findings.mask(&hidden);
    findings
}

fn report(key: &str, value: &Node, findings: &mut Findings, hidden: &mut Vec<Place>) {
    match &value.value {
        Value::String(text) if !text.trim().is_empty() => {
            findings.push(literal(key, &value.place));
            hidden.push(value.place.clone());
        }
        Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) if says_password(key) => {
            findings.push(literal(key, &value.place));
            hidden.push(value.place.clone());
        }
        Value::Sequence(items) => {
            for item in items {
                report(key, item, findings, hidden);
            }
        }
        _ => {}
    }
}

/// Numbers are fine under `maxToken`, and never under `password`.
fn says_password(key: &str) -> bool {
    words(key).last().is_some_and(|last| last.starts_with("pass") || last.ends_with("password"))
}

fn literal(key: &str, place: &Place) -> Finding {
    Finding::error(&codes::LITERAL_SECRET, format!("`{key}` holds a literal secret"))
        .at(&place.masked())
        .label("a secret does not stand in a file")
        .hint(format!("refer to it: {key}: {{secretRef: {{env: NAME}}}}"))
        .hint("a secret that was committed is known to everyone with the repository: replace it")
}

/// Literal secrets in one Kubernetes object: data of a Secret, and environment variables of
/// containers named like a secret.
///
/// `from_template` says of a value's place whether a template wrote it; such a value is not
/// literal.
pub fn in_manifest(object: &Node, from_template: &dyn Fn(&Place) -> bool) -> Findings {
    let mut findings = Findings::new();
    let mut hidden = Vec::new();
    let is_secret = object.get("kind").and_then(Node::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Node::as_str) == Some("v1");
    if is_secret {
        for field in ["data", "stringData"] {
            let data = object.get(field).and_then(Node::as_mapping);
            for (key, value) in data.into_iter().flat_map(Mapping::iter) {
                let empty = match &value.value {
                    Value::String(text) => text.trim().is_empty(),
                    Value::Null => true,
                    _ => false,
                };
                if !empty && !from_template(&value.place) {
                    findings.push(literal(&key.text, &value.place));
                    hidden.push(value.place.clone());
                }
            }
        }
    }
    walk(object, &mut String::new(), &mut |_, node| {
        let variables = node.get("env").and_then(Node::as_sequence).unwrap_or_default();
        for variable in variables {
            let name = variable.get("name").and_then(Node::as_str).unwrap_or_default();
            let Some(value) = variable.get("value") else { continue };
            let text = value.as_str().unwrap_or_default();
            // `$(OTHER)` is another variable of the container (Kubernetes, "Dependent Environment
            // Variables").
            let dependent = text.starts_with("$(") && text.ends_with(')');
            if is_secret_key(name) && !text.trim().is_empty() && !dependent && !from_template(&value.place) {
                findings.push(literal(name, &value.place));
                hidden.push(value.place.clone());
            }
        }
        true
    });
    findings.mask(&hidden);
    findings
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
