//! The pages do what they say: every command of their console blocks runs as typed and answers as
//! shown, every example file is valid, and the reference pages miss nothing that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use serde_json::{Value, json};
use tidegate::model::{Kind, schema};

use crate::bed::{Bed, Cluster, ClusterSpec};
use crate::lab::Lab;
use crate::pages::{self, Page};

/// Runs the commands of a page in order in one repository; what went wrong first, if anything did.
fn run(page: &Page, lab: &Lab) -> Option<String> {
    for command in page.commands() {
        let ran = lab.shell(&command.text);
        let exits = ran.code == command.exit;
        let out = as_with_a_network(&ran.out);
        if !exits || !(command.shown.is_empty() || pages::shows(&command.shown, &out)) {
            let wanted = if command.shown.is_empty() {
                "(the page shows none)".to_owned()
            } else {
                command.shown.join("\n")
            };
            return Some(format!(
                "{}:{}: $ {}\nexit code {}, the page says {}\n--- output\n{}\n--- on the page\n{wanted}",
                page.path, command.line, command.text, ran.code, command.exit, ran.out
            ));
        }
    }
    None
}

/// What readers see, whose registries answer: here nobody could look whether a version is there.
fn as_with_a_network(out: &str) -> String {
    let lines = out.lines().filter(|line| !line.starts_with("warning[TG1009]: whether "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// With `TIDEGATE_PAGE=docs/gates.md`, only that page: for whoever writes it.
fn asked_for(page: &Page) -> bool {
    std::env::var("TIDEGATE_PAGE").map_or(true, |only| page.path == only)
}

#[test]
fn what_pages_show_without_a_cluster_is_what_happens() {
    let wrong: Vec<String> = pages::all()
        .iter()
        .filter(|page| page.clusters().is_empty() && !page.commands().is_empty() && asked_for(page))
        .filter_map(|page| run(page, &Lab::with_sample().alone()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_show_on_real_clusters_is_what_happens() {
    let bed = Bed::shared().await;
    let tools = [bed.tool("kubectl").await, bed.tool("helm").await];
    let mut wrong = Vec::new();
    for page in pages::all().into_iter().filter(|page| !page.clusters().is_empty() && asked_for(page)) {
        let specs = page.clusters().iter().map(|name| ClusterSpec::complete(name, 2)).collect();
        let clusters = bed.clusters(specs).await;
        // A page that begins with `init` begins with nothing.
        let begins = page.commands().first().is_some_and(|first| first.text.starts_with("tidegate init"));
        let mut lab = if begins { Lab::new() } else { Lab::with_products() };
        for tool in &tools {
            lab.add_to_path(tool.parent().unwrap());
        }
        write_kubeconfigs(&lab.home(), &clusters);
        // The commands block their thread; the clusters' proxies go on beside them.
        let ran = tokio::task::spawn_blocking(move || run(&page, &lab)).await;
        wrong.extend(ran.unwrap());
        for cluster in clusters {
            cluster.end().await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Where people have them: one file with a context for each cluster, and what `bed up --dir ~/bed`
/// writes.
fn write_kubeconfigs(home: &Path, clusters: &[Cluster]) {
    let mut all = json!({"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []});
    fs::create_dir_all(home.join(".kube")).unwrap();
    fs::create_dir_all(home.join("bed")).unwrap();
    for cluster in clusters {
        let text = fs::read_to_string(cluster.kubeconfig()).unwrap();
        fs::write(home.join("bed").join(format!("{}.kubeconfig", cluster.name())), &text).unwrap();
        let mut one: Value = serde_json::from_str(&text).unwrap();
        for list in ["clusters", "users", "contexts"] {
            let entry = &mut one[list][0];
            entry["name"] = cluster.name().into();
            if list == "contexts" {
                entry["context"] = json!({"cluster": cluster.name(), "user": cluster.name()});
            }
            all[list].as_array_mut().unwrap().push(entry.take());
        }
    }
    if let Some(first) = clusters.first() {
        all["current-context"] = first.name().into();
    }
    fs::write(home.join(".kube/config"), all.to_string()).unwrap();
}

#[test]
fn every_file_that_a_page_shows_whole_is_valid() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for page in pages::all() {
        for block in page.blocks().iter().filter(|b| b.language == "yaml") {
            let text = block.lines.join("\n");
            if !text.contains("apiVersion: tidegate.dev/v1") {
                continue;
            }
            seen += 1;
            let at = format!("{}:{}", page.path, block.line);
            let file: Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{at}: {e}"));
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == file["kind"]);
            let Some(kind) = kind else {
                wrong.push(format!("{at}: the kind {} is unknown", file["kind"]));
                continue;
            };
            let validator = jsonschema::draft7::new(&schema::of(kind)).unwrap();
            wrong.extend(validator.iter_errors(&file).map(|e| format!("{at}: {}: {e}", e.instance_path())));
        }
    }
    assert!(seen >= Kind::ALL.len(), "only {seen} files were found on the pages");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_of_files_names_every_field() {
    let page = pages::page("docs/files.md");
    let mut missing = BTreeSet::new();
    for kind in Kind::ALL {
        let mut fields = BTreeSet::new();
        fields_of(&schema::of(kind), &mut fields);
        missing.extend(
            fields
                .into_iter()
                .filter(|f| !page.text.contains(&format!("`{f}`")))
                .map(|f| format!("{kind}: {f}")),
        );
    }
    assert!(missing.is_empty(), "docs/files.md does not name: {missing:?}");
}

/// The names of all properties in a schema.
fn fields_of(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        found.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|v| fields_of(v, found)),
        Value::Array(list) => list.iter().for_each(|v| fields_of(v, found)),
        _ => {}
    }
}

#[test]
fn the_page_of_commands_names_every_command_flag_and_exit_code() {
    let page = pages::page("docs/commands.md");
    let mut missing = Vec::new();
    commands_of(&tidegate::cli::args::Args::command(), "tidegate", &page.text, &mut missing);
    for code in tidegate::output::exit::Code::ALL {
        if !page.text.contains(&format!("| {} |", code.number())) {
            missing.push(format!("exit code {}", code.number()));
        }
    }
    assert!(missing.is_empty(), "docs/commands.md does not name: {missing:?}");
}

fn commands_of(command: &clap::Command, path: &str, page: &str, missing: &mut Vec<String>) {
    for argument in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
        if let Some(long) = argument.get_long()
            && !page.contains(&format!("--{long}"))
        {
            missing.push(format!("{path} --{long}"));
        }
    }
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        if sub.get_subcommands().next().is_none() && !page.contains(&format!("`{path}")) {
            missing.push(path.clone());
        }
        commands_of(sub, &path, page, missing);
    }
}

#[test]
fn the_page_of_events_names_every_event() {
    let page = pages::page("docs/events.md");
    let source = fs::read_to_string(pages::root().join("src/journal/event/body.rs")).unwrap();
    let names: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("#[serde(rename = \"")?.split('"').next())
        .filter(|name| name.contains('.'))
        .collect();
    assert!(names.len() > 30, "only {names:?} were found");
    let missing: Vec<_> =
        names.into_iter().filter(|name| !page.text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/events.md does not name: {missing:?}");
}

#[test]
fn the_page_of_json_names_every_kind() {
    let page = pages::page("docs/json.md");
    let mut files = Vec::new();
    pages::below(&pages::root().join("src"), "rs", &mut files);
    let texts: Vec<String> = files.iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    let kinds: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.split("const KIND: &'static str = \"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(kinds.len() > 8, "only {kinds:?} were found");
    let missing: Vec<_> =
        kinds.into_iter().filter(|kind| !page.text.contains(&format!("`{kind}`"))).collect();
    assert!(missing.is_empty(), "docs/json.md does not name: {missing:?}");
}

#[test]
fn the_page_of_dependencies_names_every_one() {
    let page = pages::page("docs/design/dependencies.md");
    let manifest = fs::read_to_string(pages::root().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut missing = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies")
            && let Some((name, _)) = line.split_once('=')
            && !page.text.contains(&format!("`{}`", name.trim()))
        {
            missing.push(name.trim());
        }
    }
    assert!(missing.is_empty(), "docs/design/dependencies.md does not name: {missing:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages::all() {
        let file = pages::root().join(&page.path);
        for (number, line) in page.text.lines().enumerate() {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if let Some(why) = broken(&page, &file, link) {
                    dead.push(format!("{}:{}: {link}: {why}", page.path, number + 1));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// Why a link leads nowhere, if it does. The book has docs/ alone, so no page in it links out of it.
fn broken(page: &Page, file: &Path, link: &str) -> Option<&'static str> {
    if link.contains("://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { file.to_owned() } else { file.parent().unwrap().join(path) };
    let Ok(target) = target.canonicalize() else { return Some("there is no such file") };
    let docs = pages::root().join("docs").canonicalize().unwrap();
    if page.path.starts_with("docs/") && !target.starts_with(&docs) {
        return Some("it leaves docs/, and so the book");
    }
    let text = fs::read_to_string(&target).unwrap_or_default();
    let found = anchor.is_empty() || headings(&text).any(|heading| slug(heading) == anchor);
    (!found).then_some("the page has no such heading")
}

/// The headings of a page, without those that stand in fenced blocks.
fn headings(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter_map(move |line| {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.strip_prefix('#').filter(|_| !fenced)?;
        Some(heading.trim_start_matches('#').trim())
    })
}

/// What a heading is called in a link.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn the_book_has_every_page_once() {
    let summary = pages::page("docs/SUMMARY.md").text;
    let wrong: Vec<String> = pages::all()
        .iter()
        .filter_map(|page| page.path.strip_prefix("docs/").filter(|path| *path != "SUMMARY.md"))
        .map(|path| (path, summary.matches(&format!("]({path})")).count()))
        .filter(|(_, times)| *times != 1)
        .map(|(path, times)| format!("{path} stands {times} times in docs/SUMMARY.md"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_link_to_a_heading_is_written_as_the_book_has_it() {
    assert_eq!(slug("How entries work together"), "how-entries-work-together");
    assert_eq!(slug("`spec.deploy[]`: steps"), "specdeploy-steps");
    let found: Vec<&str> = headings("# One\n```\n# no\n```\n### Two\n").collect();
    assert_eq!(found, ["One", "Two"]);
}
