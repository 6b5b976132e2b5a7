//! How an object is kept: a form that all objects share which are alike, in the whole fleet, and the few
//! words that are its own: moments, UIDs, the names of pods and Jobs, what a Secret holds. Ten thousand
//! clusters that run the same are then hardly more than one.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::store::Key;

/// Begins a word in a form that stands for one of the object's own, or that itself begins so.
const MARK: u8 = 1;
const SECOND: &str = "\u{1}s";
const MICROSECOND: &str = "\u{1}m";
const UID: &str = "\u{1}u";
const NAME: &str = "\u{1}n";
const STEM: &str = "\u{1}g";
const TEXT: &str = "\u{1}t";
const BYTES: &str = "\u{1}b";
const ADDRESS: &str = "\u{1}a";

/// A text of so many bytes or more is kept in the form: it is hardly one cluster's own.
const LONG: usize = 4_096;
const LITERAL: &str = "\u{1}=";

/// How a map's key begins and ends that names an owner by its UID, as managed fields have it.
const OWNER: (&str, &str) = ("k:{\"uid\":\"", "\"}");

/// How many forms, keys or words are kept at least before those that nobody has any more are looked for.
const MANY: usize = 4_096;

/// Forms, keys and words that a fleet's clusters share, each kept once. Clones are the same pool.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    forms: HashMap<Box<str>, Arc<Form>>,
    many: Many,
    keys: Shared<Key>,
    words: Shared<str>,
}

/// How many things there are when those that nobody has any more are looked for.
#[derive(Debug)]
struct Many(usize);

impl Default for Many {
    fn default() -> Self {
        Self(MANY)
    }
}

impl Many {
    /// So many are left: as many more may come before they are looked through again.
    fn left(&mut self, left: usize) {
        self.0 = MANY.max(left * 2);
    }
}

/// Things of which equal ones are kept once.
#[derive(Debug)]
struct Shared<T: ?Sized> {
    known: HashSet<Arc<T>>,
    many: Many,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self { known: HashSet::new(), many: Many::default() }
    }
}

