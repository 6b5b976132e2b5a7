//! The door of a registry: what it wants to see is learned from its first answer and shown from then on
//! without being asked. Tokens are fetched once for all who need the same one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use reqwest::Url;
use tokio::sync::Mutex as Turn;

use super::challenge::{Bearer, Challenge};
use super::credentials::{Account, Credentials, Found};
use super::settings::Settings;
use super::token::Tokens;
use super::{ecr, words};
use crate::adapter::web::{Answer, Ask, Body, Pass, Web};
use crate::model::image::Repository;
use crate::port::upstream::{Silence, Unanswered};

/// How often a question is put, with what was learned from the last answer.
const KNOCKS: usize = 3;

/// What is known of a registry.
#[derive(Clone, Default)]
enum Habit {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It lets everybody in, or did so last.
    Open,
    /// It wants this.
    Wants(Challenge),
}

/// One registry's door.
#[derive(Default)]
struct Door {
    /// While nothing is known one asks, and the others wait for what it learns.
    first: Turn<()>,
    habit: Mutex<Habit>,
    /// The account that the registry's cloud handed out.
    lent: Turn<Option<Result<Account, Unanswered>>>,
}

/// All doors of a run.
#[derive(Default)]
pub(super) struct Doors {
    doors: Mutex<BTreeMap<String, Arc<Door>>>,
    tokens: Tokens,
}

/// A visit: who asks which registry about which repository.
pub(super) struct Visit<'a> {
    pub web: &'a Web,
    pub settings: &'a Settings,
    pub credentials: &'a Credentials,
    pub repository: &'a Repository,
    /// The address below which the registry is asked.
    pub base: Url,
}

/// An answer, and what was shown for it.
pub(super) struct Heard {
    pub answer: Answer,
    pub body: Body,
    pub found: Found,
}

impl Doors {
    /// Puts a question. An answer may still say 401: then nothing that there is to show opens the door.
    ///
    /// # Errors
    /// As asking has them, and those of fetching a token.
    pub async fn ask(&self, visit: &Visit<'_>, ask: Ask) -> Result<Heard, Unanswered> {
        let door = self.door(&visit.repository.registry);
        let found = visit.account(&door).await?;
        let is_first = matches!(*door.habit(), Habit::Unknown);
        let turn = if is_first { Some(door.first.lock().await) } else { None };
        let mut wanted = match &*door.habit() {
            Habit::Wants(challenge) => Some(challenge.clone()),
            Habit::Unknown | Habit::Open => None,
        };
        let mut turn = turn.filter(|_| matches!(*door.habit(), Habit::Unknown));
        for knock in 1..=KNOCKS {
            let pass = match &wanted {
                Some(challenge) => self.pass(visit, challenge, &found).await?,
                None => None,
            };
            // A registry that hands out its tokens itself knows the account, too.
            let ask = ask.clone().pass(pass).hiding(found.account.iter().map(Account::secret));
            let heard = visit.web.stream(ask).await;
            let (mut answer, mut body) = heard.inspect_err(|_| door.learn_open())?;
            if answer.status != StatusCode::UNAUTHORIZED || knock == KNOCKS {
                door.learn_open();
                return Ok(Heard { answer, body, found });
            }
            answer.body = body.all().await.unwrap_or_default();
            // Somebody else, whom the registry led to: nothing that is shown there is its business.
            if !visit.is_home(&answer.whence.url) {
                return Ok(Heard { answer, body, found });
            }
            let offers = Challenge::all(&answer.headers);
            let chosen = offers.into_iter().find(|offer| is_possible(offer, &found));
            let again = match (&chosen, &wanted) {
                (Some(Challenge::Bearer(bearer)), Some(Challenge::Bearer(before))) if bearer == before => {
                    // Shown and refused: an old one may have run out, a new one is simply not enough.
                    self.tokens.was_old(visit, bearer, &found).await
                }
                (Some(Challenge::Basic), Some(Challenge::Basic)) | (None, _) => false,
                (Some(_), _) => true,
            };
            match &chosen {
                Some(challenge) => door.learn(Habit::Wants(challenge.clone())),
                None => door.learn_open(),
            }
            turn.take();
            if !again {
                return Ok(Heard { answer, body, found });
            }
            wanted = chosen;
        }
        Err(Unanswered::new(Silence::Forbidden, format!("{} was not let in", visit.repository)))
    }

    async fn pass(
        &self,
        visit: &Visit<'_>,
        wanted: &Challenge,
        found: &Found,
    ) -> Result<Option<Pass>, Unanswered> {
        match (wanted, &found.account) {
            (Challenge::Basic, Some(Account::Login(user, password))) => Ok(Some(Pass::basic(user, password))),
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer(_), Some(Account::Token(token))) => Ok(Some(Pass::bearer(token))),
            (Challenge::Bearer(bearer), _) => self.tokens.get(visit, bearer, found).await.map(Some),
        }
    }

    fn door(&self, registry: &str) -> Arc<Door> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(doors.entry(registry.to_owned()).or_default())
    }
}

/// Whether there is anything to show for a challenge.
fn is_possible(challenge: &Challenge, found: &Found) -> bool {
    match challenge {
        Challenge::Bearer(Bearer { .. }) => true,
        Challenge::Basic => matches!(found.account, Some(Account::Login(..))),
    }
}

impl Door {
    fn habit(&self) -> std::sync::MutexGuard<'_, Habit> {
        self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing was learned but that the first one was here: nobody waits for one any more.
    fn learn_open(&self) {
        let mut habit = self.habit();
        if matches!(*habit, Habit::Unknown) {
            *habit = Habit::Open;
        }
    }

    fn learn(&self, habit: Habit) {
        *self.habit() = habit;
    }
}

impl Visit<'_> {
    /// Whether an address is the registry's own.
    pub fn is_home(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Who this program is here: as a person said, else as the registry's cloud lends it.
    async fn account(&self, door: &Door) -> Result<Found, Unanswered> {
        let found = self.credentials.find(self.repository).await;
        if found.account.is_some() {
            return Ok(found);
        }
        let Some((keys, region)) = self.credentials.keys(&self.repository.registry) else { return Ok(found) };
        let mut lent = door.lent.lock().await;
        if lent.is_none() {
            *lent = Some(Box::pin(self.lend(keys, &region)).await);
        }
        let account = lent.clone().transpose()?;
        Ok(Found { account, ..found })
    }

    async fn lend(&self, keys: &ecr::Keys, region: &ecr::Region) -> Result<Account, Unanswered> {
        let url = self.settings.base(&region.host, self.web)?;
        let ask = ecr::question(keys, region, url, jiff::Timestamp::now())?;
        let answer = self.web.ask(ask).await?;
        if !answer.status.is_success() {
            let why =
                format!("AWS hands out no password for {} in {}", self.repository.registry, region.name);
            return Err(words::refused(&answer, &why));
        }
        let wrong = || {
            let words = format!("{} answered, and not with a password for a registry", region.host);
            Unanswered::new(Silence::Invalid, words)
        };
        ecr::account(&answer.body).ok_or_else(wrong)
    }
}
