//! Quantities as the server writes them: `0.5` is `500m`, `1024Mi` is `1Gi`.

use serde_json::Value;

const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// A quantity in its plain form; what is none stays as it is.
pub(super) fn plain(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return value,
    };
    canonical(&text).map_or(value, Value::String)
}

/// Whether a text is a quantity.
pub(super) fn is_one(text: &str) -> bool {
    canonical(text).is_some()
}

fn canonical(text: &str) -> Option<String> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.trim_start_matches(['+', '-']).is_empty() && fraction.is_empty() {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok().filter(|scale| *scale <= 20)?;
    if let Some(power) = BINARY.iter().skip(1).position(|known| *known == suffix) {
        let times = 1024_i128.checked_pow(u32::try_from(power).ok()? + 1)?;
        let bytes = digits.checked_mul(times)?;
        let divisor = 10_i128.pow(scale.unsigned_abs());
        if bytes % divisor != 0 {
            return decimal(bytes, -scale);
        }
        return Some(binary(bytes / divisor));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return decimal(digits, power - scale);
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    if exponent.abs() > 18 {
        return None;
    }
    Some(exponential(digits, exponent - scale))
}

/// Bytes with the largest suffix that leaves a whole number.
fn binary(bytes: i128) -> String {
    let mut left = bytes;
    let mut power = 0;
    while left != 0 && left % 1024 == 0 && power < BINARY.len() - 1 {
        left /= 1024;
        power += 1;
    }
    format!("{left}{}", BINARY.get(power).copied().unwrap_or_default())
}

/// `digits * 10^power` as a multiple of a thousand's power, rounded up to billionths.
fn decimal(digits: i128, power: i32) -> Option<String> {
    let (digits, power) = thousands(digits, power);
    let suffix = DECIMAL.iter().find(|(_, known)| *known == power)?.0;
    Some(format!("{digits}{suffix}"))
}

fn exponential(digits: i128, power: i32) -> String {
    let (digits, power) = thousands(digits, power);
    if power == 0 { digits.to_string() } else { format!("{digits}e{power}") }
}

fn thousands(mut digits: i128, mut power: i32) -> (i128, i32) {
    if digits == 0 {
        return (0, 0);
    }
    while digits % 10 == 0 && power < 18 {
        digits /= 10;
        power += 1;
    }
    while power < -9 {
        digits = digits / 10 + i128::from(digits > 0 && digits % 10 != 0);
        power += 1;
    }
    while power.rem_euclid(3) != 0 || power > 18 {
        digits = digits.saturating_mul(10);
        power -= 1;
    }
    (digits, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_one_form() {
        for (text, plain) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100M", "100M"),
            ("1000M", "1G"),
            ("0", "0"),
            ("12e3", "12e3"),
            ("100", "100"),
            ("1000", "1k"),
            ("128Mi", "128Mi"),
            ("-1", "-1"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(plain), "{text}");
        }
        for text in ["", "x", "1x", "1.2.3", "Mi", "--1"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
