//! HTTP/1.1, one request a connection, and a close look at what came back.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
    without_length: bool,
}

impl<'a> Request<'a> {
    pub fn new(method: &'a str, path: &'a str, body: &'a str) -> Self {
        Self { method, path, headers: Vec::new(), body, without_length: false }
    }

    pub fn get(path: &'a str) -> Self {
        Self::new("GET", path, "")
    }

    pub fn post(path: &'a str, body: &'a str) -> Self {
        Self::new("POST", path, body)
    }

    /// Leaves out `content-length`.
    pub fn without_length(mut self) -> Self {
        self.without_length = true;
        self
    }

    pub fn header(mut self, header: (&'a str, &'a str)) -> Self {
        self.headers.push(header);
        self
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }
}

/// The connection ended before a whole answer.
#[derive(Debug)]
pub struct Lost {
    /// What came before that.
    pub received: String,
}

/// Sends a request and leaves the connection open.
pub fn open(address: SocketAddr, request: &Request<'_>) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    let mut text = format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !request.without_length {
        text += &format!("content-length: {}\r\n", request.body.len());
    }
    text += &format!("\r\n{}", request.body);
    stream.write_all(text.as_bytes()).expect("a request sent");
    stream
}

/// Reads until the connection ends.
pub fn read(mut stream: TcpStream) -> Result<Answer, Lost> {
    let mut bytes = Vec::new();
    // An error here is a connection that was reset; what counts is what came before.
    let _ = stream.read_to_end(&mut bytes);
    let received = String::from_utf8(bytes).expect("text");
    parse(&received).ok_or(Lost { received })
}

pub fn send(address: SocketAddr, request: &Request<'_>) -> Result<Answer, Lost> {
    read(open(address, request))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    (body.len() == length).then(|| Answer { status, headers, body: body.to_owned() })
}
