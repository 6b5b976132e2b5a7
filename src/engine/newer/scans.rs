//! Vulnerabilities are asked for: of each image that is in use or would be, once, however many products and
//! clusters use it. A source that fails is told as silent; one that has not looked at an image is no failure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;

use crate::diag::count;
use crate::digest::Digest;
use crate::lcm::declared::Item;
use crate::lcm::row::Answers;
use crate::lcm::upstream::{Silence, Unanswered};
use crate::model::image::Image;
use crate::port::scans::{Exploits, Scans, Subject};
use crate::port::upstream::Registry;
use crate::report::weekly::security::Pair;
use crate::scan::vulnerabilities::{Kev, Looked, Named, Told};

/// How many questions are open at once; how many of them a host sees is for the adapters.
const AT_ONCE: usize = 64;

/// Who is asked about vulnerabilities.
#[derive(Clone, Default)]
pub struct Scanners {
    /// The sources of scans, in the order in which they count.
    pub sources: Vec<Arc<dyn Scans>>,
    /// What is exploited.
    pub exploits: Option<Arc<dyn Exploits>>,
}

/// What was said about vulnerabilities.
#[derive(Debug, Default)]
pub struct Scanned {
    /// All of it.
    pub looked: Looked,
    /// Who failed, and how.
    pub silent: Vec<(String, Unanswered)>,
    /// How many were asked.
    pub asked: usize,
}

