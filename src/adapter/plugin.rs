//! Credential plugins of kubeconfig files (`exec`): run once, without a terminal, under a deadline.
//! The protocol is client.authentication.k8s.io/v1 and v1beta1 (Kubernetes, "client-go credential
//! plugins").

use std::sync::Arc;
use std::time::Duration;

use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};

use super::process::Call;
use crate::port::Fault;

/// How long a plugin may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a plugin answered. It has no Debug.
#[derive(Clone)]
pub(super) struct Credentials {
    token: Option<Arc<str>>,
    certificate: Option<(Arc<str>, Arc<str>)>,
    /// When they end, if they do.
    pub expires: Option<jiff::Timestamp>,
}

impl Credentials {
    /// Puts them where kube looks.
    pub fn put_into(&self, auth: &mut AuthInfo) {
        if let Some(token) = &self.token {
            auth.token = Some(token.to_string().into());
        }
        if let Some((certificate, key)) = &self.certificate {
            use base64::Engine as _;
            let encode = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
            auth.client_certificate_data = Some(encode(certificate));
            auth.client_key_data = Some(encode(key).into());
        }
    }
}

/// The answer's part that counts.
#[derive(serde::Deserialize)]
struct Answer {
    status: Option<Status>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs a plugin.
///
/// # Errors
/// Permanent when it is missing, wants a terminal, or answers nonsense; transient when it fails or
/// takes too long (it may have needed the network). Never with any of its output but the error
/// stream's words.
pub(super) async fn run(exec: &ExecConfig) -> Result<Credentials, Fault> {
    let Some(command) = exec.command.as_deref().filter(|command| !command.is_empty()) else {
        return Err(Fault::permanent("the credential plugin of the kubeconfig file has no command"));
    };
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(Fault::permanent(format!(
            "the credential plugin `{command}` always wants a terminal (interactiveMode: Always)"
        )));
    }
    let mut spec = serde_json::json!({"interactive": false});
    if exec.provide_cluster_info
        && let Some(cluster) = &exec.cluster
    {
        spec["cluster"] = serde_json::to_value(cluster)
            .map_err(|_| Fault::permanent(format!("the plugin `{command}` can't be told of its cluster")))?;
    }
    let asked = serde_json::json!({
        "apiVersion": exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": spec,
    });
    let mut call = Call::new(command, DEADLINE)
        .args(exec.args.iter().flatten())
        .without(exec.drop_env.iter().flatten().map(Into::into))
        .env("KUBERNETES_EXEC_INFO", asked.to_string())
        .most(1024 * 1024);
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            call = call.env(name, value);
        }
    }
    let answer = call.run().await.map_err(|fault| {
        let hint = exec.install_hint.as_deref().map(|hint| format!(" ({})", hint.trim())).unwrap_or_default();
        Fault::new(fault.class, format!("the credential plugin `{command}`: {}{hint}", fault.message))
    })?;
    if !answer.ok() {
        return Err(Fault::transient(format!(
            "the credential plugin `{command}` failed: {}",
            answer.words()
        )));
    }
    parse(&answer.stdout)
        .ok_or_else(|| Fault::permanent(format!("the credential plugin `{command}` printed no credentials")))
}

/// client-go takes YAML too.
fn parse(text: &[u8]) -> Option<Credentials> {
    let answer: Answer = match serde_json::from_slice(text) {
        Ok(answer) => answer,
        Err(_) => serde_saphyr::from_slice(text).ok()?,
    };
    let status = answer.status?;
    let certificate = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
        _ => None,
    };
    let token: Option<Arc<str>> = status.token.filter(|token| !token.is_empty()).map(Into::into);
    if token.is_none() && certificate.is_none() {
        return None;
    }
    let expires = match status.expiration_timestamp {
        Some(text) => Some(text.parse().ok()?),
        None => None,
    };
    Some(Credentials { token, certificate, expires })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_and_yaml_answers_are_read() {
        let json = br#"{"kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}}"#;
        let credentials = parse(json).unwrap();
        assert_eq!(credentials.token.as_deref(), Some("t"));
        assert_eq!(credentials.expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
        assert!(parse(b"status:\n  token: t\n").unwrap().expires.is_none());
    }

    #[test]
    fn an_answer_without_credentials_is_none() {
        for text in [
            "",
            "{}",
            "{\"status\":{}}",
            "{\"status\":{\"token\":\"\"}}",
            "[1",
            "{\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}",
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
