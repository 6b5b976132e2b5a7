//! What a scalar's text means in each dialect.
//!
//! Our own files follow the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2). Kubernetes
//! manifests are read as kubectl reads them: sigs.k8s.io/yaml, that is go-yaml v2's resolution and
//! then JSON, where `1e3` and `1.0` become whole numbers. Structure and places are left to `build`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Value;

/// How scalars are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// YAML 1.2 core schema: our own files.
    Core,
    /// YAML 1.1 as kubectl reads it: manifests.
    Kubernetes,
}

/// What a tag asks of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    /// `!`, or `!!str`: text, whatever it looks like.
    Text,
    /// `!!int` and others of the YAML namespace, by their short name.
    Named(&'a str),
    /// `!anything`, as written.
    Custom(&'a str),
}

/// The value of a scalar; `plain` is false when it is quoted or a block.
///
/// # Errors
/// A sentence when the tag and the text contradict each other, or JSON has no such value.
pub(super) fn resolve(
    dialect: Dialect,
    text: &str,
    plain: bool,
    tag: Option<Tag<'_>>,
) -> Result<Value, String> {
    let by_text = || match dialect {
        Dialect::Core => core(text),
        Dialect::Kubernetes => kubernetes(text),
    };
    let value = match tag {
        None if plain => by_text(),
        None | Some(Tag::Text) => Value::String(text.to_owned()),
        Some(Tag::Custom(tag)) => match dialect {
            Dialect::Core => return Err(format!("the tag `{tag}` has no meaning here")),
            // go-yaml v2 passes the text on.
            Dialect::Kubernetes => Value::String(text.to_owned()),
        },
        Some(Tag::Named("binary")) => {
            let packed: String = text.split_whitespace().collect();
            let bytes = STANDARD.decode(packed).map_err(|_| "`!!binary` is not base64".to_owned())?;
            let text = String::from_utf8(bytes).map_err(|_| "`!!binary` is not text".to_owned())?;
            Value::String(text)
        }
        Some(Tag::Named(name)) => tagged(name, by_text(), text)?,
    };
    match value {
        Value::Float(float) if dialect == Dialect::Kubernetes => finite(float),
        value => Ok(value),
    }
}

fn tagged(name: &str, value: Value, text: &str) -> Result<Value, String> {
    match (name, value) {
        ("int", value @ (Value::Integer(_) | Value::Unsigned(_)))
        | ("float", value @ Value::Float(_))
        | ("bool", value @ Value::Bool(_))
        | ("null", value @ Value::Null) => Ok(value),
        ("float", Value::Integer(value)) => Ok(Value::Float(value as f64)),
        ("float", Value::Unsigned(value)) => Ok(Value::Float(value as f64)),
        ("timestamp", _) => Ok(Value::String(text.to_owned())),
        (name, _) => Err(format!("the value does not fit its tag `!!{name}`")),
    }
}

/// Floats as Go writes them into JSON and Kubernetes reads them back: whole where they can be.
fn finite(float: f64) -> Result<Value, String> {
    if !float.is_finite() {
        return Err("Kubernetes turns YAML into JSON, which has no infinity and no NaN".to_owned());
    }
    // 2^63: the first value beyond i64.
    if float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0 {
        return Ok(Value::Integer(float as i64));
    }
    Ok(Value::Float(float))
}

/// YAML 1.2 core schema.
fn core(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Some(special) = special_float(text) {
        return Value::Float(special);
    }
    let prefixed = |prefix, radix| {
        let digits = text.strip_prefix(prefix)?;
        let valid = digits.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(number) = prefixed("0o", 8).or_else(|| prefixed("0x", 16)) {
        return whole(number);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(number) = text.parse::<i64>() {
            return Value::Integer(number);
        }
        if let Ok(number) = text.parse::<u64>() {
            return Value::Unsigned(number);
        }
    }
    match float(text) {
        Some(number) => Value::Float(number),
        None => Value::String(text.to_owned()),
    }
}

fn whole(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Unsigned(number), Value::Integer)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the same in the core schema and go-yaml;
/// out of range is no number.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !digits(before) || !digits(after) || before.len() + after.len() == 0 {
        return None;
    }
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !digits(exponent) {
            return None;
        }
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// go-yaml v2's `resolve`. Timestamps stay text, as they do when decoding into an interface.
fn kubernetes(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if let Some(special) = special_float(text) {
        return Value::Float(special);
    }
    let string = || Value::String(text.to_owned());
    match text.bytes().next() {
        Some(b'.') => float(text).map_or_else(string, Value::Float),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let bare = text.replace('_', "");
            go_integer(&bare).or_else(|| float(&bare).map(Value::Float)).unwrap_or_else(string)
        }
        _ => string(),
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`, then `big.Int` (as a float, which is
/// what the JSON decoder behind makes of it).
fn go_integer(text: &str) -> Option<Value> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(number) if !negative => Some(whole(number)),
        Ok(number) if number <= i64::MIN.unsigned_abs() => {
            Some(Value::Integer(0_i64.wrapping_sub_unsigned(number)))
        }
        // Decimals out of range are floats by their pattern.
        _ if radix == 10 => None,
        _ => {
            let step = |sum: f64, c: char| sum * f64::from(radix) + f64::from(c.to_digit(radix).unwrap_or(0));
            let number = digits.chars().fold(0.0, step);
            number.is_finite().then_some(Value::Float(if negative { -number } else { number }))
        }
    }
}

/// The text of a key that is no string, as sigs.k8s.io/yaml writes it; none for what cannot be one.
pub(super) fn kubernetes_key(text: &str) -> Option<String> {
    Some(match kubernetes(text) {
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => return None,
        // Above i64 Go has no key type for it.
        Value::Unsigned(_) => return None,
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => go_float_key(value),
        Value::String(text) => text,
    })
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`, with YAML's names for infinity and NaN.
fn go_float_key(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // For the shortest form Go decides by a precision of six.
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}
