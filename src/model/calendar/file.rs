//! What `pipelines/calendar.yaml` can say: windows, in which the fleet may or must not change, and
//! freezes, which somebody declares for a while and answers for.

use super::super::{CalendarName, Document, Duration, Lane, Selector, WaveName, WindowName};
use super::{Moment, Schedule, Subject, Verdict, When, Zone};
use crate::yaml::Spanned;

/// `pipelines/calendar.yaml`.
pub type CalendarFile = Document<CalendarName, Calendar>;

/// Windows and freezes. Where a deny (a freeze is one) and an allow both hold, the deny wins; and
/// if any allow window is for a cluster, one of them must be open.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Calendar {
    /// When changes are allowed, and when they are not: what comes again, or was agreed long before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Spanned<Window>>,
    /// When changes are forbidden for a while; `freeze add` writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Spanned<Freeze>>,
}

/// A window: recurring by `schedule` and `for`, or once, `from` and `until`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Window {
    /// Its name, which no other window and no freeze has.
    pub name: Spanned<WindowName>,
    /// Whether the fleet may change in it, or must not.
    pub kind: Spanned<WindowKind>,
    /// When it begins, again and again: a cron expression of five fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Spanned<Schedule>>,
    /// How long it holds from each beginning, as the clock on the wall counts.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Spanned<Duration>>,
    /// When it begins, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Spanned<When>>,
    /// When it ends, once; a day means its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Spanned<When>>,
    /// The IANA time zone of its local times; needed by all but moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Spanned<Zone>>,
    /// The lanes that it holds for; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<Spanned<Lane>>>,
    /// The waves that it is for; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<Spanned<WaveName>>>,
    /// The clusters that it is for, by label; all if absent. With `waves`, both must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Spanned<Selector>>,
    /// Why, for people who wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Spanned<String>>,
}

/// Whether the fleet may change in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowKind {
    /// It may; and outside of all allow windows that are for a cluster it must not.
    Allow,
    /// It must not.
    Deny,
}

/// A freeze: a deny with an end, an author and a reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Freeze {
    /// Its name, which no other freeze and no window has.
    pub name: Spanned<WindowName>,
    /// When it begins.
    pub from: Spanned<When>,
    /// When it ends; a day means its end.
    pub until: Spanned<When>,
    /// The IANA time zone of its local times; needed by all but moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Spanned<Zone>>,
    /// The lanes that it holds for; `[normal]` if absent, so that hotfixes go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<Spanned<Lane>>>,
    /// The waves that it is for; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<Spanned<WaveName>>>,
    /// The clusters that it is for, by label; all if absent. With `waves`, both must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Spanned<Selector>>,
    /// Who declared it.
    pub author: Spanned<String>,
    /// Why.
    pub reason: Spanned<String>,
    /// When it was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub created: Option<Spanned<jiff::Timestamp>>,
}

/// A window or a freeze.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// A window.
    Window(&'a Spanned<Window>),
    /// A freeze.
    Freeze(&'a Spanned<Freeze>),
}

impl Calendar {
    /// Whether the fleet may change at `now`, as far as `subject` is concerned, and until or from
    /// when. For many subjects at one moment take [`Calendar::moment`] once.
    pub fn at(&self, now: jiff::Timestamp, subject: &Subject<'_>) -> Verdict {
        self.moment(now).verdict(subject)
    }

    /// The calendar at one moment, for many subjects: schedules are looked at once for all.
    pub fn moment(&self, now: jiff::Timestamp) -> Moment<'_> {
        Moment::new(self, now)
    }

    /// The first moment from `now` on at which `subject` may change; none within ten years.
    pub fn next_opening(&self, now: jiff::Timestamp, subject: &Subject<'_>) -> Option<jiff::Timestamp> {
        match self.at(now, subject) {
            Verdict::Open { .. } => Some(now),
            Verdict::Closed(closed) => closed.next_opening,
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.freezes.is_empty()
    }

    /// Every window, then every freeze, in written order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.windows.iter().map(Entry::Window).chain(self.freezes.iter().map(Entry::Freeze))
    }
}

impl<'a> Entry<'a> {
    /// Its name.
    pub fn name(self) -> &'a Spanned<WindowName> {
        match self {
            Self::Window(window) => &window.value.name,
            Self::Freeze(freeze) => &freeze.value.name,
        }
    }

    /// Whether the fleet may change in it; a freeze forbids.
    pub fn kind(self) -> WindowKind {
        match self {
            Self::Window(window) => window.value.kind.value,
            Self::Freeze(_) => WindowKind::Deny,
        }
    }

    /// The waves that it is for, if it names any.
    pub fn waves(self) -> Option<&'a [Spanned<WaveName>]> {
        match self {
            Self::Window(window) => window.value.waves.as_deref(),
            Self::Freeze(freeze) => freeze.value.waves.as_deref(),
        }
    }

    /// The clusters that it is for, if it selects any.
    pub fn selector(self) -> Option<&'a Spanned<Selector>> {
        match self {
            Self::Window(window) => window.value.selector.as_ref(),
            Self::Freeze(freeze) => freeze.value.selector.as_ref(),
        }
    }

    /// The lanes as written.
    pub fn lanes(self) -> Option<&'a [Spanned<Lane>]> {
        match self {
            Self::Window(window) => window.value.lanes.as_deref(),
            Self::Freeze(freeze) => freeze.value.lanes.as_deref(),
        }
    }

    /// Whether it holds for a lane. Without a word about lanes a window holds for all: it was agreed
    /// with those who are served; a freeze only for `normal`: hotfixes are for its time.
    pub fn holds_for(self, lane: Lane) -> bool {
        match (self.lanes(), self) {
            (Some(lanes), _) => lanes.iter().any(|found| found.value == lane),
            (None, Self::Window(_)) => true,
            (None, Self::Freeze(_)) => lane == Lane::Normal,
        }
    }

    /// Whether it is for a subject: its lane, its wave and its labels.
    pub fn is_for(self, subject: &Subject<'_>) -> bool {
        let wave = |waves: &[Spanned<WaveName>]| waves.iter().any(|wave| wave.value == *subject.wave);
        self.holds_for(subject.lane)
            && self.waves().is_none_or(wave)
            && self.selector().is_none_or(|selector| selector.value.matches(subject.labels))
    }
}
