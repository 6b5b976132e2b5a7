//! `product bump`: what changed, as a list of old and new, and what was left.

mod request;

use crate::diag::count;
use crate::engine::propose::Done;
use crate::engine::repo::{Bumped, Standpoint};
use crate::lcm::bump::{Edit, Part};
use crate::output::mark::{Tone, bold, clean, dim};
use crate::output::table::{Column, Table};
use crate::output::{Look, Screen};
use crate::report::word;

impl Screen for Bumped {
    const KIND: &'static str = "ProductBump";

    fn text(&self, look: &Look) -> String {
        let mut text = format!("{}\n", self.headline());
        if let Some(request) = &self.request {
            text.push_str(&request::lines(request));
        }
        let mut file = "";
        for edit in &self.edits {
            if edit.place.file() != file {
                file = edit.place.file();
                text.push_str(&format!("\n{}\n", bold(&clean(file))));
            }
            text.push_str(&lines(edit, look.width));
        }
        for file in self.files.keys().filter(|file| !self.edits.iter().any(|e| e.place.file() == *file)) {
            text.push_str(&format!("\n{}\n  {}\n", bold(&clean(file)), dim("a new entry")));
        }
        let mut left = Table::new([Column::left("LEFT"), Column::text("TEXT"), Column::text("BECAUSE")]);
        for one in &self.left {
            left.row([
                format!("{}:{}", one.place.file(), one.place.line()).into(),
                one.text.as_str().into(),
                one.because.into(),
            ]);
        }
        if !left.is_empty() {
            text.push_str(&format!("\n{}", left.text(look.width)));
        }
        if self.unlisted > 0 {
            text.push_str(&dim(&format!("and {} more\n", count(self.unlisted, "mention"))));
        }
        if let Some(request) = self.request.as_ref().filter(|request| request.done == Done::Planned) {
            text.push_str(&request::planned(request));
        }
        text
    }

    fn next(&self) -> Option<String> {
        let product = &self.product;
        let message = format!("\"{product}: {} {}\"", self.source, self.to);
        let folder = format!("products/{product}");
        let (git, folder, repo) = match &self.standpoint {
            Standpoint::Root => ("git".to_owned(), folder, String::new()),
            Standpoint::Below => ("git".to_owned(), format!(":/{folder}"), String::new()),
            Standpoint::Elsewhere(path) => {
                let path = word(&path.to_string_lossy());
                (format!("git -C {path}"), format!(":/{folder}"), format!(" --repo {path}"))
            }
        };
        if let Some(request) = &self.request {
            let tag = format!("tidegate product tag {product}{repo}");
            return request::next(request, &format!("{git} pull"), &tag);
        }
        self.written.then(|| {
            format!("{git} add {folder} && {git} commit -m {message} && tidegate product tag {product}{repo}")
        })
    }
}

impl Bumped {
    fn headline(&self) -> String {
        let asked = self.request.as_ref().map(|request| request.done);
        let is_done = self.written || asked.is_some_and(|done| done != Done::Planned);
        let glyph = if is_done { Tone::Good } else { Tone::Quiet };
        let level = self.level.map_or_else(String::new, |level| format!(" · {}", level.word()));
        let unwritten = if is_done { "" } else { " · nothing was written" };
        format!(
            "{} {} {} -> {}{unwritten}\n  {} {} -> {}{level}",
            glyph.paint(glyph.glyph()),
            bold(self.product.as_str()),
            self.version_before,
            self.version,
            clean(&self.source.to_string()),
            clean(&self.from),
            clean(&self.to),
        )
    }
}

