//! Products, releases and pins: lists, single ones, and what was done to them.

use std::collections::BTreeMap;

use crate::catalog::release::{Change, Diff, ImageChange};
use crate::diag::count;
use crate::digest::Digest;
use crate::engine::repo::{
    CutDone, HotfixWritten, ProductRow, ProductView, ReleaseRow, ReleaseView, TagDone, TagState,
};
use crate::model::Lock;
use crate::model::image::Image;
use crate::output::envelope::List;
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Look, Screen};
use crate::report::event::short_commit;

impl Screen for List<ProductRow> {
    const KIND: &'static str = "ProductList";

    fn text(&self, look: &Look) -> String {
        let mut table = Table::new([
            Column::left("PRODUCT"),
            Column::left("VERSION"),
            Column::left("TAG"),
            Column::left("TAGGED"),
            Column::right("PHASE"),
            Column::right("TESTS"),
            Column::text("OWNER"),
            Column::text("REQUIRES"),
        ]);
        for product in &self.items {
            let requires: Vec<String> =
                product.requires.iter().map(|(name, range)| format!("{name} {range}")).collect();
            table.row([
                product.name.as_str().into(),
                product.version.to_string().into(),
                tag_cell(product.tag),
                product.latest_tagged.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                product.phase.map(|p| p.to_string()).unwrap_or_default().into(),
                product.tests.to_string().into(),
                product.owner.as_str().into(),
                requires.join(", ").into(),
            ]);
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        let untagged = self.items.iter().find(|p| p.tag == TagState::Untagged)?;
        Some(format!("tidegate product tag {}", untagged.name))
    }
}

fn tag_cell(state: TagState) -> Cell {
    match state {
        TagState::Tagged => Cell::mark(Tone::Good, "tagged"),
        TagState::Untagged => Cell::mark(Tone::Waits, "untagged"),
        TagState::Changed => Cell::mark(Tone::Warn, "changed"),
    }
}

impl Screen for ProductView {
    const KIND: &'static str = "Product";

    fn text(&self, look: &Look) -> String {
        let row = &self.row;
        let mut text = format!("{} {} · owner {}\n", bold(row.name.as_str()), row.version, clean(&row.owner));
        let names = |names: &[crate::model::ProductName]| {
            names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
        };
        let selector: Vec<String> = self
            .selector
            .0
            .iter()
            .map(|(label, allowed)| format!("{}={}", label.value, allowed.value.values().join("|")))
            .collect();
        let facts = [
            ("digest", row.digest.map(|d| d.to_string()).unwrap_or_default()),
            ("where", if selector.is_empty() { "every cluster".to_owned() } else { selector.join(", ") }),
            ("kubernetes", self.kubernetes.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("requires", names(&self.dependencies)),
            ("required by", names(&self.dependents)),
        ];
        for (title, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
            text.push_str(&format!("{title:11}  {}\n", clean(fact)));
        }
        let mut steps = Table::new([
            Column::left("STEP"),
            Column::left("KIND"),
            Column::right("LIMIT"),
            Column::text("NOTE"),
        ]);
        for step in &self.steps {
            let mut note = if step.one_way { vec!["one-way".to_owned()] } else { Vec::new() };
            note.extend(step.auto.then(|| AUTO.to_owned()));
            steps.row([
                step.name.as_str().into(),
                step.kind.into(),
                limit(step.timeout_seconds),
                note.join(", ").into(),
            ]);
        }
        for test in &self.test_list {
            let mut note = if test.retries > 0 { vec![count(test.retries, "retry")] } else { Vec::new() };
            note.extend(test.auto.then(|| AUTO.to_owned()));
            let note = note.join(", ");
            steps.row([test.name.as_str().into(), "test".into(), limit(test.timeout_seconds), note.into()]);
        }
        if !steps.is_empty() {
            text.push_str(&format!("\n{}", steps.text(look.width)));
        }
        let mut tagged = Table::new([Column::left("TAGGED"), Column::left("COMMIT")]);
        for (version, commit) in &self.tagged {
            tagged.row([version.to_string().into(), short_commit(commit).into()]);
        }
        if !tagged.is_empty() {
            text.push_str(&format!("\n{}", tagged.text(look.width)));
        }
        text
    }

    fn next(&self) -> Option<String> {
        (self.row.tag == TagState::Untagged).then(|| format!("tidegate product tag {}", self.row.name))
    }
}

/// What is noted at a limit that counts only until enough is known.
const AUTO: &str = "from history once enough is known";

fn limit(seconds: u64) -> Cell {
    crate::model::Duration::seconds(seconds).to_string().into()
}

impl Screen for List<TagDone> {
    const KIND: &'static str = "ProductTagList";

