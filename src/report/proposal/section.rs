//! Sections of a text of bounded length: each shows its first lines, and says how many more there are.

/// A heading with lines below.
pub(super) struct Section {
    heading: &'static str,
    lines: Vec<String>,
    /// How many lines more there were before anybody counted.
    more: usize,
}

impl Section {
    /// One without lines, which is not shown.
    pub fn new(heading: &'static str) -> Self {
        Self { heading, lines: Vec::new(), more: 0 }
    }

    /// Adds a line.
    pub fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Says that so many things were left out.
    pub fn leave_out(&mut self, count: usize) {
        self.more += count;
    }

    /// The text, with at most so many lines.
    fn text(&self, most: usize) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let shown = self.lines.get(..most).unwrap_or(&self.lines);
        let more = self.lines.len() - shown.len() + self.more;
        let mut text = format!("\n### {}\n\n{}\n", self.heading, shown.join("\n"));
        if more > 0 {
            text.push_str(&format!("\nand {more} more\n"));
        }
        text
    }
}

/// A text of a head, sections and a foot that has at most so many characters: where it would have more, all
/// sections get shorter.
pub(super) fn fitting(head: &str, sections: &[Section], foot: &str, longest: usize) -> String {
    let whole = |most: usize| {
        let middle: String = sections.iter().map(|section| section.text(most)).collect();
        format!("{head}{middle}{foot}")
    };
    let fits = |text: &String| text.chars().count() <= longest;
    [200, 100, 50, 25, 12, 6, 3, 1].into_iter().map(whole).find(fits).unwrap_or_else(|| {
        let room = longest.saturating_sub(foot.chars().count());
        let head: String = head.chars().take(room).collect();
        format!("{head}{foot}")
    })
}
