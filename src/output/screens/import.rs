//! `lcm import`: the files that a config became, and the keys that are in none of them, with what to do instead.

use crate::diag::count;
use crate::engine::repo::LcmImported;
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::table::{Column, Table};
use crate::output::{Look, Screen};

impl Screen for LcmImported {
    const KIND: &'static str = "LcmImport";

    fn text(&self, look: &Look) -> String {
        let mut text = format!("{}\n", self.headline());
        for file in &self.files {
            text.push_str(&format!("  {}\n", clean(&file.path)));
        }
        if !self.written {
            self.files.iter().for_each(|file| text.push_str(&shown(&file.path, &file.text)));
        }
        if let Some(file) = &self.merge {
            let words = format!("{} is there already: merge this into it", clean(&file.path));
            text.push_str(&format!("\n{} {words}\n", Tone::Warn.paint(Tone::Warn.glyph())));
            text.push_str(&indented(&file.text));
        }
        let mut left = Table::new([Column::tight("LEFT"), Column::right("LINE"), Column::text("BECAUSE")]);
        let mut other = 0;
        for one in &self.imported.left {
            match &one.instead {
                Some(instead) => {
                    let words = format!("{}: {instead}", one.because);
                    left.row([one.key.as_str().into(), one.line.to_string().into(), words.as_str().into()]);
                }
                None => other += 1,
            }
        }
        if !left.is_empty() {
            text.push_str(&format!("\n{}", left.text(look.width)));
        }
        if other > 0 {
            let keys = count(other, "key");
            text.push_str(&dim(&format!("{keys} more with nothing to be done; -o json names each\n")));
        }
        text
    }

    fn next(&self) -> Option<String> {
        self.written.then(|| "tidegate check && tidegate lcm report".to_owned())
    }
}

impl LcmImported {
    fn headline(&self) -> String {
        let all = self.imported.upstreams;
        let parts = [
            (all.tools, "tool"),
            (all.charts, "chart"),
            (all.images, "image"),
            (all.mirrors, "mirror"),
            (all.hosts, "host"),
        ];
        let mut parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| count(number, what))
            .collect();
        match all.policies {
            0 => {}
            1 => parts.push("1 policy".to_owned()),
            many => parts.push(format!("{many} policies")),
        }
        if parts.is_empty() {
            parts.push("nothing of it has a counterpart here".to_owned());
        }
        let glyph = if self.written { Tone::Good } else { Tone::Quiet };
        let unwritten = if self.written { "" } else { " · nothing was written" };
        format!(
            "{} {}: {}{unwritten}",
            glyph.paint(glyph.glyph()),
            bold(self.product.as_str()),
            parts.join(" · ")
        )
    }
}

/// A file with its text, for whoever looks before it is written.
fn shown(path: &str, text: &str) -> String {
    format!("\n{}\n{}", bold(&clean(path)), indented(text))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", clean(line))).collect()
}
