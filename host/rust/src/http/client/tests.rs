//! The promises of `wit/http.wit`, against raw listeners.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A server on loopback that treats every connection as told, and says what it was sent.
struct Server {
    url: String,
    received: mpsc::UnboundedReceiver<String>,
}

impl Server {
    /// Reads one request from each connection and writes `answer` if there is one; then `end` decides about the connection.
    async fn answering(answer: &'static str, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let sender = sender.clone();
                tokio::spawn(async move {
                    let request = read_request(&mut connection).await;
                    if sender.send(request).is_err() {
                        return;
                    }
                    connection.write_all(answer.as_bytes()).await.unwrap();
                    match end {
                        End::Close => {}
                        End::Hang => std::future::pending().await,
                    }
                });
            }
        });
        Self { url, received }
    }

    fn client(&self) -> Client {
        Client::new([Origin::of(&self.url).unwrap()])
    }

    fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

#[derive(Clone, Copy)]
enum End {
    Close,
    Hang,
}

async fn read_request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).await.unwrap_or_default();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if read == 0 || complete {
            return text.into_owned();
        }
    }
}

fn request(url: &str) -> Request {
    Request {
        method: Method::Post,
        url: url.into(),
        headers: vec![Header { name: "x-amz-access-token".into(), value: "Atza|token-value".into() }],
        body: "client_secret=secret-value".into(),
        time_limit: Duration::from_secs(20),
        body_limit: 1000,
        not_after: None,
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-amzn-requestid: abc\r\n\r\nhi";

#[tokio::test]
async fn a_request_arrives_as_it_was_given_and_its_answer_comes_back() {
    let mut server = Server::answering(OK, End::Hang).await;

    let response = server.client().send(request(&format!("{}/path?a=b", server.url))).await.unwrap();

    assert_eq!((response.status, response.body.expose()), (200, b"hi".as_slice()));
    let id = response.headers.iter().find(|header| header.name == "x-amzn-requestid").unwrap();
    assert_eq!(id.value.expose(), b"abc");
    let [received] = server.requests().try_into().unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /path?a=b HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, "client_secret=secret-value");
    let mut names: Vec<_> = head.lines().skip(1).map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-length", "host", "x-amz-access-token"], "nothing identifies this host");
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_sees_no_connection() {
    let mut server = Server::answering(OK, End::Close).await;
    let client = Client::new([Origin::of("https://api.amazon.com").unwrap()]);

    let error = client.send(request(&server.url)).await.unwrap_err();

    assert_eq!(error, Error::Forbidden(server.url.clone()));
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn scheme_host_and_port_must_be_allowed() {
    let client = Client::new([Origin::of("https://api.amazon.com").unwrap()]);
    for url in [
        "http://api.amazon.com/auth/o2/token",
        "https://api.amazon.com:444/auth/o2/token",
        "https://api.amazon.com.evil.example/auth/o2/token",
        "https://api.amazon.com@evil.example/auth/o2/token",
        "https://user:password@api.amazon.com/auth/o2/token",
        "ftp://api.amazon.com/",
        "file:///etc/passwd",
    ] {
        let error = client.send(request(url)).await.unwrap_err();
        assert!(matches!(&error, Error::Forbidden(text) if !text.contains("password")), "{url} {error:?}");
    }
    assert!(matches!(client.send(request("no url")).await, Err(Error::NotSent(_))));
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let error = Client::new([Origin::of(&url).unwrap()]).send(request(&url)).await.unwrap_err();

    assert!(matches!(&error, Error::NotSent(text) if text.contains(&url)), "{error:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_not_sent() {
    // No resolver asks anybody for a label of more than 63 bytes.
    let url = format!("https://{}.example", "x".repeat(70));

    let error = Client::new([Origin::of(&url).unwrap()]).send(request(&url)).await.unwrap_err();

    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });

    let error = Client::new([Origin::of(&url).unwrap()]).send(request(&url)).await.unwrap_err();

    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_has_an_unknown_outcome() {
    let mut server = Server::answering("", End::Close).await;

    let error = server.client().send(request(&server.url)).await.unwrap_err();

    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
    assert_eq!(server.requests().len(), 1, "the request was sent once and not repeated");
}

#[tokio::test]
async fn a_connection_closed_as_soon_as_it_was_accepted_has_an_unknown_outcome() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = tokio::spawn(async move {
        let mut accepted = 0;
        while let Ok(Ok(_)) = timeout(Duration::from_millis(300), listener.accept()).await {
            accepted += 1;
        }
        accepted
    });

    let error = Client::new([Origin::of(&url).unwrap()]).send(request(&url)).await.unwrap_err();

    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
    assert_eq!(accepted.await.unwrap(), 1, "no second connection was tried");
}

#[tokio::test]
async fn an_answer_cut_in_its_body_has_an_unknown_outcome() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", End::Close).await;

    let error = server.client().send(request(&server.url)).await.unwrap_err();

    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_within_the_time_limit() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"] {
        let server = Server::answering(answer, End::Hang).await;
        let mut request = request(&server.url);
        request.time_limit = Duration::from_millis(100);

        let error = timeout(Duration::from_secs(20), server.client().send(request)).await.unwrap().unwrap_err();

        assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let elsewhere = Server::answering(OK, End::Close).await;
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let server = Server::answering(answer.leak(), End::Close).await;
    let client = Client::new([&elsewhere.url, &server.url].map(|url| Origin::of(url).unwrap()));

    let response = client.send(request(&server.url)).await.unwrap();

    assert_eq!(response.status, 307);
    let mut elsewhere = elsewhere;
    assert_eq!(elsewhere.requests(), [""; 0]);
}

#[tokio::test]
async fn a_body_longer_than_the_limit_is_not_read_to_its_end() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n200\r\n".to_owned()
        + &"x".repeat(512)
        + "\r\n200\r\n"
        + &"x".repeat(512);
    for answer in [announced, endless.leak()] {
        let server = Server::answering(answer, End::Hang).await;
        assert_eq!(server.client().send(request(&server.url)).await.unwrap_err(), Error::TooLarge);
    }

    let exact = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_owned() + &"x".repeat(1000);
    let server = Server::answering(exact.leak(), End::Hang).await;
    assert_eq!(server.client().send(request(&server.url)).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn a_connection_that_the_server_gave_up_is_not_used_again() {
    // It says keep-alive and closes, the usual race of kept connections.
    let mut server = Server::answering(OK, End::Close).await;
    let client = server.client();

    for _ in 0..20 {
        client.send(request(&server.url)).await.unwrap();
    }

    assert_eq!(server.requests().len(), 20, "each request was sent once");
}

#[tokio::test]
async fn rule_9_no_error_shows_query_body_or_header() {
    let server = Server::answering("", End::Close).await;
    let mut texts = Vec::new();
    for url in [
        format!("{}/?secret-value", server.url),
        "http://127.0.0.1:1/?secret-value".into(),
        "https://x.example/?secret-value".into(),
    ] {
        let client = Client::new([&server.url, "http://127.0.0.1:1"].map(|url| Origin::of(url).unwrap()));
        let error = client.send(request(&url)).await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
    }
    let mut bad = request(&server.url);
    bad.headers[0].value = "secret-value\n".into();
    let error = server.client().send(bad).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)));
    texts.push(format!("{error} {error:?}"));

    for text in texts {
        assert!(!text.contains("-value"), "{text}");
    }
}