    fn text(&self, _: &Look) -> String {
        if self.items.is_empty() {
            return format!("{} every product is tagged already\n", Tone::Quiet.glyph());
        }
        let line = |tag: &TagDone| {
            let note = if tag.existed { " (it was there)" } else { "" };
            format!(
                "{} {} on {} · {}{note}\n",
                Tone::Good.paint(Tone::Good.glyph()),
                clean(&tag.tag),
                short_commit(&tag.commit),
                tag.digest.short()
            )
        };
        self.items.iter().map(line).collect()
    }

    fn next(&self) -> Option<String> {
        (!self.items.is_empty()).then(|| "tidegate release cut RELEASE".to_owned())
    }
}

impl Screen for List<ReleaseRow> {
    const KIND: &'static str = "ReleaseList";

    fn text(&self, look: &Look) -> String {
        let mut columns = vec![
            Column::left("RELEASE"),
            Column::text("TITLE"),
            Column::left("LOCK"),
            Column::left("PARENT"),
            Column::left("LANE"),
            Column::left("KUBERNETES"),
            Column::left("DIGEST"),
        ];
        let some_miss = self.items.iter().any(|release| !release.missing_hotfixes.is_empty());
        if some_miss {
            columns.push(Column::text("MISSING HOTFIX"));
        }
        let mut table = Table::new(columns);
        for release in &self.items {
            let cells: [Cell; 7] = [
                release.id.as_str().into(),
                release.title.as_deref().unwrap_or_default().into(),
                lock_cell(release),
                release.parent.as_ref().map(|p| p.as_str()).unwrap_or_default().into(),
                release.lane.to_string().into(),
                release.kubernetes.to_string().into(),
                release.digest.map(|d| d.short()).unwrap_or_default().into(),
            ];
            table.row(cells.into_iter().chain(some_miss.then(|| missing_cell(release))));
        }
        table.text(look.width)
    }

    fn next(&self) -> Option<String> {
        self.items.iter().rev().find_map(next_of)
    }
}

fn lock_cell(release: &ReleaseRow) -> Cell {
    if release.findings.has_errors() {
        Cell::mark(Tone::Bad, "invalid")
    } else if release.digest.is_some() {
        Cell::mark(Tone::Good, "cut")
    } else {
        Cell::mark(Tone::Waits, "not cut")
    }
}

/// The hotfixes that a release misses; clusters that run them do not take it.
fn missing_cell(release: &ReleaseRow) -> Cell {
    if release.missing_hotfixes.is_empty() {
        return "".into();
    }
    let ids: Vec<&str> = release.missing_hotfixes.iter().map(|id| id.as_str()).collect();
    Cell::mark(Tone::Warn, &ids.join(", "))
}

/// What is to be done with a release next.
fn next_of(release: &ReleaseRow) -> Option<String> {
    if release.findings.has_errors() {
        None
    } else if release.digest.is_some() {
        Some(format!("tidegate plan {} --out FILE", release.id))
    } else {
        Some(format!("tidegate release cut {}", release.cut_first.as_ref().unwrap_or(&release.id)))
    }
}

impl Screen for ReleaseView {
    const KIND: &'static str = "Release";

