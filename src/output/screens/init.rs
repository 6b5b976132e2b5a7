//! What `init` wrote, and how it goes on.

use crate::output::mark::{Tone, bold, clean};
use crate::output::{Look, Screen};

/// A platform that was begun.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InitScreen {
    /// The folder, as it was named.
    pub folder: String,
    /// The files in it, those for people first.
    pub files: Vec<String>,
    /// The next command.
    #[serde(skip)]
    pub next: String,
}

impl Screen for InitScreen {
    const KIND: &'static str = "Initialized";

    fn text(&self, _: &Look) -> String {
        let good = Tone::Good.paint(Tone::Good.glyph());
        let mut text = format!("{good} a platform begins in {}\n\n", bold(&clean(&self.folder)));
        for file in &self.files {
            text.push_str(&format!("  {}\n", clean(file)));
        }
        text.push_str("\nLook at releases/R1.yaml and pipelines/fleet.yaml: they name your clusters.\n");
        text
    }

    fn next(&self) -> Option<String> {
        Some(self.next.clone())
    }
}
