//! What a journal says happened when: claims and ends of attempts, in order.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

/// One attempt's time on its cluster.
#[derive(Debug, Clone)]
pub struct Span {
    /// The cluster.
    pub cluster: String,
    /// Wave and pool, as planned.
    pub pool: (String, String),
    /// The position of the claim.
    pub from: u64,
    /// The position of the end, or of a deferral; `u64::MAX` while it goes on.
    pub to: u64,
}

/// Attempts of one stretch of a journal.
#[derive(Debug)]
pub struct Timeline {
    spans: Vec<Span>,
    order: Vec<(String, String)>,
}

impl Timeline {
    /// Reads events that begin with, or before, a `rollout.planned`.
    pub fn of(events: &[Value]) -> Self {
        let plan = &events.iter().find(|e| e["event"] == "rollout.planned").expect("a plan")["plan"];
        let mut order = Vec::new();
        let mut pools = std::collections::BTreeMap::new();
        for wave in plan["waves"].as_array().unwrap() {
            for pool in wave["pools"].as_array().unwrap() {
                let id = (text(&wave["name"]), text(&pool["name"]));
                order.push(id.clone());
                for cluster in pool["clusters"].as_array().unwrap() {
                    pools.insert(text(&cluster["name"]), id.clone());
                }
            }
        }
        let mut spans: Vec<Span> = Vec::new();
        for event in events {
            let seq = event["seq"].as_u64().unwrap();
            let cluster = text(&event["cluster"]);
            match event["event"].as_str().unwrap() {
                "attempt.claimed" => {
                    let pool = pools[&cluster].clone();
                    spans.push(Span { cluster, pool, from: seq, to: u64::MAX });
                }
                "attempt.finished" => end(&mut spans, &cluster, seq),
                "attempt.preflighted" if event["verdict"] == "deferred" => end(&mut spans, &cluster, seq),
                _ => {}
            }
        }
        Self { spans, order }
    }

    /// Panics unless every cluster of a pool ended before the first of the next began.
    #[track_caller]
    pub fn pools_follow_one_another(&self) {
        for pair in self.order.windows(2) {
            let last = self.spans.iter().filter(|s| s.pool == pair[0]).map(|s| s.to).max().unwrap_or(0);
            let first =
                self.spans.iter().filter(|s| s.pool == pair[1]).map(|s| s.from).min().unwrap_or(u64::MAX);
            assert!(last < first, "{:?} began at {first}, before {:?} ended at {last}", pair[1], pair[0]);
        }
    }

    /// The most of these clusters that were at work at once.
    pub fn most_at_once(&self, clusters: &[&str]) -> usize {
        let of: Vec<_> = self.spans.iter().filter(|s| clusters.contains(&s.cluster.as_str())).collect();
        of.iter().map(|s| of.iter().filter(|o| o.from <= s.from && s.from < o.to).count()).max().unwrap_or(0)
    }

    /// Whether two clusters were at work at the same time.
    pub fn overlap(&self, a: &str, b: &str) -> bool {
        let of =
            |name: &str| self.spans.iter().filter(move |s| s.cluster == name).cloned().collect::<Vec<_>>();
        of(a).iter().any(|x| of(b).iter().any(|y| x.from < y.to && y.from < x.to))
    }
}

fn end(spans: &mut [Span], cluster: &str, seq: u64) {
    if let Some(span) = spans.iter_mut().rev().find(|s| s.cluster == cluster && s.to == u64::MAX) {
        span.to = seq;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