    fn text(&self, look: &Look) -> String {
        let row = &self.row;
        let title = row.title.as_ref().map_or_else(String::new, |t| format!(" \"{}\"", clean(t)));
        let parent = row.parent.as_ref().map_or_else(String::new, |p| format!(" · follows {p}"));
        let mut text = format!(
            "{}{title} · lane {} · Kubernetes {}{parent}\n",
            bold(row.id.as_str()),
            row.lane,
            row.kubernetes
        );
        match row.digest {
            Some(digest) => text.push_str(&format!("digest {digest}\n")),
            None => text.push_str(&format!("{}\n", Tone::Waits.paint("not cut yet"))),
        }
        let list = |title: &str, names: Vec<String>| {
            if names.is_empty() { String::new() } else { format!("{title} {}\n", names.join(", ")) }
        };
        text.push_str(&list("contains hotfixes", self.hotfixes.iter().map(ToString::to_string).collect()));
        let missing = self.row.missing_hotfixes.iter().map(ToString::to_string).collect::<Vec<_>>();
        if !missing.is_empty() {
            let line = format!("{} missing hotfix {}\n", Tone::Warn.glyph(), missing.join(", "));
            text.push_str(&Tone::Warn.paint(&line));
        }
        text.push_str(&list("removes", self.removes.iter().map(ToString::to_string).collect()));
        text.push_str(&list("lowers", self.lowers.iter().map(ToString::to_string).collect()));
        let mut table = Table::new([
            Column::left("PRODUCT"),
            Column::left("VERSION"),
            Column::left("COMMIT"),
            Column::left("DIGEST"),
        ]);
        for (product, version) in &self.versions {
            let locked = self.lock.as_ref().and_then(|lock| lock.products.get(product));
            table.row([
                product.as_str().into(),
                version.to_string().into(),
                locked.map(|l| short_commit(&l.commit)).unwrap_or_default().into(),
                locked.map(|l| l.digest.short()).unwrap_or_default().into(),
            ]);
        }
        text.push_str(&format!("\n{}", table.text(look.width)));
        let images = self.lock.as_ref().map_or(0, |lock| lock.images.len());
        let fixed = self.lock.as_ref().map(Lock::image_digests).unwrap_or_default();
        if !fixed.is_empty() {
            text.push_str(&format!("\n{}", images_of(&fixed).text(look.width)));
        } else if images > 0 {
            text.push_str(&dim(&format!("{} recorded, listed with -o json\n", count(images, "image"))));
        }
        if let Some(notes) = &self.notes {
            text.push('\n');
            for line in notes.lines() {
                text.push_str(&format!("{}\n", clean(line)));
            }
        }
        text
    }

    fn next(&self) -> Option<String> {
        next_of(&self.row)
    }
}

impl Screen for Diff {
    const KIND: &'static str = "ReleaseDiff";

    fn text(&self, look: &Look) -> String {
        let mut text = format!("{}\n", bold(&format!("{} -> {}", self.from, self.to)));
        if let Some((from, to)) = &self.kubernetes {
            text.push_str(&format!("kubernetes {from} -> {to}\n"));
        }
        if self.products.is_empty() {
            text.push_str(&format!("no product differs, {} the same\n", count(self.unchanged, "product")));
            text.push_str(&changed_images(&self.images, look));
            return text;
        }
        let mut table = Table::new([
            Column::left("PRODUCT"),
            Column::left("CHANGE"),
            Column::left("FROM"),
            Column::left("TO"),
        ]);
        for product in &self.products {
            let (tone, word) = match product.change {
                Change::Added => (Tone::Good, "added"),
                Change::Raised => (Tone::Good, "raised"),
                Change::Lowered => (Tone::Warn, "lowered"),
                Change::Removed => (Tone::Warn, "removed"),
                Change::Dropped => (Tone::Warn, "dropped"),
                Change::Replaced => (Tone::Bad, "replaced"),
            };
            table.row([
                product.product.as_str().into(),
                Cell::mark(tone, word),
                product.from.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                product.to.as_ref().map(ToString::to_string).unwrap_or_default().into(),
            ]);
        }
        text.push_str(&format!("\n{}", table.text(look.width)));
        text.push_str(&dim(&format!("{} unchanged\n", count(self.unchanged, "product"))));
        text.push_str(&changed_images(&self.images, look));
        text
    }

