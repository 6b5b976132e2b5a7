//! An API server that says who it is and who holds its lease, and has nothing else.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Where it answers.
pub async fn serve(uid: &str, holder: Option<&str>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let identity = serde_json::json!({"metadata": {"name": "kube-system", "uid": uid}}).to_string();
    let lease = holder.map(|holder| serde_json::json!({"spec": {"holderIdentity": holder}}).to_string());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (identity, lease) = (identity.clone(), lease.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut byte = [0_u8; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let body = match head.split(' ').nth(1).unwrap_or_default() {
                    "/api/v1/namespaces/kube-system" => Some(identity),
                    "/version" => Some(r#"{"major":"1","minor":"36","gitVersion":"v1.36.0"}"#.to_owned()),
                    path if path.contains("/leases/") => lease,
                    _ => None,
                };
                let (status, body) = match body {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", r#"{"kind":"Status","code":404}"#.to_owned()),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}
