//! Tokens (distribution's token authentication specification): fetched where the registry says, for one
//! scope, shared by all who need the same, and again before they run out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;

use super::challenge::Bearer;
use super::credentials::{Account, Found};
use super::door::Visit;
use super::words;
use crate::adapter::web::{Ask, Lead, Pass, Place, Whence};
use crate::port::Secret;
use crate::port::upstream::{Silence, Unanswered};

/// How long a token lives that does not say so, and at least (the specification's words).
const LIFE: Duration = Duration::from_secs(60);

/// The longest that a token's word about its life is believed.
const LONGEST: u64 = 86_400;

/// A token younger than this that is refused is not old: it is not enough.
const YOUNG: Duration = Duration::from_secs(20);

/// Who asks, where, for what: realm, service, scope, owner.
type Key = (String, String, String, String);

/// The tokens of a run.
#[derive(Default)]
pub(super) struct Tokens {
    held: Mutex<BTreeMap<Key, Arc<Turn<Option<Held>>>>>,
}

/// A token, or why there is none.
struct Held {
    token: Result<Pass, Unanswered>,
    since: Instant,
    until: Instant,
}

#[derive(serde::Deserialize)]
struct Answered {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Number>,
}

impl Tokens {
    /// The token for a repository.
    pub async fn get(&self, visit: &Visit<'_>, bearer: &Bearer, found: &Found) -> Result<Pass, Unanswered> {
        let held = self.held(key(visit, bearer, found));
        let mut held = held.lock().await;
        let now = Instant::now();
        if let Some(known) = held.as_ref().filter(|known| known.until > now) {
            return known.token.clone();
        }
        let (token, life) = match fetch(visit, bearer, found).await {
            Ok((pass, life)) => (Ok(pass), life),
            Err(silence) => (Err(silence), LIFE),
        };
        *held = Some(Held { token: token.clone(), since: now, until: now + life.mul_f64(0.9) });
        token
    }

    /// A token was refused. Whether it may have run out before its time: then the next one is new.
    pub async fn was_old(&self, visit: &Visit<'_>, bearer: &Bearer, found: &Found) -> bool {
        let held = self.held(key(visit, bearer, found));
        let mut held = held.lock().await;
        let is_old = held.as_ref().is_none_or(|known| known.since.elapsed() > YOUNG);
        if is_old {
            *held = None;
        }
        is_old
    }

    fn held(&self, key: Key) -> Arc<Turn<Option<Held>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry(key).or_default())
    }
}

/// Whose token it is: nothing secret can be read in it.
fn owner(found: &Found) -> String {
    match &found.account {
        None => "nobody".to_owned(),
        Some(Account::Login(user, password)) => Pass::basic(user, password).owner().to_owned(),
        Some(Account::Identity(token) | Account::Token(token)) => Pass::bearer(token).owner().to_owned(),
    }
}

fn key(visit: &Visit<'_>, bearer: &Bearer, found: &Found) -> Key {
    let service = bearer.service.clone().unwrap_or_default();
    (bearer.realm.clone(), service, bearer.scope(&visit.repository.name), owner(found))
}

async fn fetch(visit: &Visit<'_>, bearer: &Bearer, found: &Found) -> Result<(Pass, Duration), Unanswered> {
    let registry = &visit.repository.registry;
    let invalid = |words: String| Unanswered::new(Silence::Invalid, words);
    let realm = Url::parse(&bearer.realm).map_err(|_| {
        invalid(format!(
            "{registry} sends for a token to `{}`, which is no address",
            super::plain(&bearer.realm)
        ))
    })?;
    let answer = visit.web.ask(question(visit, bearer, found, realm.clone())).await;
    let answer = answer.map_err(|silence| {
        Unanswered::new(silence.why, format!("a token for {}: {silence}", visit.repository))
    })?;
    if !answer.status.is_success() {
        let from = realm.host_str().unwrap_or_default();
        return Err(words::refused(&answer, &format!("{from} hands out no token for {}", visit.repository)));
    }
    let nonsense = || {
        invalid(format!(
            "{} answered, and not with a token for {}",
            realm.host_str().unwrap_or_default(),
            visit.repository
        ))
    };
    let read: Answered = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
    let token = read.token.into_iter().chain(read.access_token).find(|token| !token.is_empty());
    // What can stand in a header (RFC 6750, 2.1, and what registries send beyond it).
    let token = token.filter(|token| token.bytes().all(|b| b.is_ascii_graphic())).ok_or_else(nonsense)?;
    let life = read.expires_in.and_then(|seconds| seconds.as_f64()).unwrap_or(0.0);
    let life = Duration::from_secs((life.max(0.0) as u64).min(LONGEST)).max(LIFE);
    Ok((Pass::lent(&Secret::new(token), owner(found)), life))
}

/// The question for a token: with a refresh token as a form (OAuth 2), else with user and password or as
/// nobody.
fn question(visit: &Visit<'_>, bearer: &Bearer, found: &Found, mut realm: Url) -> Ask {
    let scope = bearer.scope(&visit.repository.name);
    let service = bearer.service.iter().map(|service| ("service", service.as_str()));
    let mut pairs: Vec<(&str, &str)> = service.chain([("scope", scope.as_str())]).collect();
    let home = Place::named(&visit.base).unwrap_or(Place::Public);
    let whence = Whence { url: visit.base.clone(), place: visit.web.place(&visit.base).unwrap_or(home) };
    let ask = match &found.account {
        Some(Account::Identity(token)) => {
            pairs.extend([("grant_type", "refresh_token"), ("client_id", "tidegate")]);
            pairs.push(("refresh_token", token.expose()));
            let mut form = visit.base.clone();
            form.query_pairs_mut().clear().extend_pairs(&pairs);
            let body = form.query().unwrap_or_default().to_owned();
            Ask::post(realm, "application/x-www-form-urlencoded", body).led(&whence, Lead::Realm)
        }
        account => {
            realm.query_pairs_mut().extend_pairs(&pairs);
            let pass = match account {
                Some(Account::Login(user, password)) => Some(Pass::basic(user, password)),
                _ => None,
            };
            Ask::get(realm).led(&whence, Lead::Realm).pass(pass)
        }
    };
    let ask = ask.hiding(found.account.iter().map(Account::secret));
    ask.accept("application/json").most(1024 * 1024)
}
