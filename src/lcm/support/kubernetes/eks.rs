//! EKS: the answer of `DescribeClusterVersions` (docs.aws.amazon.com/eks/latest/APIReference). Moments are
//! seconds since 1970 in the interface, and texts in what version 2 of the command prints.

use serde::Deserialize;

use super::super::cycle::Ends;
use super::super::loose::{Leaf, Loose, Shape, Unreadable, document};
use super::super::tidy;
use super::offered::{Reading, day, end};
use super::{Offered, OfferedVersion, Plan, Provider};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Told {
    cluster_versions: Loose<Vec<Loose<ToldVersion>>>,
    next_token: Leaf,
    recorded_at: Leaf,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldVersion {
    cluster_version: Leaf,
    cluster_type: Leaf,
    default_platform_version: Leaf,
    default_version: Leaf,
    kubernetes_patch_version: Leaf,
    release_date: Leaf,
    end_of_standard_support_date: Leaf,
    end_of_extended_support_date: Leaf,
    version_status: Leaf,
    status: Leaf,
}

impl Shape for Told {}
impl Shape for ToldVersion {}

pub(super) fn read(bytes: &[u8]) -> Result<Offered, Unreadable> {
    let told = match document::<Loose<Told>>(bytes)? {
        Loose::Read(told) => told,
        Loose::Other(kind) => return Err(Unreadable(format!("it is {kind}, expected `clusterVersions`"))),
    };
    let Loose::Read(listed) = told.cluster_versions else {
        return Err(Unreadable("it has no list `clusterVersions`".to_owned()));
    };
    let mut reading = Reading::new(Provider::Eks, &told.recorded_at);
    if told.next_token.text().is_some_and(|token| !token.is_empty()) {
        reading.tell("more pages follow, which were not asked for".to_owned());
    }
    for told in listed {
        let Loose::Read(told) = told else {
            reading.tell("an entry of `clusterVersions` is no mapping".to_owned());
            continue;
        };
        // Clusters on Outposts have versions of their own.
        if told.cluster_type.text().is_some_and(|kind| kind != "eks") {
            continue;
        }
        version(&mut reading, &told);
    }
    Ok(reading.done())
}

fn version(reading: &mut Reading, told: &ToldVersion) {
    let Some(version) = reading.version(&told.cluster_version, "a `clusterVersion`") else { return };
    let days = [
        day("releaseDate", &told.release_date),
        day("endOfStandardSupportDate", &told.end_of_standard_support_date),
        day("endOfExtendedSupportDate", &told.end_of_extended_support_date),
    ];
    let wrong: Vec<&String> = days.iter().filter_map(|day| day.as_ref().err()).collect();
    let (plan, odd) = plan(told);
    // A day that nobody can read takes the others with it: half a window would be a wrong one.
    let mut entry = OfferedVersion {
        plan,
        is_default: told.default_version.is_true(),
        ..OfferedVersion::new(version.clone())
    };
    if let [Ok(released), Ok(standard), Ok(extended)] = days {
        entry.released = released;
        entry.ends = Ends { life: end(standard), extended: end(extended), ..Ends::default() };
    } else {
        entry.plan = Plan::Unknown;
    }
    entry.platform = told.default_platform_version.text().map(tidy);
    entry.patch = told.kubernetes_patch_version.text().and_then(|text| text.parse().ok());
    for why in wrong.into_iter().chain(&odd) {
        reading.tell(format!("{version}: {why}"));
    }
    *reading.entry(version) = entry;
}

/// The plan, and what is odd about it.
fn plan(told: &ToldVersion) -> (Plan, Option<String>) {
    // `status` is what the interface had before `versionStatus`, with other letters.
    let leaf = if told.version_status == Leaf::Missing { &told.status } else { &told.version_status };
    match leaf {
        Leaf::Missing => (Plan::Unknown, None),
        Leaf::Text(text) => match text.to_ascii_uppercase().replace('-', "_").as_str() {
            "STANDARD_SUPPORT" => (Plan::Standard, None),
            "EXTENDED_SUPPORT" => (Plan::Extended, None),
            "UNSUPPORTED" => (Plan::Unsupported, None),
            _ => (Plan::Unknown, Some(format!("its status `{}` is not known here", tidy(text)))),
        },
        other => (Plan::Unknown, Some(format!("its status is {}", other.kind()))),
    }
}
