//! Helper programs that keep credentials (`docker-credential-NAME`, docker's credential helper protocol):
//! how one is asked, and what its answer means.

use std::time::Duration;

use super::credentials::Account;
use crate::adapter::process::Call;
use crate::port::Secret;

/// How long a helper may take; some ask a cloud.
const DEADLINE: Duration = Duration::from_secs(20);

/// The most that a helper may print, in bytes.
const MOST: usize = 256 * 1024;

/// What a helper says if it has nothing.
const NOTHING: &str = "credentials not found";

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// What a helper has for a server; nothing if it has nothing.
pub(super) async fn ask(name: &str, server: &str) -> Result<Option<Account>, String> {
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(format!("`{}` is no name of a credential helper", super::plain(name)));
    }
    let program = format!("docker-credential-{name}");
    let call = Call::new(&program, DEADLINE).args(["get"]).stdin(server.as_bytes().to_vec()).most(MOST);
    let answer = call.run().await.map_err(|fault| fault.message)?;
    if !answer.ok() {
        // Helpers say it on either stream.
        let says = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(NOTHING);
        if says(&answer.stdout) || says(&answer.stderr) {
            return Ok(None);
        }
        return Err(format!("{program} failed for {server}"));
    }
    let read: Answered = serde_json::from_slice(&answer.stdout)
        .map_err(|_| format!("{program} answered for {server}, and not as a credential helper does"))?;
    Ok(match read {
        Answered { secret, .. } if secret.is_empty() => None,
        Answered { username, secret } if username == "<token>" => {
            Some(Account::Identity(Secret::new(secret)))
        }
        Answered { username, secret } => Some(Account::Login(username, Secret::new(secret))),
    })
}
