//! Where images have their news: mirrors, hosts and policies out of the registries of a config.
//!
//! k8s-platform-lcm decides by an image's name alone, wherever it is pulled from; here a mirror says where a copy
//! is and what it is a copy of. Where a config names no place, nothing is guessed: it is told.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::asked::{Asked, Known, is_host};
use super::config::{Config, Override};
use super::images::read;
use super::reader::{Reader, Word};
use super::types::Found;
use crate::diag::{Finding, codes};

/// More than this many comparisons of names are no config that anybody wrote.
const MOST: usize = 10_000_000;
/// Nor are more mirrors than this.
const MOST_MIRRORS: usize = 10_000;

/// An expression for names.
pub(super) struct Pattern {
    expression: Regex,
    /// The only name that is meant, if the expression is one.
    pub literal: Option<String>,
    /// The same as a policy names things; nothing where it can't.
    glob: Option<String>,
}

impl Pattern {
    /// Reads an expression; one that is none is told.
    pub fn read(reader: &mut Reader, word: &Word) -> Option<Self> {
        let Ok(expression) = Regex::new(&word.value) else {
            reader.wrong_form(word, "regular expression", "a name, or an expression such as `shop/.*`");
            return None;
        };
        let bare = word.value.trim_start_matches('^').trim_end_matches('$');
        let is_name = |text: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
            text.bytes().all(inner)
        };
        let literal = (!bare.is_empty() && is_name(bare)).then(|| bare.to_owned());
        let (front, rest) = bare.strip_prefix(".*").map_or(("**/", bare), |rest| ("**", rest));
        let (rest, back) = rest.strip_suffix(".*").map_or((rest, ""), |rest| (rest, "**"));
        let glob = is_name(rest).then(|| match rest {
            "" => "**".to_owned(),
            rest => format!("{front}{rest}{back}"),
        });
        Some(Self { expression, literal, glob })
    }

    pub fn fits(&self, name: &str) -> bool {
        self.expression.is_match(name)
    }
}

/// What is found, with what it is found by.
struct Places<'c> {
    config: &'c Config,
    /// Registry and name of each image that is listed.
    images: Vec<(String, String)>,
    renamed: BTreeMap<&'c str, &'c Word>,
    /// The names that were used.
    used: BTreeSet<&'c str>,
    mirrors: BTreeMap<String, String>,
    hosts: BTreeMap<String, String>,
    rules: Vec<(String, bool)>,
}

/// Resolves the registries of a config.
pub(super) fn resolve(config: &Config, reader: &mut Reader, found: &mut Found) {
    let patterns: usize = config.overrides.iter().map(|one| one.of.len()).sum();
    let urls: usize = config.redirects.iter().map(|one| one.of.len()).sum();
    let names = config.names.len() + patterns;
    if names.saturating_mul(config.images.len() + urls + config.names.len()) > MOST {
        return too_much(config, reader);
    }
    let images = config.images.iter().filter_map(|word| read(&word.value));
    let mut places = Places {
        config,
        images: images.map(|image| (image.repository.registry, image.repository.name)).collect(),
        renamed: config.names.iter().map(|(name, word)| (name.as_str(), word)).collect(),
        used: BTreeSet::new(),
        mirrors: BTreeMap::new(),
        hosts: BTreeMap::new(),
        rules: Vec::new(),
    };
    let patterns = places.overrides(reader);
    places.redirects(reader);
    places.names(&patterns, reader);
    places.whole(reader);
    if places.mirrors.len() > MOST_MIRRORS {
        return too_much(config, reader);
    }
    found.mirrors = places.mirrors.into_iter().collect();
    found.hosts = places.hosts.into_iter().collect();
    found.policies = places.rules;
    // What is last and says nothing keeps nothing out.
    while found.policies.last().is_some_and(|(_, whole)| !whole) {
        found.policies.pop();
    }
}

fn too_much(config: &Config, reader: &mut Reader) {
    let words = "there are too many images and names to find each other's places";
    let finding = Finding::error(&codes::INVALID_VALUE, words);
    let first =
        config.overrides.iter().flat_map(|one| &one.of).chain(config.names.iter().map(|(_, word)| word));
    reader.wrong(match first.chain(&config.images).next() {
        Some(word) => finding.at(&word.place),
        None => finding,
    });
}

