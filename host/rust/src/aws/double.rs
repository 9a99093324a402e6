//! A listener that speaks as much of AWS's JSON protocol as tests need.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::Aws;

/// A loopback server that gives its answers one after the other, the last again and again, and keeps what it was asked.
pub(crate) struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn answering(answers: &'static [(u16, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                let mut buffer = [0; 8192];
                while !String::from_utf8_lossy(&request).ends_with('}') {
                    let read = connection.read(&mut buffer).await.unwrap();
                    request.extend_from_slice(&buffer[..read]);
                }
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(String::from_utf8(request).unwrap());
                    seen.len()
                };
                let (status, body) = answers[(number - 1).min(answers.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Settings that have every service here.
    pub(crate) fn aws(&self) -> Aws {
        Aws::new().endpoint(&self.url).unwrap().access_key("AKIAEXAMPLE", "secret".into())
    }

    /// The requests, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The operations that were asked for, with their inputs.
    pub(crate) fn operations(&self) -> Vec<(String, Value)> {
        let operation = |request: &String| {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let target = head.lines().find_map(|line| line.strip_prefix("x-amz-target: ")).unwrap();
            (target.rsplit('.').next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
        };
        self.requests().iter().map(operation).collect()
    }
}
