//! Amazon's registries: a private one wants a password that its own interface hands out
//! (`GetAuthorizationToken`, docs.aws.amazon.com/AmazonECR/latest/APIReference) for a request signed with
//! Signature Version 4. The public one, `public.ecr.aws`, is like any other registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use reqwest::Url;

use super::credentials::Account;
use crate::adapter::web::Ask;
use crate::digest;
use crate::port::Secret;
use crate::port::upstream::{Silence, Unanswered};

const ACTION: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
const KIND: &str = "application/x-amz-json-1.1";

/// The keys of an AWS user or role.
#[derive(Clone)]
pub(super) struct Keys {
    id: String,
    secret: Secret,
    session: Option<Secret>,
}

/// Where a private registry is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Region {
    /// `eu-west-1`.
    pub name: String,
    /// The host that hands out passwords.
    pub host: String,
}

impl Keys {
    /// Those that the environment holds, as AWS's own programs read it.
    pub fn read(env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        Some(Self {
            id: set("AWS_ACCESS_KEY_ID")?,
            secret: Secret::new(set("AWS_SECRET_ACCESS_KEY")?),
            session: set("AWS_SESSION_TOKEN").map(Secret::new),
        })
    }
}

impl Region {
    /// Of `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, also of China's and of FIPS hosts.
    pub fn of(registry: &str) -> Option<Self> {
        let (account, rest) = registry.split_once(".dkr.ecr")?;
        let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let (fips, rest) = match rest.strip_prefix("-fips.") {
            Some(rest) => ("-fips", rest),
            None => ("", rest.strip_prefix('.')?),
        };
        let (name, domain) = rest.split_once('.')?;
        let known = matches!(domain, "amazonaws.com" | "amazonaws.com.cn");
        let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (digits && known && fits && !name.is_empty()).then(|| {
            let api = if fips.is_empty() { "api.ecr" } else { "ecr-fips" };
            Self { name: name.to_owned(), host: format!("{api}.{name}.{domain}") }
        })
    }
}

/// The signed question for a password.
pub(super) fn question(
    keys: &Keys,
    region: &Region,
    url: Url,
    now: jiff::Timestamp,
) -> Result<Ask, Unanswered> {
    let moment = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let invalid = |_| Unanswered::new(Silence::Invalid, "the AWS keys can't stand in a header");
    let mut headers = vec![
        ("content-type", KIND.to_owned()),
        ("host", url.authority().to_owned()),
        ("x-amz-date", moment.clone()),
    ];
    if let Some(session) = &keys.session {
        headers.push(("x-amz-security-token", session.expose().to_owned()));
    }
    headers.push(("x-amz-target", ACTION.to_owned()));
    let signed = sign(keys, &region.name, &moment, url.path(), &headers, b"{}");
    let mut ask = Ask::post(url, KIND, &b"{}"[..]).most(1024 * 1024);
    headers.push(("authorization", signed));
    for (name, value) in headers.into_iter().filter(|(name, _)| !matches!(*name, "host" | "content-type")) {
        let mut value = HeaderValue::try_from(value).map_err(invalid)?;
        value.set_sensitive(true);
        ask = ask.header(HeaderName::from_static(name), value);
    }
    Ok(ask)
}

/// Signature Version 4 of a POST without a query; `headers` are sorted.
fn sign(
    keys: &Keys,
    region: &str,
    moment: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let request = format!("POST\n{path}\n\n{lines}\n{names}\n{}", digest::bytes(body).hex());
    let day = moment.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/ecr/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", digest::bytes(request.as_bytes()).hex());
    let first = digest::hmac(format!("AWS4{}", keys.secret.expose()).as_bytes(), day.as_bytes());
    let key = [region, "ecr", "aws4_request"]
        .iter()
        .fold(first, |key, part| digest::hmac(key.as_bytes(), part.as_bytes()));
    let signature = digest::hmac(key.as_bytes(), text.as_bytes()).hex();
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", keys.id)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    authorization_data: Vec<Data>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    authorization_token: String,
}

/// The account that an answer hands out.
pub(super) fn account(body: &[u8]) -> Option<Account> {
    let read: Answered = serde_json::from_slice(body).ok()?;
    let token = read.authorization_data.into_iter().next()?.authorization_token;
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Account::Login(user.to_owned(), Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_registries_are_known_by_their_hosts() {
        let host = |text: &str| Region::of(text).map(|region| region.host);
        assert_eq!(
            host("123456789012.dkr.ecr.eu-west-1.amazonaws.com").as_deref(),
            Some("api.ecr.eu-west-1.amazonaws.com")
        );
        assert_eq!(
            host("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn").as_deref(),
            Some("api.ecr.cn-north-1.amazonaws.com.cn")
        );
        assert_eq!(
            host("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com").as_deref(),
            Some("ecr-fips.us-east-1.amazonaws.com")
        );
        for other in
            ["public.ecr.aws", "1.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.evil.com"]
        {
            assert_eq!(host(other), None, "{other}");
        }
    }

    /// The value was computed with Python's hmac and hashlib, following the steps of AWS's guide.
    #[test]
    fn a_question_is_signed_as_amazon_wants_it() {
        let keys = Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session: None,
        };
        let headers = [
            ("content-type", KIND.to_owned()),
            ("host", "api.ecr.us-east-1.amazonaws.com".to_owned()),
            ("x-amz-date", "20150830T123600Z".to_owned()),
            ("x-amz-target", ACTION.to_owned()),
        ];
        let signed = sign(&keys, "us-east-1", "20150830T123600Z", "/", &headers, b"{}");
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ecr/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="), "{signed}");
        assert!(
            signed.ends_with("527a2155e9afc2426cb4c659023df9c031e8103458f349819615ff25111f5de0"),
            "{signed}"
        );
    }

    #[test]
    fn the_answer_holds_user_and_password() {
        let body = format!(
            r#"{{"authorizationData":[{{"authorizationToken":"{}","expiresAt":1.7e9,"proxyEndpoint":"x"}}]}}"#,
            STANDARD.encode("AWS:word:x")
        );
        let Some(Account::Login(user, password)) = account(body.as_bytes()) else { panic!("an account") };
        assert_eq!((user.as_str(), password.expose()), ("AWS", "word:x"));
        assert!(account(b"{}").is_none() && account(b"<html>").is_none());
    }
}
