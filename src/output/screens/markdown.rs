//! What all forms in Markdown share: text that is no markup, and code.

use crate::output::mark::clean;
use crate::report::proposal::neutral;

/// Text for a cell or a line: nothing in it is markup.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '\\' | '|' | '*' | '[' | ']' | '`' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Words of others: no markup, and wherever it is put they mention nobody and refer to nothing.
pub(super) fn foreign(text: &str) -> String {
    neutral::text(&clean(text))
}

/// Text as code; nothing where there is none.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{}`", clean(text).replace('`', "'").replace('|', "\\|"))
    }
}