impl<T: Eq + Hash + ?Sized> Shared<T> {
    /// The one that is kept of all that are equal to this one: itself, if there is none yet.
    fn one(&mut self, new: Arc<T>) -> Arc<T> {
        if let Some(known) = self.known.get(&new) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.many.0 {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.many.left(self.known.len());
        }
        self.known.insert(Arc::clone(&new));
        new
    }
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
        let mut own = Own::of(&object);
        own.take_all(&mut object);
        let text = object.to_string();
        let Known { forms, many, .. } = &mut *self.known();
        let form = match forms.get(text.as_str()) {
            Some(form) => Arc::clone(form),
            None => {
                if forms.len() >= many.0 {
                    forms.retain(|_, form| Arc::strong_count(form) > 1);
                    many.left(forms.len());
                }
                let form = Arc::new(Form { object, derived: OnceLock::new() });
                forms.insert(text.into(), Arc::clone(&form));
                form
            }
        };
        Kept { form, own: own.words.into() }
    }

    /// The same key, kept once, of words that are kept once.
    pub(super) fn key(&self, key: Key) -> Arc<Key> {
        let Known { keys, words, .. } = &mut *self.known();
        if let Some(shared) = keys.known.get(&key) {
            return Arc::clone(shared);
        }
        keys.one(Arc::new(Key {
            group: words.one(key.group),
            resource: words.one(key.resource),
            namespace: words.one(key.namespace),
            name: words.one(key.name),
        }))
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
        Filling::begin(&self.own).fill(&self.form.object)
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

/// An object's own words, as they are taken out of it: first its name and the name that it has from its
/// owner, if these are its own, then all else in the order in which the form has it.
struct Own {
    name: String,
    stem: String,
    /// Whether it is a Secret's.
    secret: bool,
    words: Vec<u8>,
}

impl Own {
    /// Of an object. Pods and Jobs have names that nobody else has: what is called like them is their own.
    fn of(object: &Value) -> Self {
        let named = matches!(object["kind"].as_str(), Some("Pod" | "Job"));
        let word = |field: &str| {
            let word = object["metadata"][field].as_str().filter(|_| named).unwrap_or_default();
            // One byte says how long it is.
            if word.len() < 256 && !is_marked(word) { word.to_owned() } else { String::new() }
        };
        let (name, stem) = (word("name"), word("generateName").trim_end_matches('-').to_owned());
        let mut words = Vec::new();
        for word in [&name, &stem] {
            words.push(u8::try_from(word.len()).unwrap_or_default());
            words.extend(word.as_bytes());
        }
        Self { name, stem, secret: object["kind"] == "Secret", words }
    }

    /// All of an object. What Secrets and ConfigMaps hold, and what is noted at pods and Jobs, is their own
    /// whatever it says.
    fn take_all(&mut self, object: &mut Value) {
        let texts: Option<&[&str]> = match object["kind"].as_str() {
            Some("Secret" | "ConfigMap") => Some(&["data"]),
            Some("Pod" | "Job") => Some(&["metadata", "annotations"]),
            _ => None,
        };
        self.take(object, texts);
    }

    /// All that is in a value; of the map at this path the texts as they are.
    fn take(&mut self, value: &mut Value, texts: Option<&[&str]>) {
        match value {
            Value::String(word) => {
                if let Some(mark) = self.taken(word) {
                    *word = mark;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.take(item, None)),
            Value::Object(fields) if fields.keys().any(|key| owner_of(key).is_some() || is_marked(key)) => {
                let all = std::mem::take(fields).into_iter().enumerate();
                *fields = all
                    .map(|(at, (key, mut value))| {
                        let mark = self.taken_key(at, &key);
                        self.take_field(&key, &mut value, texts);
                        (mark.unwrap_or(key), value)
                    })
                    .collect();
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.take_field(key, value, texts);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn take_field(&mut self, key: &str, value: &mut Value, texts: Option<&[&str]>) {
        match (texts, value) {
            (Some([]), Value::String(text)) if text.len() < LONG => self.take_text(text),
            (Some([next, rest @ ..]), value) if key == *next => self.take(value, Some(rest)),
            (_, value) => self.take(value, None),
        }
    }

    /// A text, whatever it says.
    fn take_text(&mut self, text: &mut String) {
        // What Secrets hold is written in base64 (RFC 4648), which says the same in a third more.
        let bytes = if self.secret { STANDARD.decode(&*text).ok() } else { None };
        let (word, mark) = match &bytes {
            Some(bytes) => (bytes.as_slice(), BYTES),
            None => (text.as_bytes(), TEXT),
        };
        self.words.extend(u16::try_from(word.len()).unwrap_or_default().to_le_bytes());
        self.words.extend(word);
        *text = mark.to_owned();
    }

    /// What stands in the form in place of a map's key, if not the key itself.
    fn taken_key(&mut self, at: usize, key: &str) -> Option<String> {
        match owner_of(key) {
            // The place makes the marks of several owners different.
            Some(bytes) => {
                self.words.extend(bytes);
                Some(format!("{UID}{at}"))
            }
            None => is_marked(key).then(|| format!("{LITERAL}{key}")),
        }
    }

    /// What stands in the form in place of a word, if not the word itself.
    fn taken(&mut self, word: &str) -> Option<String> {
        if is_marked(word) {
            return Some(format!("{LITERAL}{word}"));
        }
        if !self.name.is_empty() && word == self.name {
            return Some(NAME.to_owned());
        }
        if !self.stem.is_empty()
            && let Some(rest) = word.strip_prefix(&self.stem)
            && matches!(rest, "" | "-")
        {
            return Some(format!("{STEM}{rest}"));
        }
        let own = &mut self.words;
        if let Some(address) = address(word) {
            own.extend(address);
            return Some(ADDRESS.to_owned());
        }
        let mark = match word.len() {
            20 => {
                own.extend(moment(word.as_bytes())?);
                SECOND
            }
            27 => {
                let (second, rest) = word.as_bytes().split_at_checked(19)?;
                let (second, fraction) =
                    (digits(second, b"    -  -  T  :  :  ")?, digits(rest, b".      Z")?);
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
}

/// Whether a word of a form stands for another one. Asked of every word of every object.
fn is_marked(word: &str) -> bool {
    word.as_bytes().first() == Some(&MARK)
}

/// An IPv4 address as it is usually written.
fn address(word: &str) -> Option<[u8; 4]> {
    let begins = word.len() <= 15 && word.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let address: std::net::Ipv4Addr = if begins { word.parse().ok()? } else { return None };
    // Without leading zeros there is one way to write it: the parser takes no other.
    Some(address.octets())
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
fn owner_of(key: &str) -> Option<[u8; 16]> {
    uid_bytes(key.strip_prefix(OWNER.0)?.strip_suffix(OWNER.1)?)
}

/// A UID in its usual form (RFC 9562, lower case) as bytes.
fn uid_bytes(word: &str) -> Option<[u8; 16]> {
    let uid = uuid::Uuid::try_parse(word).ok()?;
    let usual = uid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == word;
    usual.then(|| uid.into_bytes())
}

/// An object's own words, as they are put where the form has marks.
struct Filling<'o> {
    name: &'o str,
    stem: &'o str,
    rest: &'o [u8],
}

impl<'o> Filling<'o> {
    fn begin(own: &'o [u8]) -> Self {
        let mut filling = Self { name: "", stem: "", rest: own };
        let [name] = filling.next();
        filling.name = filling.text(name.into());
        let [stem] = filling.next();
        filling.stem = filling.text(stem.into());
        filling
    }

    /// An object of a form.
    fn fill(&mut self, form: &Value) -> Value {
        match form {
            Value::String(word) if is_marked(word) => Value::String(self.filled(word)),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => {
                let mut object = Map::with_capacity(fields.len());
                for (key, value) in fields {
                    let key = match key.strip_prefix(LITERAL) {
                        _ if !is_marked(key) => key.clone(),
                        Some(key) => key.to_owned(),
                        None => [OWNER.0, &self.filled(UID), OWNER.1].concat(),
                    };
                    object.insert(key, self.fill(value));
                }
                Value::Object(object)
            }
            other => other.clone(),
        }
    }

    /// The word that a mark stands for.
    fn filled(&mut self, mark: &str) -> String {
        match mark {
            SECOND => {
                let mut word = second(self.next());
                word.push('Z');
                word
            }
            MICROSECOND => {
                let mut word = second(self.next());
                word.push('.');
                push(&mut word, number(self.next()), 6);
                word.push('Z');
                word
            }
            UID => {
                let uid = uuid::Uuid::from_bytes(self.next());
                uid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
            }
            TEXT | BYTES => {
                let length = u16::from_le_bytes(self.next()).into();
                if mark == TEXT { self.text(length).to_owned() } else { STANDARD.encode(self.bytes(length)) }
            }
            ADDRESS => std::net::Ipv4Addr::from(self.next::<4>()).to_string(),
            NAME => self.name.to_owned(),
            word => match word.strip_prefix(STEM) {
                Some(rest) => [self.stem, rest].concat(),
                None => word.strip_prefix(LITERAL).unwrap_or(word).to_owned(),
            },
        }
    }

    /// The next bytes; zeros where there are none, which does not happen.
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((word, rest)) = self.rest.split_first_chunk::<N>() else { return [0; N] };
        self.rest = rest;
        *word
    }

    /// The next bytes, so many.
    fn bytes(&mut self, length: usize) -> &'o [u8] {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else { return &[] };
        self.rest = rest;
        bytes
    }

    /// The next text of so many bytes.
    fn text(&mut self, length: usize) -> &'o str {
        std::str::from_utf8(self.bytes(length)).unwrap_or_default()
    }
}

fn number(bytes: [u8; 6]) -> u64 {
    let mut wide = [0; 8];
    wide[..6].copy_from_slice(&bytes);
    u64::from_le_bytes(wide)
}

fn second(bytes: [u8; 6]) -> String {
    let all = number(bytes);
    let mut word = String::with_capacity(27);
    push(&mut word, all / 10_000_000_000, 4);
    for (part, before) in [(8, '-'), (6, '-'), (4, 'T'), (2, ':'), (0, ':')] {
        word.push(before);
        push(&mut word, all / 10_u64.pow(part) % 100, 2);
    }
    word
}

/// The last digits of a number, so many.
fn push(word: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = u32::try_from(number / 10_u64.pow(place) % 10).unwrap_or_default();
        word.extend(char::from_digit(digit, 10));
    }
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
            "addresses": ["10.0.0.1", "255.255.255.255", "010.0.0.1", "10.0.0", "1.2.3.4.5", "256.1.1.1"],
        });
        let secret = json!({"kind": "Secret", "metadata": {"uid": ONE}, "\u{1}u": "\u{1}n", "data": {
            "a": "\u{1}u", "b": "", "c": "é", "d": 1, "e": "x".repeat(LONG),
            "base64": "eHl6", "padded": "eA==", "not canonical": "eB==", "not padded": "eA",
            "\u{1}u": "eA==", "\u{1}=": "x", "k:{\"uid\":\"0b7c9ae2-5a1f-4d3e-9f00-0123456789ab\"}": "eHl6",
        }});
        let map = json!({"kind": "ConfigMap", "data": {"\u{1}x": "y", "z": {"\u{1}u0": [TWO]}}, "end": TWO});
        let noted = json!({"kind": "Job", "\u{1}t": 1, "metadata": {"\u{1}u1": TWO,
            "annotations": {"\u{1}b": ONE, "n": "1"}}, "end": ONE});
        let named = json!({"kind": "Pod", "metadata": {"name": "job-x-1", "generateName": "job-x-"},
            "spec": {"job": "job-x", "own": ["job-x-1", "job-x-2", "job-"], "uid": TWO}});
        let marked =
            json!({"kind": "Job", "metadata": {"name": "\u{1}n", "generateName": "-"}, "x": ["", "-"]});
        for object in [
            pod(ONE, TWO, "2026-11-21T23:59:59Z"),
            odd,
            json!("2026-03-02T08:00:00Z"),
            json!(null),
            secret,
            map,
            noted,
            named,
            marked,
        ] {
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
    fn pods_have_one_form_whatever_they_are_called_and_secrets_whatever_they_hold() {
        let pool = Pool::default();
        let pod = |name: &str, stem: &str| json!({"kind": "Pod", "metadata": {"name": name, "generateName": stem}, "of": stem});
        assert!(pool.keep(pod("a-1", "a-")).has_form_of(&pool.keep(pod("b-77", "b-"))));
        let secret = |held: &str| json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": held}});
        assert!(pool.keep(secret("eA==")).has_form_of(&pool.keep(secret("eHl6"))));
        let map = |held: &str| json!({"kind": "ConfigMap", "data": {"k": held}});
        assert!(pool.keep(map("a: 1")).has_form_of(&pool.keep(map("a: 2"))));
        let long = "long".repeat(LONG);
        let (short, long) = (pool.keep(map("short")), pool.keep(map(&long)));
        assert!(!short.has_form_of(&long));
        let noted = |note: &str| json!({"kind": "Job", "metadata": {"annotations": {"run": note}}});
        assert!(pool.keep(noted("a/1")).has_form_of(&pool.keep(noted("b/2"))));
    }

    #[test]
    fn keys_and_their_words_are_shared() {
        let pool = Pool::default();
        let key = || pool.key(Key::new("apps", "deployments", "a", "x"));
        assert!(Arc::ptr_eq(&key(), &key()));
        let (one, two) = (key(), pool.key(Key::new("apps", "x", "a", "x")));
        assert!(Arc::ptr_eq(&one.group, &two.group) && Arc::ptr_eq(&two.resource, &one.name));
    }

    #[test]
    fn what_nobody_has_any_more_is_let_go_of() {
        let pool = Pool::default();
        let kept = pool.key(Key::new("", "pods", "a", "kept"));
        for n in 0..3 * MANY {
            pool.key(Key::new("", "pods", "a", &n.to_string()));
            pool.keep(json!(n.to_string()));
        }
        let known = pool.known();
        assert!(known.keys.known.len() <= MANY && known.forms.len() <= MANY);
        assert!(known.words.known.len() <= 2 * MANY, "{}", known.words.known.len());
        drop(known);
        assert!(Arc::ptr_eq(&kept, &pool.key(Key::new("", "pods", "a", "kept"))));
    }
}