#[tokio::test]
async fn a_post_without_a_body_says_that_its_length_is_0() {
    let mut server = Server::answering(OK, End::Hang).await;
    let client = server.client();
    let empty = |method| Request { method, body: Secret::default(), ..request(&server.url) };

    client.send(empty(Method::Post)).await.unwrap();
    client.send(empty(Method::Get)).await.unwrap();

    let [post, get] = server.requests().try_into().unwrap();
    assert_eq!(post.to_lowercase().matches("content-length: 0\r\n").count(), 1, "{post}");
    assert!(!get.to_lowercase().contains("content-length"), "{get}");
}

mod not_after {
    use super::*;
    use crate::clock::ManualClock;

    const NOW: u64 = 1_767_996_000_000;

    #[tokio::test]
    async fn a_request_whose_time_is_not_over_is_sent() {
        let mut server = Server::answering(OK, End::Hang).await;
        let client = server.client().clock(ManualClock::new(NOW));

        let response = client.send(Request { not_after: Some(NOW), ..request(&server.url) }).await.unwrap();

        assert_eq!(response.status, 200);
        assert_eq!(server.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_request_whose_time_is_over_sees_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::new([Origin::of(&url).unwrap()]).clock(ManualClock::new(NOW));

        let error = client.send(Request { not_after: Some(NOW - 1), ..request(&url) }).await.unwrap_err();

        assert!(matches!(&error, Error::NotSent(text) if text.contains("its time was over")), "{error:?}");
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_, first) = listener.accept().await.unwrap();
        assert_eq!(first, ours.local_addr().unwrap(), "no connection came before this one");
    }

    /// Shows the last instant of the limit when it is read first, and is beyond it afterwards, as if the machine had been
    /// suspended while a connection was made.
    struct Suspended(std::sync::atomic::AtomicU64);

    impl Clock for Suspended {
        fn now(&self) -> u64 {
            NOW + self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_request_whose_time_is_over_when_its_connection_is_ready_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::new([Origin::of(&url).unwrap()]).clock(Suspended(0.into()));

        let error = client.send(Request { not_after: Some(NOW), ..request(&url) }).await.unwrap_err();

        assert!(matches!(&error, Error::NotSent(text) if text.contains("its time was over")), "{error:?}");
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut sent = Vec::new();
        connection.read_to_end(&mut sent).await.unwrap();
        assert!(sent.is_empty(), "a connection came, and nothing was sent on it");
    }
}