/// Asks about all images of rows.
pub(super) async fn scan(
    pairs: &[Pair],
    answers: &Answers,
    registry: &dyn Registry,
    scanners: &Scanners,
) -> Scanned {
    if scanners.sources.is_empty() {
        return Scanned::default();
    }
    let images: BTreeSet<&Image> = pairs.iter().flat_map(Pair::images).collect();
    let named: Vec<(&Image, Result<Subject, Unanswered>)> = futures::stream::iter(images)
        .map(|image| async move { (image, subject(image, answers, registry).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut subjects: BTreeMap<Digest, BTreeSet<Subject>> = BTreeMap::new();
    let mut images = BTreeMap::new();
    for (image, named) in named {
        let named = match named {
            Ok(subject) => {
                let digest = Some(subject.digest);
                subjects.entry(subject.digest).or_default().insert(subject);
                Named { digest, why: None }
            }
            Err(silent) => Named { digest: None, why: Some(silent.message) },
        };
        images.insert(image.to_string(), named);
    }
    let (told, exploited) = futures::join!(told(subjects, scanners), exploited(scanners));
    let partial = partial(scanners).await;
    let mut silent = silences(&told, scanners, &partial);
    let found = || told.values().flatten().filter_map(|(told, _)| told.report.as_ref());
    let (exploited, exploits_silent) = match exploited {
        Some((_, Ok(kev))) => (Some(kev.only(found().flat_map(|report| &report.vulnerabilities))), None),
        Some((name, Err(failure))) => {
            let why = format!("{name}: {failure}");
            silent.push((name, failure));
            (None, Some(why))
        }
        None => (None, None),
    };
    let sources: Vec<String> = scanners.sources.iter().map(|source| source.name().to_owned()).collect();
    let partial = partial.keys().filter_map(|number| sources.get(*number)).cloned().collect();
    let told =
        told.into_iter().map(|(digest, all)| (digest, all.into_iter().map(|(told, _)| told).collect()));
    Scanned {
        looked: Looked { sources, images, told: told.collect(), partial, exploited, exploits_silent },
        silent,
        asked: scanners.sources.len() + usize::from(scanners.exploits.is_some()),
    }
}

/// What an image's name stands for: its own digest, what a listing told of its tag, or what the registry says.
async fn subject(image: &Image, answers: &Answers, registry: &dyn Registry) -> Result<Subject, Unanswered> {
    let listed = match answers.get(&Item::Image(image.repository.clone())) {
        Some(Ok(answer)) => image.tag.as_ref().and_then(|tag| answer.tags.known.get(tag)).cloned(),
        _ => None,
    };
    let listed = listed.unwrap_or_default();
    let text = match (&image.digest, &listed.digest) {
        (Some(digest), _) | (None, Some(digest)) => digest.clone(),
        (None, None) => registry.digest(image).await?,
    };
    let digest: Digest = text.parse().map_err(|_| {
        Unanswered::new(Silence::Invalid, format!("{image}: only digests of SHA-256 are scanned"))
    })?;
    let own = Image { repository: image.repository.clone(), tag: None, digest: Some(text.clone()) };
    let platforms = match listed.digest.as_ref() == Some(&text) && !listed.children.is_empty() {
        true => listed.children,
        // Whoever can't tell them is asked by the one digest that is known.
        false => registry.platforms(&own).await.unwrap_or_default(),
    };
    let platforms = platforms.iter().filter_map(|digest| digest.parse().ok()).collect();
    Ok(Subject { repository: image.repository.clone(), tag: image.tag.clone(), digest, platforms })
}

/// What a source said, and what kind of silence it was if it said nothing.
type Said = (Told, Option<Unanswered>);

async fn told(
    subjects: BTreeMap<Digest, BTreeSet<Subject>>,
    scanners: &Scanners,
) -> BTreeMap<Digest, Vec<Said>> {
    let questions = subjects.iter().flat_map(|(digest, subjects)| {
        let numbered = scanners.sources.iter().enumerate();
        numbered.map(move |(number, source)| async move { (*digest, number, one(subjects, &**source).await) })
    });
    let mut answered: Vec<(Digest, usize, Said)> =
        futures::stream::iter(questions).buffer_unordered(AT_ONCE).collect().await;
    answered.sort_by_key(|(digest, number, _)| (*digest, *number));
    let mut told: BTreeMap<Digest, Vec<Said>> = BTreeMap::new();
    for (digest, _, said) in answered {
        told.entry(digest).or_default().push(said);
    }
    told
}

/// What one source says of an image, wherever it is kept.
async fn one(subjects: &BTreeSet<Subject>, source: &dyn Scans) -> Said {
    let mut told = Told {
        source: source.name().to_owned(),
        report: None,
        why: None,
        failed: false,
        caveat: source.caveat().map(str::to_owned),
    };
    let mut last: Option<Unanswered> = None;
    for subject in subjects {
        match source.report(subject).await {
            Ok(report) => {
                told.report = Some(report);
                told.caveat = source.caveat_of(subject).await;
                return (told, None);
            }
            // A failure says more than that there is nothing.
            Err(silent) if last.as_ref().is_none_or(|last| last.why == Silence::Missing) => {
                last = Some(silent)
            }
            Err(_) => {}
        }
    }
    told.failed = last.as_ref().is_some_and(|last| last.why != Silence::Missing);
    told.why = last.as_ref().map(|last| last.message.clone());
    (told, last)
}

async fn exploited(scanners: &Scanners) -> Option<(String, Result<Kev, Unanswered>)> {
    let exploits = scanners.exploits.as_ref()?;
    Some((exploits.name().to_owned(), exploits.catalogue().await))
}

/// Which sources have something that they can't tell, by their number.
async fn partial(scanners: &Scanners) -> BTreeMap<usize, Unanswered> {
    let all = scanners.sources.iter().map(|source| source.partial());
    let all = futures::future::join_all(all).await.into_iter().enumerate();
    all.filter_map(|(number, partial)| Some((number, partial?))).collect()
}

/// Which sources failed: each once, in the words of what it can't tell anybody, else of its first failure.
fn silences(
    told: &BTreeMap<Digest, Vec<Said>>,
    scanners: &Scanners,
    partial: &BTreeMap<usize, Unanswered>,
) -> Vec<(String, Unanswered)> {
    let mut silent = Vec::new();
    for (number, source) in scanners.sources.iter().enumerate() {
        if let Some(partial) = partial.get(&number) {
            silent.push((source.name().to_owned(), partial.clone()));
            continue;
        }
        let said = told.values().filter_map(|all| all.get(number)?.1.as_ref());
        let mut failures: Vec<&Unanswered> = said.filter(|silent| silent.why != Silence::Missing).collect();
        // Where a host was not asked any more, that is no reason.
        failures.sort_by_key(|silent| (silent.message.contains("not asked"), silent.message.clone()));
        let Some(first) = failures.first() else { continue };
        let others = match failures.len() - 1 {
            0 => String::new(),
            others => format!(" (and about {} more)", count(others as u64, "image")),
        };
        silent.push((
            source.name().to_owned(),
            Unanswered::new(first.why, format!("{}{others}", first.message)),
        ));
    }
    silent
}