impl<'c> Places<'c> {
    /// Images whose news are asked for elsewhere, by their names.
    fn overrides(&mut self, reader: &mut Reader) -> Vec<Pattern> {
        let config = self.config;
        let mut all = Vec::new();
        for one in &config.overrides {
            let (mut globs, mut all_have) = (Vec::new(), true);
            for word in &one.of {
                let Some(pattern) = Pattern::read(reader, word) else { continue };
                self.by_name(one, word, &pattern, &all, reader);
                all_have &= pattern.glob.is_some();
                globs.extend(pattern.glob.clone());
                all.push(pattern);
            }
            asked_by(one, reader);
            self.rules_of(one, globs, all_have, reader);
        }
        all
    }

    /// The mirrors of one name, at the places that the config knows.
    fn by_name(
        &mut self,
        one: &'c Override,
        word: &Word,
        pattern: &Pattern,
        before: &[Pattern],
        reader: &mut Reader,
    ) {
        let Some(asked) = &one.asked else { return };
        let wanted = format!("{}/{}", asked.host, pattern.literal.as_deref().unwrap_or("NAME"));
        if !asked.path.is_empty() {
            let address = format!("https://{}/{}", asked.host, asked.path);
            return reader.leave_word(
                word,
                "a registry with a path is asked for all of a host's images, not for some",
                format!("write under `hosts`: `host: REGISTRY`, `endpoint: {address}`"),
            );
        }
        let mut at: Vec<(String, String)> = Vec::new();
        for (registry, name) in &self.images {
            if pattern.fits(name) && !before.iter().any(|earlier| earlier.fits(name)) {
                at.push((registry.clone(), name.clone()));
            }
        }
        if let Some(name) = &pattern.literal {
            let hosts = self.config.redirects.iter().flat_map(|redirect| &redirect.of);
            at.extend(
                hosts.filter(|host| is_host(&host.value)).map(|host| (host.value.clone(), name.clone())),
            );
        }
        if at.is_empty() {
            return reader.leave_word(
                word,
                "it is not said where these images are pulled",
                format!("for each write a mirror: `at: REGISTRY/NAME`, `of: {wanted}`"),
            );
        }
        let mut told = BTreeSet::new();
        for (registry, name) in at {
            let of = format!("{}/{}", asked.host, self.renamed(&name));
            told.insert(of.clone());
            self.mirror(format!("{registry}/{name}"), of);
        }
        let told: Vec<String> = told.into_iter().take(3).collect();
        reader.take(&word.way, &word.place, format!("mirrors of {}", told.join(", ")));
    }

    /// The name that an image has upstream.
    fn renamed(&mut self, name: &str) -> String {
        match self.renamed.get_key_value(name) {
            Some((key, word)) => {
                self.used.insert(key);
                word.value.clone()
            }
            None => name.to_owned(),
        }
    }

    /// The first that is said of a place counts.
    fn mirror(&mut self, at: String, of: String) {
        if at != of {
            self.mirrors.entry(at).or_insert(of);
        }
    }

    /// Registries whose images' news are asked for elsewhere.
    fn redirects(&mut self, reader: &mut Reader) {
        let config = self.config;
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for one in &config.redirects {
            let mut globs = Vec::new();
            for word in &one.of {
                if !is_host(&word.value) {
                    reader.wrong_form(word, "registry of images", "`HOST` or `HOST:PORT`, as images name it");
                    continue;
                }
                if !seen.insert(&word.value) {
                    reader.leave_word(word, "the registry stands twice, and the first counts", "take it out");
                    continue;
                }
                globs.push(format!("{}/**", word.value));
                self.redirect(one, word, reader);
            }
            asked_by(one, reader);
            self.rules_of(one, globs, true, reader);
        }
    }

