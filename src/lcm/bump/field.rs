//! Fields that somebody declared: ways into objects that end at an image or a version, where no name says so.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A way such as `Prometheus:spec.thanos.image` or `spec.args[]`, for objects of one kind or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    kind: Option<String>,
    steps: Vec<Step>,
}

/// One step of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Items,
}

impl FromStr for Field {
    type Err = String;

    /// `KIND:a.b[].c`: the value of `a`, of `b` in it, of `c` in each of its items.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no field; expected KIND:KEY.KEY[].KEY, such as Shop:spec.image");
        let (kind, way) = match text.split_once(':') {
            Some((kind, way)) => (Some(kind.to_owned()), way),
            None => (None, text),
        };
        if kind.as_ref().is_some_and(|kind| !kind.chars().all(|c| c.is_ascii_alphanumeric())) {
            return Err(wrong());
        }
        let mut steps = Vec::new();
        for part in way.trim_start_matches('.').split('.') {
            let name = part.trim_end_matches("[]");
            if name.is_empty() || name.contains(['[', ']']) {
                return Err(wrong());
            }
            steps.push(Step::Key(name.to_owned()));
            steps.extend((0..(part.len() - name.len()) / 2).map(|_| Step::Items));
        }
        Ok(Self { kind: kind.filter(|kind| !kind.is_empty()), steps })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = &self.kind {
            write!(f, "{kind}:")?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if number == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Items => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

impl Field {
    /// What it leads to in an object, whatever its kind is.
    pub fn values<'v>(&self, object: &'v Value) -> Vec<&'v Value> {
        self.steps.iter().fold(vec![object], |found, step| match step {
            Step::Key(key) => found.into_iter().filter_map(|value| value.get(key)).collect(),
            Step::Items => found.into_iter().filter_map(Value::as_array).flatten().collect(),
        })
    }
}

/// Fields while a document is walked through: how far each has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Open<'f>(Vec<&'f [Step]>);

impl<'f> Open<'f> {
    /// The fields of a kind of objects.
    pub fn of(fields: &'f [Field], kind: Option<&str>) -> Self {
        let fits = |field: &&Field| field.kind.as_deref().is_none_or(|wanted| Some(wanted) == kind);
        Self(fields.iter().filter(fits).map(|field| field.steps.as_slice()).collect())
    }

    /// Those that go on with a key.
    pub fn key(&self, key: &str) -> Self {
        self.go(|step| matches!(step, Step::Key(name) if name == key))
    }

    /// Those that go on with the items of a list.
    pub fn items(&self) -> Self {
        self.go(|step| *step == Step::Items)
    }

    /// Whether one of them ends here.
    pub fn ends(&self) -> bool {
        self.0.iter().any(|steps| steps.is_empty())
    }

    fn go(&self, with: impl Fn(&Step) -> bool) -> Self {
        let on =
            |steps: &&'f [Step]| steps.split_first().filter(|(first, _)| with(first)).map(|(_, rest)| rest);
        Self(self.0.iter().filter_map(on).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_field_is_followed_through_keys_and_items() {
        let fields = ["Shop:spec.parts[].image".parse().unwrap(), ".a".parse().unwrap()];
        let shop = Open::of(&fields, Some("Shop"));
        assert!(shop.key("spec").key("parts").items().key("image").ends());
        assert!(!shop.key("spec").key("parts").key("image").ends());
        assert!(shop.key("a").ends());
        assert!(!Open::of(&fields, Some("Pod")).key("spec").key("parts").items().key("image").ends());
    }

    #[test]
    fn what_is_no_way_is_no_field() {
        for wrong in ["", "a..b", "a[0]", "Ki nd:a", "[]"] {
            assert!(wrong.parse::<Field>().is_err(), "{wrong}");
        }
    }
}
