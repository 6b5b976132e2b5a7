//! What a registry wants to see before it answers: the challenges of `WWW-Authenticate` (RFC 9110, 11.6.1).
//! It decides which of several is taken and which scope is asked for; never a wider one than for reading
//! this repository.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// What a registry wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token.
    Bearer(Bearer),
}

/// Where a token is fetched, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The address that hands out tokens.
    pub realm: String,
    /// Which service the token is for.
    pub service: Option<String>,
    /// What one may do with it: `pull`, and where listing is another right, that.
    pub actions: String,
}

/// The rights that reading needs.
const READING: [&str; 2] = ["pull", "metadata_read"];

impl Challenge {
    /// The challenges of an answer: a token before a password. What can't be read is skipped.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        let mut found = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
            let read = http_auth::ChallengeParser::new(value).map_while(Result::ok);
            found.extend(read.filter_map(|challenge| Self::read(&challenge)));
        }
        found.sort_by_key(|challenge| matches!(challenge, Self::Basic));
        found
    }

    fn read(challenge: &http_auth::ChallengeRef<'_>) -> Option<Self> {
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !challenge.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let param = |name: &str| {
            let found = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let actions = param("scope").map_or_else(|| READING[0].to_owned(), |scope| actions(&scope));
        Some(Self::Bearer(Bearer { realm: param("realm")?, service: param("service"), actions }))
    }
}

/// The rights to read among those of a scope (`repository:NAME:pull,push`).
fn actions(scope: &str) -> String {
    let wanted: Vec<&str> = scope
        .split_whitespace()
        .filter_map(|part| part.strip_prefix("repository:")?.rsplit_once(':'))
        .flat_map(|(_, actions)| actions.split(','))
        .collect();
    let reading: Vec<&str> = READING.into_iter().filter(|action| wanted.contains(action)).collect();
    if reading.is_empty() { READING[0].to_owned() } else { reading.join(",") }
}

impl Bearer {
    /// The scope for a repository.
    pub fn scope(&self, name: &str) -> String {
        format!("repository:{name}:{}", self.actions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: &[&'static str]) -> Vec<Challenge> {
        let pairs = values.iter().map(|text| (WWW_AUTHENTICATE, http::HeaderValue::from_static(text)));
        Challenge::all(&pairs.collect())
    }

    fn bearer(realm: &str, service: Option<&str>, actions: &str) -> Challenge {
        let service = service.map(str::to_owned);
        Challenge::Bearer(Bearer { realm: realm.to_owned(), service, actions: actions.to_owned() })
    }

    #[test]
    fn a_token_comes_before_a_password_wherever_it_stands() {
        let hub = r#"bEaReR rEaLm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#;
        let wanted = bearer("https://auth.docker.io/token", Some("registry.docker.io"), "pull");
        assert_eq!(all(&[hub]), std::slice::from_ref(&wanted));
        assert_eq!(all(&[r#"Basic realm="x""#, hub]), [wanted.clone(), Challenge::Basic]);
        let one = r#"Basic realm="a, b", Digest nonce="x", Bearer realm="https://auth.docker.io/token", service="registry.docker.io""#;
        assert_eq!(all(&[one]), [wanted, Challenge::Basic], "with a comma in quotes");
    }

    #[test]
    fn no_more_is_asked_for_than_reading() {
        let of = |scope: &str| actions(scope);
        assert_eq!(of("repository:a/b:pull,push,delete"), "pull");
        assert_eq!(of("repository:a/b:metadata_read"), "metadata_read");
        assert_eq!(of("repository:a:5000/b:pull"), "pull");
        assert_eq!(of("registry:catalog:*"), "pull");
        assert_eq!(of("aws"), "pull");
        let Challenge::Bearer(bearer) = bearer("x", None, "pull") else { unreachable!() };
        assert_eq!(bearer.scope("a/b"), "repository:a/b:pull");
    }

    #[test]
    fn what_is_no_challenge_is_none() {
        assert_eq!(all(&["Bearer"]), []);
        assert_eq!(all(&["", "Negotiate", "\"", "Bearer realm=\"unfinished"]), []);
    }
}