    fn redirect(&mut self, one: &Override, word: &Word, reader: &mut Reader) {
        let Some(Asked { host, path }) = &one.asked else { return };
        let becomes = match path.as_str() {
            "" if *host == word.value => "itself, which needs no word".to_owned(),
            "" => {
                self.mirror(word.value.clone(), host.clone());
                format!("a mirror of {host}")
            }
            path => {
                let address = format!("https://{host}/{path}");
                let becomes = format!("a host that is asked at {address}");
                self.hosts.insert(word.value.clone(), address);
                becomes
            }
        };
        reader.take(&word.way, &word.place, becomes);
    }

    /// Images that have another name upstream.
    fn names(&mut self, patterns: &[Pattern], reader: &mut Reader) {
        let config = self.config;
        for (name, word) in &config.names {
            let is_name =
                |text: &str| format!("a.example/{text}").parse::<crate::model::image::Repository>().is_ok();
            if !is_name(name) || !is_name(&word.value) {
                reader.wrong_form(word, "name of an image, or its key is none", "names such as `shop/web`");
                continue;
            }
            let free = !patterns.iter().any(|pattern| pattern.fits(name));
            let at = if free { self.places_of(name) } else { Vec::new() };
            let is_used = self.used.contains(name.as_str()) || !at.is_empty();
            for (registry, asked) in at {
                self.mirror(format!("{registry}/{name}"), format!("{asked}/{}", word.value));
            }
            match is_used {
                true => reader.take(&word.way, &word.place, format!("a mirror of {}", word.value)),
                false => reader.leave_word(
                    word,
                    "it is not said where this image is pulled",
                    format!("write a mirror: `at: REGISTRY/{name}`, `of: docker.io/{}`", word.value),
                ),
            }
        }
    }

    /// The registries where an image of this name is known to be, each with the one that is asked.
    fn places_of(&self, name: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for redirect in &self.config.redirects {
            let Some(asked) = &redirect.asked else { continue };
            for host in redirect.of.iter().filter(|host| is_host(&host.value)) {
                // With a path it is the host's own address that is another one.
                let of = if asked.path.is_empty() { &asked.host } else { &host.value };
                found.push((host.value.clone(), of.clone()));
            }
        }
        for (registry, _) in self.images.iter().filter(|(_, own)| own == name) {
            if !found.iter().any(|(known, _)| known == registry) {
                found.push((registry.clone(), usual(registry).to_owned()));
            }
        }
        found
    }

    /// Registries of which everything counts.
    fn whole(&mut self, reader: &mut Reader) {
        for (known, word) in &self.config.whole {
            let old = (*known == Known::GcrK8s).then_some("k8s.gcr.io");
            for host in old.into_iter().chain([known.host()]) {
                self.rules.push((format!("{host}/**"), true));
            }
            reader.take(&word.way, &word.place, format!("a policy for {}/**", known.host()));
        }
    }

    /// What an entry says of how far to go; also that it says nothing, since the first that fits counts.
    fn rules_of(&mut self, one: &Override, globs: Vec<String>, all: bool, reader: &mut Reader) {
        let is_whole = one.whole.as_ref().is_some_and(|(is, _)| *is);
        self.rules.extend(globs.into_iter().map(|glob| (glob, is_whole)));
        match &one.whole {
            Some((true, word)) if all => reader.take(&word.way, &word.place, "policies: prereleases count"),
            Some((true, word)) => reader.leave_word(
                word,
                "a policy names things by `*` and `**`, not by expressions",
                "write policies with `prerelease: any` and `variant: ignore` for those that are expressions",
            ),
            Some((false, word)) => reader.drop_word(word, "it is off, as it is if absent"),
            None => {}
        }
    }
}

/// Tells what became of the key that says who is asked.
fn asked_by(one: &Override, reader: &mut Reader) {
    let (Some(asked), Some(by)) = (&one.asked, &one.by) else { return };
    if one.of.is_empty() {
        return reader.drop_word(by, "nothing is named that it would be asked for");
    }
    reader.take(&by.way, &by.place, format!("{} is who is asked", asked.host));
}

/// Who is asked about the images of a registry, if nothing is said of it: itself, if the program knows it, else
/// Docker Hub.
fn usual(registry: &str) -> &'static str {
    match registry {
        "k8s.gcr.io" => Known::GcrK8s.host(),
        other => Known::ALL.into_iter().map(Known::host).find(|host| *host == other).unwrap_or("docker.io"),
    }
}
