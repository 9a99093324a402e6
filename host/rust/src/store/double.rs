//! A loopback server that answers in the words of an AWS service, for what whole implementations of one do not do on demand:
//! refuse, throttle, and leave without an answer.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::aws::Aws;

/// What is answered to one request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Ok(&'static str),
    /// With the error's code and its message.
    Refused(&'static str, &'static str),
    Status(u16),
    /// The connection ends without an answer.
    Silence,
    /// Made from the requests so far.
    Like(fn(&[String]) -> String),
}

pub(super) struct Double {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Double {
    /// These answers in their order, and the last one to everything after that.
    pub(super) async fn answering(answers: &[Answer]) -> Self {
        let answers = answers.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = request(&mut connection).await;
                let seen = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request);
                    seen.clone()
                };
                let (status, body) = match answers[(seen.len() - 1).min(answers.len() - 1)] {
                    Answer::Ok(body) => (200, body.to_owned()),
                    Answer::Refused(code, message) => (400, format!(r#"{{"__type":"{code}","message":"{message}"}}"#)),
                    Answer::Status(status) => (status, String::new()),
                    Answer::Silence => continue,
                    Answer::Like(body) => (200, body(&seen)),
                };
                let head = "connection: close\r\ncontent-type: application/x-amz-json-1.1";
                let length = body.len();
                let answer = format!("HTTP/1.1 {status} x\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests }
    }

    pub(super) fn aws(&self) -> Aws {
        let aws = Aws::new().region("eu-west-1").access_key("AKIAEXAMPLE", "secret".into());
        aws.endpoint(&self.url).unwrap()
    }

    /// The operations that were asked for.
    pub(super) fn operations(&self) -> Vec<String> {
        let operation = |request: &String| {
            let target = request.lines().find_map(|line| line.strip_prefix("x-amz-target: ")).unwrap();
            target.rsplit('.').next().unwrap().to_owned()
        };
        self.requests().iter().map(operation).collect()
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// What stands in a request after this text and before the next quotation mark.
pub(super) fn after<'r>(request: &'r str, text: &str) -> &'r str {
    let (_, rest) = request.split_once(text).unwrap();
    rest.split('"').next().unwrap()
}

async fn request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = connection.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            return text.into_owned();
        }
    }
}
