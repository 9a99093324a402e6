//! Amazon, or whoever answers in its place, gives back what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::program::{SECRET, TARGETS, World};
use crate::{FORMS, WRONG, ask_for_everything, note_files, run, start};

/// A request as a server sees it.
struct Sent {
    /// The headers.
    head: String,
    body: String,
}

impl Sent {
    /// What of it is secret: the access token of SP-API's header, or else the whole body.
    fn secret(&self) -> &str {
        self.head.lines().find_map(|line| line.strip_prefix("x-amz-access-token: ")).unwrap_or(&self.body)
    }

    /// The form's client secret, as it is.
    fn client_secret(&self) -> String {
        let pair = form_urlencoded::parse(self.body.as_bytes()).find(|(name, _)| name == "client_secret");
        pair.map_or_else(|| self.secret().to_owned(), |(_, value)| value.into_owned())
    }
}

/// Answers every request with what `answer` makes of it, for as long as the tests run.
fn mirror(answer: impl Fn(&Sent) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while let Ok(3..) = reader.read_line(&mut head) {
                if head.ends_with("\r\n\r\n") {
                    break;
                }
            }
            let head = head.replace("\r\n", "\n");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            // A client that goes away has had its answer.
            let _ = reader.read_exact(&mut body);
            let sent = Sent { head, body: String::from_utf8_lossy(&body).into_owned() };
            let _ = stream.write_all(answer(&sent).as_bytes());
        }
    });
    url
}

fn answer(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nx-amzn-requestid: {header}\r\nlocation: http://127.0.0.1:1/?{header}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

const STATUSES: [&str; 6] = ["200 OK", "302 Found", "400 Bad", "403 Forbidden", "429 Slow", "500 Error"];

/// What a server may make of what it was sent.
fn echoes() -> Vec<fn(&Sent) -> String> {
    vec![
        |sent| sent.secret().to_owned(),
        |sent| sent.client_secret(),
        |sent| format!("the client secret {} is not one of ours", sent.client_secret()),
        // Cut in the middle, as those do that are careful with long texts.
        |sent| sent.client_secret().chars().take(36).collect::<String>() + "…",
        |sent| sent.client_secret().chars().skip(20).collect(),
        |sent| format!("{}{}", "x".repeat(280), sent.client_secret()),
        |sent| sent.head.replace('\n', " "),
    ]
}

/// The forms in which LWA and SP-API tell errors, and others.
fn bodies(text: &str) -> Vec<String> {
    let text = serde_json::Value::from(text);
    vec![
        format!(r#"{{"error":"invalid_client","error_description":{text}}}"#),
        format!(r#"{{"error":{text},"error_description":"no"}}"#),
        format!(r#"{{"errors":[{{"code":"Unauthorized","message":{text},"details":{text}}}]}}"#),
        format!(r#"{{"errors":[{{"code":{text},"message":"no","details":""}}]}}"#),
        format!(r#"{{"access_token":7,"token_type":{text}}}"#),
        text.as_str().unwrap_or_default().to_owned(),
    ]
}

/// Each echo in each body, the statuses in turn.
fn answers() -> impl Fn(&Sent) -> String + Send {
    let count = std::sync::atomic::AtomicUsize::new(0);
    move |sent| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let echoes = echoes();
        let text = echoes[count % echoes.len()](sent);
        let bodies = bodies(&text);
        let header: String = text.chars().filter(char::is_ascii_graphic).collect();
        let status = STATUSES[count / echoes.len() % STATUSES.len()];
        answer(status, &header, &bodies[count / 3 % bodies.len()])
    }
}

#[test]
fn an_answer_of_lwa_that_repeats_the_secret_or_a_part_of_it_is_not_repeated() {
    let world = World::enrolled();
    ask_for_everything(&world);
    let token_endpoint = format!("token-endpoint = \"{}/auth/o2/token\"", mirror(answers()));
    world.configure(&token_endpoint, TARGETS);
    for round in 0..14 {
        let form = FORMS[round % 2];
        start(&world, form, &["enroll", "shop"], [SECRET, WRONG][round / 2 % 2]).end();
        run(&world, form, &["rotate", "shop", "--dry-run"]);
        run(&world, form, &["rotate", "shop", "--timeout", "0s"]);
    }
    run(&world, FORMS[0], &["status"]);
    assert_eq!(world.count("rotate"), 0);
    note_files(&world, &["shop.env", "shop.json"]);
}

#[test]
fn an_answer_of_sp_api_that_repeats_the_access_token_or_a_part_of_it_is_not_repeated() {
    let world = World::enrolled();
    ask_for_everything(&world);
    world.configure(&format!("api-endpoint = \"{}\"", mirror(answers())), TARGETS);
    for round in 0..14 {
        let form = FORMS[round % 2];
        start(&world, form, &["enroll", "shop"], SECRET).end();
        run(&world, form, &["rotate", "shop", "--dry-run"]);
        run(&world, form, &["rotate", "shop", "--timeout", "0s"]);
        // The next one begins anew.
        std::fs::remove_dir_all(world.path("state")).unwrap();
    }
    note_files(&world, &["shop.env", "shop.json"]);
}

/// A message that cannot be read to its end holds a secret that nobody knows yet.
#[test]
fn an_answer_of_the_queue_that_cannot_be_read_is_not_repeated() {
    const NEW: &str = "amzn1.oa2-cs.v1.3c1d9b07ae52f846";
    let message = |body: &str| format!(r#"{{"Messages":[{{"MessageId":"m","ReceiptHandle":"r","Body":{body}"#);
    let whole = serde_json::Value::from(format!(r#"{{"newClientSecret":"{NEW}"}}"#)).to_string();
    for body in [
        message(&whole),
        message(&format!("\"{NEW}")),
        message(&format!("{whole},\"MD5OfBody\":{{\"{NEW}\":1}}}}]}}")),
        format!(r#"{{"Messages":"{NEW}"}}"#),
        format!(r#"{{"__type":"com.amazonaws.sqs#Unknown","message":"no"}} {NEW}"#),
        format!("<html>{NEW}</html>"),
    ] {
        let world = World::enrolled();
        ask_for_everything(&world);
        world.watch_for(NEW);
        for (status, form) in [("200 OK", FORMS[0]), ("400 Bad", FORMS[1])] {
            let body = body.clone();
            let queue = mirror(move |_| answer(status, "r-1", &body));
            world.set("AWS_ENDPOINT_URL_SQS", &queue);
            run(&world, form, &["rotate", "shop", "--timeout", "0s"]);
        }
        let watch = world.start(&["-vvv", "watch", "--json"]);
        watch.until("it tells of the queue", || watch.stderr().contains("queue") && watch.stderr().contains("WARN"));
        watch.terminate();
        watch.end().done();
        note_files(&world, &["shop.env", "shop.json"]);
    }
}
