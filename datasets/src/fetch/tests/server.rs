//! As much of an HTTP server as a download needs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// How the server behaves, answer by answer.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// The bytes asked for.
    Full,
    /// The bytes asked for, but the connection closes after this many bytes of the body.
    Cut(usize),
    /// The whole file, whatever range was asked for.
    NoRanges,
    /// A status without a file.
    Status(u16),
}

/// A server of one file that gives `answers` in turn and then stops.
pub(super) struct Server {
    pub(super) url: String,
    /// Start of the range each request asked for; `None` for the whole file.
    pub(super) asked: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    pub(super) fn start(content: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/set.tgz", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answers) = (asked.clone(), answers.to_vec());
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty());
                let start = lines.filter_map(|l| range(&l.to_ascii_lowercase())).last();
                log.lock().unwrap().push(start);
                // A download that gives up early closes the connection; that is its right.
                let _ = stream.write_all(&reply(&content, answer, start));
            }
        });
        Self { url, asked }
    }
}

fn range(line: &str) -> Option<usize> {
    line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
}

fn reply(content: &[u8], answer: Answer, start: Option<usize>) -> Vec<u8> {
    let total = content.len();
    let (status, extra, body) = match (answer, start) {
        (Answer::Status(code), _) => (code, String::new(), &[][..]),
        (Answer::Full | Answer::Cut(_), Some(start)) if start >= total => {
            (416, format!("Content-Range: bytes */{total}\r\n"), &[][..])
        }
        (Answer::Full | Answer::Cut(_), Some(start)) => {
            (206, format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1), &content[start..])
        }
        _ => (200, String::new(), content),
    };
    let length = body.len();
    let body = match answer {
        Answer::Cut(after) => &body[..after.min(length)],
        _ => body,
    };
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n{extra}Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}
