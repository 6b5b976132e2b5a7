//! Codes explained: one of them, or the list of all.

use crate::diag::Code;
use crate::output::mark::bold;
use crate::output::table::{Column, Table, wrap};
use crate::output::{Look, Screen};

/// One code.
#[derive(Debug, serde::Serialize)]
pub struct CodeScreen {
    /// `TG0101`.
    code: &'static str,
    /// `unknown-field`.
    name: &'static str,
    /// One sentence.
    summary: &'static str,
    /// A paragraph.
    help: &'static str,
    /// Lines of a file, or commands.
    example: Option<&'static str>,
}

impl From<&'static Code> for CodeScreen {
    fn from(code: &'static Code) -> Self {
        Self {
            code: code.id,
            name: code.name,
            summary: code.summary,
            help: code.help,
            example: code.example(),
        }
    }
}

impl Screen for CodeScreen {
    const KIND: &'static str = "CodeExplanation";

    fn text(&self, look: &Look) -> String {
        let room = usize::from(look.width.unwrap_or(100)).clamp(40, 100);
        let mut text = format!("{} {}\n", bold(self.code), self.name);
        for part in [self.summary, self.help] {
            text.push('\n');
            for line in wrap(part, room) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        if let Some(example) = self.example {
            text.push_str("\nExample:\n");
            for line in example.lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text
    }
}

impl Screen for crate::output::envelope::List<CodeScreen> {
    const KIND: &'static str = "CodeList";

    fn text(&self, look: &Look) -> String {
        let mut table = Table::new([Column::left("CODE"), Column::left("NAME"), Column::text("SUMMARY")]);
        for code in &self.items {
            table.row([code.code.into(), code.name.into(), code.summary.into()]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        Some("tidegate explain CODE".to_owned())
    }
}
