//! An HTTP proxy that makes tunnels.

use std::io::{Read, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Its address, and the heads of what it was asked.
pub fn serve() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut inside = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                inside.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let outside = TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
            asked.lock().unwrap().push(head);
            inside.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            for (mut from, mut to) in [(inside.try_clone().unwrap(), outside.try_clone().unwrap()), (outside, inside)] {
                // Either side may go away at any time.
                thread::spawn(move || copy(&mut from, &mut to).and_then(|_| to.shutdown(std::net::Shutdown::Write)));
            }
        }
    });
    (address, heads)
}
