//! Tables without lines: aligned columns, wrapped to the width of a terminal, whole when piped.
//! Where not even the narrowest form fits, each row becomes a block of `TITLE value` lines, so
//! that nothing is ever cut.

use std::borrow::Cow;

use comfy_table::{
    Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table as Grid, Width,
};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::mark::{Tone, clean};

/// The least width that a column which may wrap is squeezed to.
const SQUEEZE: u16 = 16;
/// Spaces between columns.
const GAP: u16 = 2;

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    title: Cow<'static, str>,
    right: bool,
    wraps: bool,
    squeeze: u16,
}

impl Column {
    /// A column whose cells are never broken.
    pub const fn left(title: &'static str) -> Self {
        Self { title: Cow::Borrowed(title), right: false, wraps: false, squeeze: SQUEEZE }
    }

    /// A column of numbers.
    pub const fn right(title: &'static str) -> Self {
        Self { title: Cow::Borrowed(title), right: true, wraps: false, squeeze: SQUEEZE }
    }

    /// A column of text that may be wrapped.
    pub const fn text(title: &'static str) -> Self {
        Self { title: Cow::Borrowed(title), right: false, wraps: true, squeeze: SQUEEZE }
    }

    /// A column of few words, as narrow as the longest of them; its title may be any name.
    pub fn tight(title: &str) -> Self {
        Self { title: Cow::Owned(clean(title)), right: false, wraps: true, squeeze: 0 }
    }
}

/// A cell: text from anywhere, and a colour for it.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// Text in a colour.
    pub fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: clean(text.as_ref()), tone: Some(tone) }
    }

    /// Glyph and word of a state.
    pub fn mark(tone: Tone, word: &str) -> Self {
        Self::toned(tone.mark(word), tone)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: clean(text.as_ref()), tone: None }
    }
}

/// A table being filled.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row; an empty cell shows `-`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// Whether it fits into this many columns without becoming blocks.
    pub fn fits(&self, width: u16) -> bool {
        within(&self.least_widths(&self.grid()), width)
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, each line ended; at most `width` columns wide if a width is given.
    pub fn text(&self, width: Option<u16>) -> String {
        let mut grid = self.grid();
        if let Some(width) = width {
            let least = self.least_widths(&grid);
            if !within(&least, width) {
                return self.blocks(usize::from(width));
            }
            grid.set_content_arrangement(ContentArrangement::Dynamic);
            // The last column's gap is cut off with the trailing spaces.
            grid.set_width(width.saturating_add(GAP));
            for ((index, column), least) in self.columns.iter().enumerate().zip(least) {
                if let Some(target) = grid.column_mut(index) {
                    target.set_constraint(if column.wraps {
                        ColumnConstraint::LowerBoundary(Width::Fixed(least + GAP))
                    } else {
                        ColumnConstraint::ContentWidth
                    });
                }
            }
        }
        let mut text = String::new();
        for line in grid.lines() {
            text.push_str(trimmed(&line));
            text.push('\n');
        }
        text
    }

    fn least_widths(&self, grid: &Grid) -> Vec<u16> {
        let widths = grid.column_max_content_widths();
        widths.into_iter().enumerate().map(|(index, content)| self.least(index, content)).collect()
    }

    /// The least width of a column: of one that wraps, its longest word, so that no name and no
    /// command is ever broken.
    fn least(&self, index: usize, content: u16) -> u16 {
        let Some(column) = self.columns.get(index).filter(|c| c.wraps) else { return content };
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        let words = cells.flat_map(|cell| cell.text.split(' ')).flat_map(pieces).map(|piece| piece.width());
        let title = u16::try_from(column.title.width()).unwrap_or(u16::MAX);
        let longest = words.max().and_then(|n| u16::try_from(n).ok()).unwrap_or_default();
        longest.max(column.squeeze).max(title).min(content)
    }

    fn grid(&self) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(comfy_table::presets::NOTHING);
        grid.set_content_arrangement(ContentArrangement::Disabled);
        grid.force_no_tty();
        grid.enforce_styling();
        grid.style_text_only();
        grid.set_header(
            self.columns.iter().map(|c| comfy_table::Cell::new(&c.title).add_attribute(Attribute::Bold)),
        );
        for row in &self.rows {
            grid.add_row(row.iter().map(|cell| {
                let shown = if cell.text.is_empty() { "-" } else { &cell.text };
                let shown = comfy_table::Cell::new(shown);
                match cell.tone {
                    Some(Tone::Good) => shown.fg(Color::DarkGreen),
                    Some(Tone::Busy) => shown.fg(Color::DarkCyan),
                    Some(Tone::Waits | Tone::Warn) => shown.fg(Color::DarkYellow),
                    Some(Tone::Bad) => shown.fg(Color::DarkRed).add_attribute(Attribute::Bold),
                    Some(Tone::Quiet) => shown.add_attribute(Attribute::Dim),
                    None => shown,
                }
            }));
        }
        grid.discover_columns();
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(target) = grid.column_mut(index) {
                target.set_padding((0, GAP));
                if column.right {
                    target.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        grid
    }

    /// One block of `TITLE value` lines for each row.
    fn blocks(&self, width: usize) -> String {
        let titles = self.columns.iter().map(|c| c.title.len()).max().unwrap_or_default();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            for (column, cell) in self.columns.iter().zip(row) {
                if cell.text.is_empty() {
                    continue;
                }
                let room = width.saturating_sub(titles + 2).max(8);
                for (line, part) in wrap(&cell.text, room).into_iter().enumerate() {
                    let title = if line == 0 { &*column.title } else { "" };
                    let part = cell.tone.map_or_else(|| part.clone(), |tone| tone.paint(&part));
                    text.push_str(&format!("{title:titles$}  {part}\n"));
                }
            }
        }
        text
    }
}

