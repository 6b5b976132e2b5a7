//! Why an index, or a chart in it, can't be read; and why only its whole can tell.

/// Why there is nothing to be had from an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Not a byte, or nothing but blanks and comments.
    #[error("the index is empty")]
    Empty,
    /// A page for people: of a login, a proxy, or an address that is no repository.
    #[error("this is an HTML page, not the index of a repository")]
    Html,
    /// YAML can be written in it, but nobody does.
    #[error("the index is written in UTF-16; write it in UTF-8")]
    Utf16,
    /// It is something else.
    #[error("this is no index: it is {0}, where a mapping with `entries` is expected")]
    NoMapping(&'static str),
    /// It is a mapping, of something else.
    #[error("this is no index: it has no `entries` at its top level")]
    NoEntries,
    /// There are entries, but not of charts.
    #[error("`entries` of the index is {0}; expected is a mapping from charts to their versions")]
    BadEntries(&'static str),
    /// Readers differ on which of them counts.
    #[error("`entries` stands twice in the index")]
    EntriesTwice,
    /// Readers differ on which of them counts.
    #[error("there is more text behind the end of the index: a second document?")]
    Documents,
    /// Nothing that is in an index is that long.
    #[error("line {line} of the index has more than {limit} bytes")]
    LongLine {
        /// Its number, from 1.
        line: u64,
        /// The most bytes.
        limit: usize,
    },
    /// It is deeper than anything that is in an index.
    #[error("the index is nested more than {0} levels deep")]
    TooDeep(usize),
    /// The transfer broke, or its writer did.
    #[error("the index breaks off in the middle of {0}")]
    CutOff(&'static str),
    /// It must be read as a whole, and is too large for that.
    #[error("the index has more than {limit} bytes, too many for one that must be read as a whole")]
    TooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// The parser's words.
    #[error("the index can't be read: {0}")]
    Broken(String),
}

/// Why one chart can't be read, though others of the same index can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// Readers differ on which of them counts.
    #[error("the chart stands twice in the index")]
    Twice,
    /// Its versions together take more than anybody should have to read.
    #[error("the versions of the chart take more than {0} bytes of the index")]
    TooLarge(usize),
    /// It has more versions than anybody should have to look at.
    #[error("the chart has more than {0} versions in the index")]
    TooMany(usize),
    /// What stands below its name is no list.
    #[error("expected a list of versions, found {0}")]
    NoList(&'static str),
}

/// Why lines alone don't tell what an index says: it has a form that no tool writes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Brackets and braces, but no JSON.
    #[error("it is written in flow style")]
    Flow,
    /// Something stands for what is written elsewhere, or has a type of its own.
    #[error("it has anchors, aliases or tags where charts are listed")]
    Anchors,
    /// `<<` takes over what is written elsewhere.
    #[error("it has merge keys")]
    Merge,
    /// `? `, or keys that are lists, or of several lines.
    #[error("it has keys that are not simple ones")]
    Keys,
    /// `%`.
    #[error("it has directives")]
    Directives,
    /// The first document is nothing.
    #[error("it has a document of nothing before it")]
    Documents,
    /// A byte order mark may also begin a document, further down.
    #[error("it has a byte order mark that is not at its begin")]
    Mark,
    /// Tabs where spaces indent.
    #[error("it is indented with tabs")]
    Tabs,
    /// Lines that stand where nothing of their kind can stand.
    #[error("it is indented in an unusual way")]
    Indentation,
}
