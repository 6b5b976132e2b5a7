//! What is shown to a host to be let in: the `Authorization` of a request or a header of its own, and whose it is, so that an answer
//! kept on the disk is never given to somebody else.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::digest;
use crate::port::Secret;

/// What is shown to be let in. It is never printed.
#[derive(Clone)]
pub struct Pass {
    name: HeaderName,
    header: Secret,
    /// What nobody else may see of it: also what the header holds in another writing.
    secrets: Vec<Secret>,
    owner: String,
}

impl Pass {
    /// User and password (RFC 7617).
    pub fn basic(user: &str, password: &Secret) -> Self {
        let pair = format!("{user}:{}", password.expose());
        let header = format!("Basic {}", STANDARD.encode(&pair));
        let owner = identity(&["basic", &pair]);
        let secrets = vec![Secret::new(pair), password.clone()];
        Self { name: AUTHORIZATION, header: Secret::new(header), secrets, owner }
    }

    /// A token (RFC 6750) that itself says who asks.
    pub fn bearer(token: &Secret) -> Self {
        Self::lent(token, identity(&["bearer", token.expose()]))
    }

    /// A token of short life, lent to the one whom `owner` stands for ([`Pass::owner`], or any text that
    /// tells people apart and no secret).
    pub fn lent(token: &Secret, owner: impl Into<String>) -> Self {
        let header = Secret::new(format!("Bearer {}", token.expose()));
        Self { name: AUTHORIZATION, header, secrets: vec![token.clone()], owner: owner.into() }
    }

    /// A secret in a header of its own.
    pub fn header(name: HeaderName, secret: &Secret) -> Self {
        let owner = identity(&[name.as_str(), secret.expose()]);
        // Some headers begin with a word for the kind of secret (`Token abc`).
        let bare = secret.expose().split_once(' ').map(|(_, bare)| Secret::new(bare));
        let secrets = bare.into_iter().chain([secret.clone()]).collect();
        Self { header: secret.clone(), secrets, owner, name }
    }

    /// The header that it is shown in.
    pub(super) fn name(&self) -> HeaderName {
        self.name.clone()
    }

    /// What nobody else may see of it.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        self.secrets.iter().cloned()
    }

    /// Whose it is: a digest, nothing of the secret can be read in it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The value of `Authorization`; every use of this name is a place to look at in a review.
    pub(super) fn expose(&self) -> &str {
        self.header.expose()
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass(***)")
    }
}

fn identity(parts: &[&str]) -> String {
    digest::bytes(parts.join("\0").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_shows_nothing_and_tells_people_apart() {
        let one = Pass::basic("me", &Secret::new("word"));
        let other = Pass::basic("me", &Secret::new("words"));
        assert_eq!(one.expose(), "Basic bWU6d29yZA==");
        assert_ne!(one.owner(), other.owner());
        assert_eq!(format!("{one:?}"), "Pass(***)");
        assert!(!one.owner().contains("word"));
    }
}
