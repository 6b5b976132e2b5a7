//! `lcm defer`: what was put off.

use crate::engine::repo::DeferralAdded;
use crate::output::mark::{Tone, bold, clean};
use crate::output::{Look, Screen};

impl Screen for DeferralAdded {
    const KIND: &'static str = "DeferralAdded";

    fn text(&self, _: &Look) -> String {
        let what = match &self.thing {
            Some(thing) => format!("{} of {}", thing, self.product),
            None => self.product.clone(),
        };
        let up_to = self.up_to.as_ref().map_or_else(String::new, |version| format!(" up to {version}"));
        format!(
            "{} {} · {}{} waits until {} by {}: {}\n{}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(self.id.as_str()),
            clean(&what),
            clean(&up_to),
            clean(&self.until),
            clean(&self.owner),
            clean(&self.reason),
            clean(&self.file)
        )
    }

    fn next(&self) -> Option<String> {
        Some(format!("git add {} && git commit -m \"deferral: {}\"", self.file, self.id))
    }
}