    fn next(&self) -> Option<String> {
        Some(format!("tidegate plan {} --out FILE", self.to))
    }
}

/// What tags named when a release was cut.
fn images_of(fixed: &BTreeMap<Image, String>) -> Table {
    let mut table = Table::new([Column::text("IMAGE"), Column::left("DIGEST")]);
    for (image, digest) in fixed {
        table.row([image.to_string().into(), short(Some(digest)).into()]);
    }
    table
}

/// Images that differ, with a blank line before them.
fn changed_images(images: &[ImageChange], look: &Look) -> String {
    if images.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new([Column::text("IMAGE"), Column::left("CHANGE"), Column::left("FROM"), Column::left("TO")]);
    for change in images {
        let (tone, word) = match (&change.from, &change.to) {
            (None, _) => (Tone::Good, "added"),
            (_, None) => (Tone::Warn, "removed"),
            _ => (Tone::Warn, "moved"),
        };
        table.row([
            change.image.as_str().into(),
            Cell::mark(tone, word),
            short(change.from.as_deref()).into(),
            short(change.to.as_deref()).into(),
        ]);
    }
    format!("\n{}", table.text(look.width))
}

/// The first digits of an image's digest.
fn short(digest: Option<&str>) -> String {
    let digest = digest.unwrap_or_default();
    digest.parse::<Digest>().map_or_else(|_| digest.to_owned(), |digest| digest.short())
}

impl Screen for CutDone {
    const KIND: &'static str = "ReleaseCut";

    fn text(&self, look: &Look) -> String {
        let word = if self.unchanged { "was cut before, nothing changed" } else { "is cut" };
        let fixed = self.lock.image_digests().len();
        let images = if fixed == 0 { String::new() } else { format!(" · {} fixed", count(fixed, "image")) };
        let mut text = format!(
            "{} {} {word} · {}{images} · {}\n{}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(self.release.as_str()),
            count(self.lock.products.len(), "product"),
            self.lock.digest,
            clean(&self.file)
        );
        if let Some(changes) = &self.changes {
            text.push_str(&format!("\n{}", changes.text(look)));
        }
        text
    }

    fn next(&self) -> Option<String> {
        Some(if self.unchanged {
            format!("tidegate plan {} --out FILE", self.release)
        } else {
            format!("git add {0} && git commit -m \"release: {1}\"", self.file, self.release)
        })
    }
}

impl Screen for HotfixWritten {
    const KIND: &'static str = "ReleaseHotfix";

    fn text(&self, look: &Look) -> String {
        let mut text = format!(
            "{} {} follows {} in the lane {} · {}\n",
            Tone::Good.paint(Tone::Good.glyph()),
            bold(self.release.as_str()),
            self.parent,
            self.lane,
            clean(&self.file)
        );
        if !self.includes.is_empty() {
            let ids: Vec<&str> = self.includes.iter().map(|id| id.as_str()).collect();
            text.push_str(&format!("contains hotfixes {}\n", ids.join(", ")));
        }
        let mut table = Table::new([Column::left("PRODUCT"), Column::left("FROM"), Column::left("TO")]);
        for raised in &self.raised {
            table.row([
                raised.product.as_str().into(),
                raised.from.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                raised.to.to_string().into(),
            ]);
        }
        if !table.is_empty() {
            text.push_str(&format!("\n{}", table.text(look.width)));
        }
        text
    }

    fn next(&self) -> Option<String> {
        Some(format!(
            "git add {0} && git commit -m \"release: {1}\" && tidegate release cut {1}",
            self.file, self.release
        ))
    }
}
