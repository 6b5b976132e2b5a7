//! How an object is kept: a form that all objects share which are alike, in the whole fleet, and the few
//! words that are its own: moments and UIDs. Ten thousand clusters that run the same are then hardly more
//! than one.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};

use super::store::Key;

/// Begins a word in a form that stands for one of the object's own, or that itself begins so.
const MARK: char = '\u{1}';
const SECOND: &str = "\u{1}s";
const MICROSECOND: &str = "\u{1}m";
const UID: &str = "\u{1}u";
const LITERAL: &str = "\u{1}=";

/// How a map's key begins and ends that names an owner by its UID, as managed fields have it.
const OWNER: (&str, &str) = ("k:{\"uid\":\"", "\"}");

/// How many forms are kept before those that nobody has any more are looked for.
const MANY: usize = 4_096;

/// Forms and words that a fleet's clusters share, each kept once. Clones are the same pool.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    forms: HashMap<Box<str>, Arc<Form>>,
    words: HashSet<Arc<str>>,
}

/// What objects share that are alike.
#[derive(Debug)]
struct Form {
    /// The object with marks where its own words are.
    object: Value,
    /// What somebody reckoned from it.
    derived: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Pool {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object as it is kept.
    pub(super) fn keep(&self, mut object: Value) -> Kept {
        let mut own = Vec::new();
        take(&mut object, &mut own);
        let text = object.to_string();
        let mut known = self.known();
        let form = match known.forms.get(text.as_str()) {
            Some(form) => Arc::clone(form),
            None => {
                if known.forms.len() >= MANY && known.forms.len().is_power_of_two() {
                    known.forms.retain(|_, form| Arc::strong_count(form) > 1);
                }
                let form = Arc::new(Form { object, derived: OnceLock::new() });
                known.forms.insert(text.into(), Arc::clone(&form));
                form
            }
        };
        Kept { form, own: own.into() }
    }

    /// The same key, of words that are kept once.
    pub(super) fn key(&self, key: Key) -> Key {
        let mut known = self.known();
        let words = &mut known.words;
        let mut share = |word: Arc<str>| match words.get(&word) {
            Some(shared) => Arc::clone(shared),
            None => {
                if words.len() >= MANY && words.len().is_power_of_two() {
                    words.retain(|word| Arc::strong_count(word) > 1);
                }
                words.insert(Arc::clone(&word));
                word
            }
        };
        Key {
            group: share(key.group),
            resource: share(key.resource),
            namespace: share(key.namespace),
            name: share(key.name),
        }
    }
}

/// One object as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    form: Arc<Form>,
    /// Its own words in the order in which the form has them.
    own: Arc<[u8]>,
}

impl Kept {
    /// The object.
    pub fn object(&self) -> Value {
        fill(&self.form.object, &mut &*self.own)
    }

    /// What follows from the form; from the object of whoever asks first.
    pub fn derived<T: Send + Sync + 'static>(&self, from: fn(&Value) -> T) -> Arc<T> {
        let reckoned = self.form.derived.get_or_init(|| Arc::new(from(&self.object())));
        Arc::clone(reckoned).downcast().unwrap_or_else(|_| Arc::new(from(&self.object())))
    }

    /// Whether the object may speak of this UID; if not, it surely does not.
    pub fn may_name(&self, uid: &str) -> bool {
        uid_bytes(uid).is_none_or(|bytes| self.own.windows(bytes.len()).any(|window| window == bytes))
    }

    #[cfg(test)]
    pub fn has_form_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.form, &other.form)
    }
}