/// Whether columns of these widths stand beside each other in this width.
fn within(columns: &[u16], width: u16) -> bool {
    let total: u32 = columns.iter().map(|w| u32::from(*w) + u32::from(GAP)).sum();
    total <= u32::from(width) + u32::from(GAP)
}

/// A line without trailing spaces, also where a colour ends behind them.
fn trimmed(line: &str) -> &str {
    line.trim_end_matches(' ')
}

/// Breaks text at spaces into lines of at most `room` columns; a longer word is kept whole, since a
/// broken digest or command can't be copied. Scripts that need no spaces are broken anywhere.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        for (number, piece) in pieces(word).into_iter().enumerate() {
            // A word that does not fit into what is left of a line begins on the next one, if it fits
            // there as a whole.
            let space = usize::from(number == 0 && used > 0);
            let needed = if number == 0 && word.width() <= room { word.width() } else { piece.width() };
            if used > 0 && used + space + needed > room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if space == 1 {
                line.push(' ');
                used += 1;
            }
            line.push_str(piece);
            used += piece.width();
        }
    }
    lines.push(line);
    lines
}

/// The parts between which a word may be broken: wide characters (CJK, emoji) stand for themselves,
/// everything between them stays together.
fn pieces(word: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    for (at, character) in word.char_indices() {
        let wide = character.width() == Some(2);
        let after_wide =
            word.get(..at).and_then(|w| w.chars().next_back()).is_some_and(|c| c.width() == Some(2));
        if at > begin && (wide || (after_wide && character.width() == Some(1))) {
            found.extend(word.get(begin..at));
            begin = at;
        }
    }
    found.extend(word.get(begin..));
    found
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn sample() -> Table {
        let mut table = Table::new([
            Column::left("WAVE"),
            Column::right("CLUSTERS"),
            Column::left("STATE"),
            Column::text("WAITS FOR"),
        ]);
        table.row(["staging".into(), "1".into(), Cell::mark(Tone::Good, "done"), "".into()]);
        table.row([
            "production".into(),
            "52".into(),
            Cell::mark(Tone::Waits, "waits"),
            "an approval by platform-leads, after every cluster of the wave before was verified once more"
                .into(),
        ]);
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_piped_table_is_aligned_and_keeps_each_row_on_one_line() {
        assert_snapshot!(plain(&sample().text(None)), @r"
        WAVE        CLUSTERS  STATE    WAITS FOR
        staging            1  ✔ done   -
        production        52  ⏸ waits  an approval by platform-leads, after every cluster of the wave before was verified once more
        ");
    }

    #[test]
    fn at_a_terminal_only_columns_of_text_are_wrapped() {
        assert_snapshot!(plain(&sample().text(Some(60))), @r"
        WAVE        CLUSTERS  STATE    WAITS FOR
        staging            1  ✔ done   -
        production        52  ⏸ waits  an approval by
                                       platform-leads, after every
                                       cluster of the wave before
                                       was verified once more
        ");
    }

    #[test]
    fn where_the_table_does_not_fit_each_row_is_a_block() {
        assert_snapshot!(plain(&sample().text(Some(36))), @r"
        WAVE       staging
        CLUSTERS   1
        STATE      ✔ done

        WAVE       production
        CLUSTERS   52
        STATE      ⏸ waits
        WAITS FOR  an approval by
                   platform-leads, after
                   every cluster of the wave
                   before was verified once
                   more
        ");
    }

    #[test]
    fn a_table_is_never_wider_than_the_terminal() {
        for width in 34..140 {
            let text = plain(&sample().text(Some(width)));
            let longest = text.lines().map(|l| l.chars().count()).max();
            assert!(longest <= Some(usize::from(width)), "{width}: {text}");
        }
    }

    #[test]
    fn wide_characters_take_two_columns_and_may_be_broken_between() {
        assert_eq!(wrap("静かな鷺 heron", 8), ["静かな鷺", "heron"]);
        assert_eq!(wrap("支払いチームが待っている", 10), ["支払いチー", "ムが待って", "いる"]);
        assert_eq!(wrap("a sha256:0123456789 b", 8), ["a", "sha256:0123456789", "b"]);
        assert_eq!(wrap("x 🚢🚢🚢", 5), ["x 🚢", "🚢🚢"]);
        let mut table = Table::new([Column::left("PIN"), Column::text("OWNER"), Column::text("REASON")]);
        let reason = "本番環境は来週まで待つ 🚢 then on";
        table.row(["PIN-1".into(), "支払いチーム".into(), reason.into()]);
        for width in 30..70 {
            let text = plain(&table.text(Some(width)));
            let longest = text.lines().map(|l| l.width()).max();
            assert!(longest <= Some(usize::from(width)), "{width}: {text}");
        }
    }

    #[test]
    fn colours_end_before_the_line_does_and_leave_no_trailing_space() {
        for line in sample().text(Some(60)).lines() {
            assert_eq!(line.trim_end(), line);
        }
    }
}
