//! Every code a finding can carry, one file for each range.
//!
//! A code is stable: its number and name never change meaning, and a number is never used again.
//! Ranges: TG00xx files and YAML, TG01xx kinds, TG02xx catalog, TG03xx resolving, pins and plans,
//! TG04xx rendering, TG05xx git, releases and locks, TG06xx clusters and applying, TG07xx
//! rollouts, TG08xx journal and driver, TG09xx the tool and its environment, TG10xx what is newer.

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `TG` and four digits.
    pub id: &'static str,
    /// A short name in kebab case.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A paragraph: why it is a finding, and what to do about it.
    pub help: &'static str,
}

/// Declares the codes of one range, and `ALL`, the list of them.
macro_rules! codes {
    ($($static:ident = $id:literal $name:literal $summary:literal $help:literal;)*) => {
        $(
            #[doc = concat!($id, ": ", $summary)]
            pub static $static: $crate::diag::codes::Code = $crate::diag::codes::Code {
                id: $id,
                name: $name,
                summary: $summary,
                help: $help,
            };
        )*
        /// Every code of this range.
        pub(super) const ALL: &[&$crate::diag::codes::Code] = &[$(&$static),*];
    };
}

/// Declares the files, re-exports their statics and lists them with their ranges.
macro_rules! ranges {
    ($($module:ident = $range:literal;)*) => {
        $(
            mod $module;
            // A range without codes yet has nothing to re-export.
            #[allow(unused_imports)]
            pub use $module::*;
        )*
        /// The files with the digits their codes begin with.
        const RANGES: &[(&str, &[&Code])] = &[$(($range, $module::ALL)),*];
    };
}

ranges! {
    files = "TG00";
    model = "TG01";
    catalog = "TG02";
    resolve = "TG03";
    plan = "TG03";
    render = "TG04";
    release = "TG05";
    cluster = "TG06";
    rollout = "TG07";
    journal = "TG08";
    tool = "TG09";
    lcm = "TG10";
    bump = "TG10";
}

/// Every code, in the order of the ranges.
pub fn all() -> impl Iterator<Item = &'static Code> {
    RANGES.iter().flat_map(|(_, codes)| codes.iter().copied())
}

/// What goes wrong, and how it reads when it is mended, or the command that helps: a section for
/// each code, headed by its id.
const EXAMPLES: &str = include_str!("examples.txt");

impl Code {
    /// An example: lines of a file or commands, with what is said about them behind `#`.
    pub fn example(&self) -> Option<&'static str> {
        sections().find(|(number, _)| self.id.strip_prefix("TG") == Some(number)).map(|(_, text)| text)
    }
}

/// The numbers of the examples' codes with their lines.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    // A head is a line of its own, and no line of an example begins as one does.
    let (_, all) = EXAMPLES.split_once("TG").unwrap_or_default();
    all.split("\nTG")
        .filter_map(|section| section.split_once('\n'))
        .map(|(number, text)| (number, text.trim_end()))
}

/// The code with this id (`TG0101`, in any letter case) or name (`unknown-field`).
pub fn find(id_or_name: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id_or_name) || code.name == id_or_name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_example_belongs_to_a_code_and_says_something() {
        let mut seen = BTreeSet::new();
        for (number, text) in sections() {
            assert!(find(&format!("TG{number}")).is_some(), "there is no code TG{number}");
            assert!(seen.insert(number), "TG{number} has two examples");
            assert!(!text.trim().is_empty(), "the example of TG{number} is empty");
        }
        assert!(seen.len() > 180, "{}", seen.len());
        assert_eq!(UNKNOWN_FIELD.example(), Some("  atonce: 4       # did you mean `atOnce`?\n  atOnce: 4"));
    }

    #[test]
    fn every_id_and_every_name_is_used_once() {
        let ids: BTreeSet<&str> = all().map(|code| code.id).collect();
        let names: BTreeSet<&str> = all().map(|code| code.name).collect();
        assert_eq!(ids.len(), all().count());
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn every_id_is_tg_and_four_digits_in_the_range_of_its_file() {
        for (range, codes) in RANGES {
            for code in *codes {
                assert!(code.id.starts_with(range), "{} is not in {range}", code.id);
                let digits = code.id.trim_start_matches("TG");
                assert!(digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()), "{}", code.id);
            }
        }
    }

    #[test]
    fn every_code_has_a_kebab_name_a_summary_and_help() {
        for code in all() {
            assert!(!code.summary.is_empty(), "{}", code.id);
            assert!(code.help.len() > code.summary.len(), "{}", code.id);
            assert!(
                code.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                code.name
            );
        }
    }
}