/// Takes an object's own words out of it.
fn take(value: &mut Value, own: &mut Vec<u8>) {
    match value {
        Value::String(word) => {
            if let Some(mark) = taken(word, own) {
                *word = mark;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take(item, own)),
        Value::Object(fields)
            if fields.keys().any(|key| owner_of(key).is_some() || key.starts_with(MARK)) =>
        {
            *fields = std::mem::take(fields)
                .into_iter()
                .enumerate()
                .map(|(at, (key, mut value))| {
                    let key = match owner_of(&key).and_then(uid_bytes) {
                        // The place makes the marks of several owners different.
                        Some(bytes) => {
                            own.extend(bytes);
                            format!("{UID}{at}")
                        }
                        None if key.starts_with(MARK) => format!("{LITERAL}{key}"),
                        None => key,
                    };
                    take(&mut value, own);
                    (key, value)
                })
                .collect();
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| take(value, own)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What stands in the form in place of a word, if not the word itself.
fn taken(word: &str, own: &mut Vec<u8>) -> Option<String> {
    if word.starts_with(MARK) {
        return Some(format!("{LITERAL}{word}"));
    }
    let mark = match word.len() {
        20 => {
            own.extend(moment(word.as_bytes())?);
            SECOND
        }
        27 => {
            let (second, rest) = word.as_bytes().split_at_checked(19)?;
            let (second, fraction) = (digits(second, b"    -  -  T  :  :  ")?, digits(rest, b".      Z")?);
            own.extend(six(second));
            own.extend(six(fraction));
            MICROSECOND
        }
        36 => {
            own.extend(uid_bytes(word)?);
            UID
        }
        _ => return None,
    };
    Some(mark.to_owned())
}

fn moment(word: &[u8]) -> Option<[u8; 6]> {
    digits(word, b"    -  -  T  :  :  Z").map(six)
}

/// The lower six bytes: enough for fourteen decimal digits.
fn six(number: u64) -> [u8; 6] {
    let mut bytes = [0; 6];
    bytes.copy_from_slice(&number.to_le_bytes()[..6]);
    bytes
}

/// The digits of a word as one number, if all of it but these is as in the pattern.
fn digits(word: &[u8], pattern: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (byte, wanted) in word.iter().zip(pattern) {
        match wanted {
            b' ' if byte.is_ascii_digit() => number = number * 10 + u64::from(byte - b'0'),
            wanted if byte == wanted => {}
            _ => return None,
        }
    }
    (word.len() == pattern.len()).then_some(number)
}

/// The UID that a key names an owner by.
fn owner_of(key: &str) -> Option<&str> {
    let uid = key.strip_prefix(OWNER.0)?.strip_suffix(OWNER.1)?;
    uid_bytes(uid).map(|_| uid)
}

/// A UID in its usual form (RFC 9562, lower case) as bytes.
fn uid_bytes(word: &str) -> Option<[u8; 16]> {
    let word = word.as_bytes();
    let dashed = word.len() == 36 && [8, 13, 18, 23].iter().all(|at| word.get(*at) == Some(&b'-'));
    if !dashed {
        return None;
    }
    let mut bytes = [0; 16];
    let mut halves = word.iter().filter(|byte| **byte != b'-').map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    for byte in &mut bytes {
        *byte = halves.next()?? << 4 | halves.next()??;
    }
    Some(bytes)
}

/// An object of a form and its own words.
fn fill(form: &Value, own: &mut &[u8]) -> Value {
    match form {
        Value::String(word) if word.starts_with(MARK) => Value::String(filled(word, own)),
        Value::Array(items) => items.iter().map(|item| fill(item, own)).collect(),
        Value::Object(fields) => {
            let mut object = Map::with_capacity(fields.len());
            for (key, value) in fields {
                let key = match key.strip_prefix(UID) {
                    Some(_) => format!("{}{}{}", OWNER.0, filled(UID, own), OWNER.1),
                    None => key.strip_prefix(LITERAL).unwrap_or(key).to_owned(),
                };
                object.insert(key, fill(value, own));
            }
            Value::Object(object)
        }
        other => other.clone(),
    }
}

/// The word that a mark stands for.
fn filled(mark: &str, own: &mut &[u8]) -> String {
    match mark {
        SECOND => format!("{}Z", second(next(own))),
        MICROSECOND => {
            let (moment, fraction) = (second(next(own)), number(next(own)));
            format!("{moment}.{fraction:06}Z")
        }
        UID => {
            let bytes = next::<16>(own);
            uuid::Uuid::from_bytes(bytes).hyphenated().to_string()
        }
        literal => literal.strip_prefix(LITERAL).unwrap_or(literal).to_owned(),
    }
}

/// The next of an object's own words; zeros where there is none, which does not happen.
fn next<const N: usize>(own: &mut &[u8]) -> [u8; N] {
    let Some((word, rest)) = own.split_first_chunk::<N>() else { return [0; N] };
    *own = rest;
    *word
}

fn number(bytes: [u8; 6]) -> u64 {
    let mut wide = [0; 8];
    wide[..6].copy_from_slice(&bytes);
    u64::from_le_bytes(wide)
}

fn second(bytes: [u8; 6]) -> String {
    let all = number(bytes);
    let (date, time) = (all / 1_000_000, all % 1_000_000);
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(uid: &str, owner: &str, at: &str) -> Value {
        let fields = Value::Object(Map::from_iter([
            (".".to_owned(), json!({})),
            (format!("k:{{\"uid\":\"{owner}\"}}"), json!({"f:at": at})),
            (format!("k:{{\"uid\":\"{uid}\"}}"), json!({})),
        ]));
        json!({
            "kind": "Pod",
            "metadata": {"uid": uid, "creationTimestamp": at, "ownerReferences": [{"uid": owner}],
                "managedFields": [{"time": at, "fieldsV1": {"f:ownerReferences": fields}}]},
            "spec": {"renewTime": "2026-03-02T08:00:01.000450Z", "n": 7, "none": null, "odd": "\u{1}s"},
        })
    }

    const ONE: &str = "0b7c9ae2-5a1f-4d3e-9f00-0123456789ab";
    const TWO: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";

    #[test]
    fn an_object_comes_back_as_it_was() {
        let pool = Pool::default();
        let odd = json!({
            "\u{1}u0": "\u{1}", "almost": "2026-03-02T08:00:0xZ", "upper": ONE.to_uppercase(),
            "long": "2026-03-02T08:00:00.12345Z", "year": "0001-01-01T00:00:00Z",
            "wide": "9999-12-31T23:59:59.999999Z", "other": "ééééééééééé\u{e9}ab", "ö": ["ü"],
        });
        for object in [pod(ONE, TWO, "2026-11-21T23:59:59Z"), odd, json!("2026-03-02T08:00:00Z"), json!(null)]
        {
            assert_eq!(pool.keep(object.clone()).object(), object);
        }
    }

    #[test]
    fn what_differs_in_moments_and_uids_only_has_one_form() {
        let pool = Pool::default();
        let one = pool.keep(pod(ONE, TWO, "2026-03-02T08:00:00Z"));
        let two = pool.keep(pod(TWO, ONE, "2027-01-01T00:00:09Z"));
        assert!(one.has_form_of(&two));
        assert!(!one.has_form_of(&pool.keep(json!({}))));
        assert!(one.may_name(ONE) && one.may_name(TWO) && one.may_name("not a uid"));
        assert!(!one.may_name("0b7c9ae2-5a1f-4d3e-9f00-0123456789ac"));
    }

    #[test]
    fn keys_are_of_shared_words() {
        let pool = Pool::default();
        let (one, two) =
            (pool.key(Key::new("apps", "deployments", "a", "x")), pool.key(Key::new("apps", "x", "a", "x")));
        assert!(Arc::ptr_eq(&one.group, &two.group) && Arc::ptr_eq(&two.resource, &one.name));
    }
}
