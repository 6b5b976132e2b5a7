//! The script: files of steps beside this one, each step a request as data.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The method and the path with its query, as in `GET /version`; `PAUSE 2` waits for so many seconds.
    /// `${name}` stands for what an earlier step kept.
    #[serde(rename = "do")]
    pub does: String,
    /// Headers; the content type is JSON unless one says otherwise.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The body: as it is.
    #[serde(default)]
    pub text: Option<String>,
    /// What is kept of the answer: name and pointer.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// Places of the answer that are not compared, each with the reason why.
    #[serde(default)]
    pub differs: BTreeMap<String, String>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.does)?;
        for (name, value) in &self.headers {
            write!(f, " {name}={value}")?;
        }
        match (&self.body, &self.text) {
            (Some(body), _) => write!(f, " {body}"),
            (_, Some(text)) => write!(f, " {text:?}"),
            _ => Ok(()),
        }
    }
}

/// Every file with its steps, in the order in which they are sent.
pub fn all() -> Vec<(&'static str, Vec<Step>)> {
    let files = [
        "discovery.yaml",
        "objects.yaml",
        "lists.yaml",
        "apply.yaml",
        "patches.yaml",
        "deletes.yaml",
        "workloads.yaml",
        "kinds.yaml",
        "custom.yaml",
        "refusals.yaml",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance");
    let read = |name: &'static str| {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let steps = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        (name, steps)
    };
    files.map(read).into()
}