/// A scalar as a line that goes and one that comes.
fn lines(edit: &Edit, width: Option<u16>) -> String {
    let what = if edit.field.is_empty() { name(edit.part) } else { &edit.field };
    let head = format!("{:>6}  {}\n", edit.place.line(), dim(&clean(what)));
    let shown = |mark: &str, text: &str| {
        let text = clean(text);
        let text = if text.is_empty() { "\"\"".to_owned() } else { text };
        // A digest has a line of its own where the whole reference is too wide.
        let wide = width.is_some_and(|width| text.chars().count() + 4 > usize::from(width));
        match text.split_once('@').filter(|_| wide) {
            Some((name, digest)) => format!("  {mark} {name}\n      @{digest}"),
            None => format!("  {mark} {text}"),
        }
    };
    let (old, new) = (shown("-", &edit.old), shown("+", &edit.new));
    format!("{head}{}\n{}\n", Tone::Bad.paint(&old), Tone::Good.paint(&new))
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Image => "image",
        Part::Tag => "tag",
        Part::Digest => "digest",
        Part::ChartVersion | Part::Product | Part::Tool | Part::Addon => "version",
        Part::AppVersion => "appVersion",
        Part::Dependency => "dependency",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use insta::assert_snapshot;

    use super::*;
    use crate::diag::{Findings, Place, Source};
    use crate::lcm::bump::{Left, Moving, Reason};
    use crate::lcm::version::Level;
    use crate::output::time::Viewpoint;

    fn bumped() -> Bumped {
        let source = Source::new("products/backup/agent/backup.yaml.j2", "# v1.17.0\nimage: x\n");
        let digest = |c: char| format!("@sha256:{}", c.to_string().repeat(64));
        let edit = |field: &str, part, old: String, new: String| Edit {
            place: Place::new(&source, 17, 18),
            field: field.to_owned(),
            part,
            old,
            new,
        };
        let reason = Reason::Mentioned;
        Bumped {
            product: "backup".parse().unwrap(),
            source: Moving::Image("docker.io/velero/velero".parse().unwrap()),
            from: "v1.17.0".into(),
            to: "v1.17.1".into(),
            level: Some(Level::Patch),
            version_before: "2.0.0".parse().unwrap(),
            version: "2.0.1".parse().unwrap(),
            edits: vec![
                edit(
                    "spec.containers[0].image",
                    Part::Image,
                    format!("velero/velero:v1.17.0{}", digest('a')),
                    format!("velero/velero:v1.17.1{}", digest('b')),
                ),
                edit("", Part::Image, "velero/velero:v1.17.0".into(), "velero/velero:v1.17.1".into()),
            ],
            left: vec![Left {
                place: Place::new(&source, 2, 9),
                text: "v1.17.0".into(),
                reason,
                because: reason.words(),
            }],
            unlisted: 2,
            files: ["products/backup/CHANGELOG.md", "products/backup/agent/backup.yaml.j2"]
                .map(|path| (path.to_owned(), String::new()))
                .into(),
            written: true,
            findings: Findings::new(),
            request: None,
            standpoint: Standpoint::Root,
        }
    }

    fn text(width: u16) -> String {
        let view = Viewpoint { now: jiff::Timestamp::UNIX_EPOCH, zone: jiff::tz::TimeZone::UTC };
        let text = bumped().text(&Look { width: Some(width), view });
        let text = anstream::adapter::strip_str(&text).to_string();
        let wide = text.lines().find(|line| line.chars().count() > usize::from(width));
        assert!(wide.is_none(), "wider than {width}: {wide:?}");
        text
    }

    #[test]
    fn a_bump_is_read_as_what_goes_and_what_comes() {
        assert_snapshot!(text(80), @r"
        ✔ backup 2.0.0 -> 2.0.1
          docker.io/velero/velero v1.17.0 -> v1.17.1 · patch

        products/backup/agent/backup.yaml.j2
             2  spec.containers[0].image
          - velero/velero:v1.17.0
              @sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
          + velero/velero:v1.17.1
              @sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
             2  image
          - velero/velero:v1.17.0
          + velero/velero:v1.17.1

        products/backup/CHANGELOG.md
          a new entry

        LEFT                                    TEXT     BECAUSE
        products/backup/agent/backup.yaml.j2:1  v1.17.0  it only mentions the version
        and 2 mentions more
        ");
        assert_snapshot!(text(160), @r"
        ✔ backup 2.0.0 -> 2.0.1
          docker.io/velero/velero v1.17.0 -> v1.17.1 · patch

        products/backup/agent/backup.yaml.j2
             2  spec.containers[0].image
          - velero/velero:v1.17.0@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
          + velero/velero:v1.17.1@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
             2  image
          - velero/velero:v1.17.0
          + velero/velero:v1.17.1

        products/backup/CHANGELOG.md
          a new entry

        LEFT                                    TEXT     BECAUSE
        products/backup/agent/backup.yaml.j2:1  v1.17.0  it only mentions the version
        and 2 mentions more
        ");
    }

    #[test]
    fn the_next_command_works_where_the_person_stands() {
        let next = |standpoint| Bumped { standpoint, ..bumped() }.next().unwrap();
        let commit = "commit -m \"backup: docker.io/velero/velero v1.17.1\"";
        assert_eq!(
            next(Standpoint::Root),
            format!("git add products/backup && git {commit} && tidegate product tag backup")
        );
        assert_eq!(
            next(Standpoint::Below),
            format!("git add :/products/backup && git {commit} && tidegate product tag backup")
        );
        assert_eq!(
            next(Standpoint::Elsewhere("/my platform".into())),
            format!(
                "git -C '/my platform' add :/products/backup && git -C '/my platform' {commit} && tidegate product tag backup --repo '/my platform'"
            )
        );
    }

    #[test]
    fn a_program_gets_places_and_reasons() {
        let data = serde_json::to_value(bumped()).unwrap();
        assert_eq!(data["source"], serde_json::json!({"kind": "image", "name": "docker.io/velero/velero"}));
        assert_eq!(data["versionBefore"], "2.0.0");
        assert_eq!(data["edits"][0]["line"], 2);
        assert_eq!(data["edits"][0]["file"], "products/backup/agent/backup.yaml.j2");
        assert_eq!(data["left"][0]["reason"], "mentioned");
    }
}
