//! The next page: `Link` with `rel="next"` (RFC 8288). Only the text is read here; whether one may go there
//! is decided by who asks.

use http::HeaderMap;
use http::header::LINK;

/// Where the next page is, as the header says it: absolute, or relative to this page.
pub(in crate::adapter) fn next(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| links(value).find(|(_, is_next)| *is_next).map(|(target, _)| target.to_owned()))
}

/// The links of a header, each with whether it is the next page.
fn links(mut rest: &str) -> impl Iterator<Item = (&str, bool)> {
    std::iter::from_fn(move || {
        let start = rest.find('<')? + 1;
        let end = start + rest.get(start..)?.find('>')?;
        let target = rest.get(start..end)?;
        let (params, after) = cut(rest.get(end + 1..)?, ',');
        rest = after;
        Some((target.trim(), is_next(params)))
    })
}

/// A text up to a sign that stands in no quotes, and what follows.
fn cut(text: &str, sign: char) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == sign && !quoted => return (&text[..at], &text[at + c.len_utf8()..]),
            _ => {}
        }
    }
    (text, "")
}

fn is_next(mut params: &str) -> bool {
    while !params.is_empty() {
        let (param, rest) = cut(params, ';');
        params = rest;
        let Some((name, value)) = param.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("rel") {
            let value = value.trim().trim_matches('"');
            return value.split_whitespace().any(|word| word.eq_ignore_ascii_case("next"));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Option<String> {
        next(&values.iter().map(|text| (LINK, http::HeaderValue::from_static(text))).collect())
    }

    #[test]
    fn the_next_page_is_found_however_it_is_written() {
        for text in [
            "</v2/a/tags/list?n=2&last=b>; rel=\"next\"",
            "</v2/a/tags/list?n=2&last=b>;rel=next",
            "</v2/a/tags/list?n=2&last=b>; title=\"a, b; c\"; REL=Next",
            "<https://x/first>; rel=first, </v2/a/tags/list?n=2&last=b>; rel=\"prefetch next\"",
        ] {
            assert_eq!(read(&[text]).as_deref(), Some("/v2/a/tags/list?n=2&last=b"), "{text}");
        }
        assert_eq!(read(&["<a>; rel=prev", "<?x=1,2;3>; rel=next"]).as_deref(), Some("?x=1,2;3"));
    }

    #[test]
    fn without_one_there_is_no_next_page() {
        for text in ["", "<", "<a", "<a>", "<a>; rel=last", "a; rel=next", "<a>; title=\"rel=next\""] {
            assert_eq!(read(&[text]), None, "{text}");
        }
    }
}
