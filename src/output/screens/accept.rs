//! `lcm accept`: what is lived with, where, until when, and the file that says so.

use crate::engine::repo::LcmAccepted;
use crate::output::mark::{Tone, bold, clean};
use crate::output::{Look, Screen};

impl Screen for LcmAccepted {
    const KIND: &'static str = "LcmAccepted";

    fn text(&self, look: &Look) -> String {
        let tone = if self.written { Tone::Good } else { Tone::Quiet };
        let names: Vec<&str> = self.vulnerabilities.iter().map(|id| id.as_str()).collect();
        let unwritten = if self.written { "" } else { " · nothing was written" };
        let mut text = format!(
            "{} {} · {} accepted in {} until {} ({}){unwritten}\n{}\n",
            tone.paint(tone.glyph()),
            bold(self.id.as_str()),
            clean(&names.join(", ")),
            clean(&self.place()),
            clean(&self.until),
            look.view.relative(self.ends),
            clean(&self.file)
        );
        if !self.written {
            text.extend(self.text.lines().map(|line| format!("  {}\n", clean(line))));
        }
        text
    }

    fn next(&self) -> Option<String> {
        let Self { file, id, .. } = self;
        self.written.then(|| format!("git add {file} && git commit -m \"accept: {id}\""))
    }
}

impl LcmAccepted {
    /// `certs, quay.io/acme/certs (golang.org/x/net)`.
    fn place(&self) -> String {
        let products = self.products.iter().map(ToString::to_string);
        let all: Vec<String> = products.chain(self.images.iter().map(ToString::to_string)).collect();
        match self.packages.is_empty() {
            true => all.join(", "),
            false => format!("{} ({})", all.join(", "), self.packages.join(", ")),
        }
    }
}
