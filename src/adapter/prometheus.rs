//! Prometheus by its HTTP API (`/api/v1/query_range`, prometheus.io/docs/prometheus/latest/querying/api).
//! It decides the deadline and the most that is read; what samples mean is for the gate.

use std::time::Duration;

use async_trait::async_trait;

use super::web::{cause, choose_ring};
use crate::port::{Fault, MetricRequest, Metrics};

/// How long one question may take, connecting included.
const DEADLINE: Duration = Duration::from_secs(20);

/// The most bytes of an answer.
const MOST: usize = 16 * 1024 * 1024;

/// Asks servers over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prometheus;

/// An answer of the API.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    #[serde(default)]
    result: Vec<Series>,
}

#[derive(serde::Deserialize)]
struct Series {
    #[serde(default)]
    values: Vec<(f64, String)>,
}

#[async_trait]
impl Metrics for Prometheus {
    async fn range(&self, request: MetricRequest) -> Result<Vec<Vec<f64>>, Fault> {
        let url = format!("{}/api/v1/query_range", request.server.trim_end_matches('/'));
        choose_ring();
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            // A redirect could carry the token somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::permanent(format!("preparing a request: {}", cause(error))))?;
        let form = [
            ("query", request.query),
            ("start", request.from.to_string()),
            ("end", request.to.to_string()),
            ("step", format!("{}s", request.step.std().as_secs().max(1))),
        ];
        let mut asked = client.post(url).form(&form);
        if let Some(token) = &request.token {
            asked = asked.bearer_auth(token.expose());
        }
        let mut answer = asked.send().await.map_err(|error| Fault::transient(cause(error)))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| Fault::transient(cause(error)))? {
            if bytes.len() + chunk.len() > MOST {
                return Err(Fault::permanent(format!("the answer has more than {MOST} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let read: Answered = serde_json::from_slice(&bytes)
            .map_err(|_| Fault::transient(format!("it answered {status}, and not as Prometheus does")))?;
        match read {
            Answered { status, data: Some(data), .. } if status == "success" => match data
                .result_type
                .as_str()
            {
                "matrix" => Ok(data
                    .result
                    .into_iter()
                    .map(|series| series.values.iter().filter_map(|(_, text)| text.parse().ok()).collect())
                    .collect()),
                other => Err(Fault::permanent(format!("the query gives a {other}, not a range of numbers"))),
            },
            Answered { error, .. } => {
                Err(Fault::transient(error.unwrap_or_else(|| format!("it answered {status}"))))
            }
        }
    }
}
