//! How things may be called: names of objects, labels, annotations, finalizers.

use super::status::causes::quoted;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/// What is wrong with a name, in the words of the real server; nothing if it is right.
pub(super) type Check = fn(&str) -> Vec<String>;

/// A DNS subdomain (RFC 1123): what most objects are called.
pub(super) fn subdomain(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, 253);
    if name.is_empty() || !name.split('.').all(is_label) {
        wrong.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{LABEL}(\\.{LABEL})*')"
        ));
    }
    wrong
}

/// A DNS label (RFC 1123): namespaces.
pub(super) fn label(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, 63);
    if !is_label(name) {
        wrong.push(format!(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')"
        ));
    }
    wrong
}

/// A segment of a path: roles and their bindings.
pub(super) fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    ['/', '%'].into_iter().filter(|c| name.contains(*c)).map(|c| format!("may not contain '{c}'")).collect()
}

fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !name.is_empty()
        && name.chars().all(|c| inner(c) || c == '-')
        && name.starts_with(inner)
        && name.ends_with(inner)
}

fn too_long(name: &str, limit: usize) -> Vec<String> {
    if name.len() > limit { vec![format!("must be no more than {limit} characters")] } else { Vec::new() }
}

/// The check of a resource's names.
pub(super) fn check_of(group: &str, plural: &str) -> Check {
    match (group, plural) {
        ("", "namespaces") => label,
        // Since 1.35; before, a digit could not come first.
        ("", "services") => label,
        ("rbac.authorization.k8s.io", _) => path_segment,
        ("", "events") => |_| Vec::new(),
        _ => subdomain,
    }
}

const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// A qualified name: keys of labels and annotations, finalizers.
pub(super) fn qualified(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts: Vec<&str> = name.split('/').collect();
    let own = match parts.as_slice() {
        [own] => *own,
        [prefix, own] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(subdomain(prefix).into_iter().map(|w| format!("prefix part {w}")));
            }
            *own
        }
        _ => {
            return vec![format!(
                "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if own.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if own.len() > 63 {
        wrong.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_value(own) || own.is_empty() {
        wrong.push(format!(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED}')"
        ));
    }
    wrong
}

/// A label's value.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push("must be no more than 63 characters".to_owned());
    }
    if !is_value(value) {
        wrong.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    wrong
}

fn is_value(text: &str) -> bool {
    let outer = |c: char| c.is_ascii_alphanumeric();
    text.is_empty()
        || (text.chars().all(|c| outer(c) || matches!(c, '-' | '_' | '.'))
            && text.starts_with(outer)
            && text.ends_with(outer))
}

/// What is wrong with a key of a ConfigMap or Secret.
pub(super) fn data_key(key: &str) -> Vec<String> {
    let mut wrong = too_long(key, 253);
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || !key.chars().all(right) {
        wrong.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    } else if key == "." {
        wrong.push("must not be '.'".to_owned());
    } else if key.starts_with("..") {
        wrong.push(format!(
            "must not {}",
            if key == ".." {
                "be '..'".to_owned()
            } else {
                format!("start with {}", quoted("..").replace('"', "'"))
            }
        ));
    }
    wrong
}
