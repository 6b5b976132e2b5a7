//! What an API server's audit log says: who asked for what, when, and what came
//! of it. Levels, stages and what is left out stand in `POLICY`.

use std::path::Path;

use serde::Deserialize;

/// Metadata of everything that tests may ask about. Left out: reads of the
/// control plane's own parts, their heartbeats, and probes.
pub const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "bed:kwok"]
  verbs: [get, list, watch]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
  verbs: [get, list, watch]
- level: None
  users: ["system:apiserver", "bed:kwok"]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: None
  nonResourceURLs: ["/readyz*", "/livez*", "/healthz*"]
# A request that was received but never answered (the server died) must show
# for writes; for reads the end is enough.
- level: Metadata
  verbs: [get, list, watch]
  omitStages: [RequestReceived]
- level: Metadata
"#;

/// One event; a write has one per stage (`RequestReceived`, then
/// `ResponseComplete`), told together by `audit_id`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditEvent {
    #[serde(rename = "auditID")]
    pub audit_id: String,
    /// `RequestReceived`, `ResponseStarted` (watches), `ResponseComplete`, `Panic`.
    pub stage: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ...
    pub verb: String,
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    pub user_agent: String,
    pub user: AuditUser,
    /// `None` for requests outside the resources, such as `/version`.
    pub object_ref: Option<AuditObject>,
    /// `None` before the answer.
    pub response_status: Option<AuditStatus>,
    /// When the request came in.
    pub request_received_timestamp: jiff::Timestamp,
    /// When this stage was reached.
    pub stage_timestamp: jiff::Timestamp,
}

impl Default for AuditEvent {
    fn default() -> Self {
        Self {
            audit_id: String::new(),
            stage: String::new(),
            verb: String::new(),
            request_uri: String::new(),
            user_agent: String::new(),
            user: AuditUser::default(),
            object_ref: None,
            response_status: None,
            request_received_timestamp: jiff::Timestamp::UNIX_EPOCH,
            stage_timestamp: jiff::Timestamp::UNIX_EPOCH,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditUser {
    pub username: String,
    pub groups: Vec<String>,
}

/// What the request was about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditObject {
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub api_group: String,
    pub api_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditStatus {
    pub code: u16,
    pub reason: String,
}

impl AuditEvent {
    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// The answer's status code, 0 before there is one.
    pub fn code(&self) -> u16 {
        self.response_status.as_ref().map_or(0, |s| s.code)
    }
}

/// Reads the whole log. A last line that is being written is left out.
pub fn read(path: &Path) -> Vec<AuditEvent> {
    let text = std::fs::read(path).unwrap_or_default();
    text.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}
