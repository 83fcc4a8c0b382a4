//! A headless Chromium, driven through its debugging pipe.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// Errors of scripts and of the console, as text.
    pub(crate) errors: Vec<String>,
    /// Addresses that the page asked for.
    pub(crate) requests: Vec<String>,
    events: VecDeque<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts the program that `CIPHERLAB_CHROMIUM` names.
    pub(crate) fn start() -> Self {
        let program = std::env::var("CIPHERLAB_CHROMIUM").expect("CIPHERLAB_CHROMIUM; .ci/page sets it");
        let profile = tempfile::tempdir().unwrap();
        // The browser reads commands from descriptor 3 and writes messages to descriptor 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", &program])
            .args(["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--window-size=1200,900"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut pipe = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while pipe.read_until(0, &mut bytes).is_ok_and(|count| count > 0) {
                bytes.pop();
                let sent = serde_json::from_slice(&bytes).map(|message| sender.send(message));
                bytes.clear();
                if !matches!(sent, Ok(Ok(()))) {
                    break;
                }
            }
        });
        let mut browser = Self {
            process,
            commands,
            messages,
            session: None,
            last: 0,
            errors: Vec::new(),
            requests: Vec::new(),
            events: VecDeque::new(),
            _profile: profile,
        };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.call("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    }

    /// Opens a file, with this text after its `#`. Returns the processor seconds of the page's thread until its scripts have
    /// run and it is drawn, which other programs on the machine hardly change.
    pub(crate) fn open(&mut self, file: &Path, hash: &str) -> f64 {
        // A new place after the # alone would not load the file again.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait("Page.loadEventFired");
        self.requests.clear();
        let before = self.processor_seconds();
        let file = file.canonicalize().unwrap();
        self.call("Page.navigate", json!({ "url": format!("file://{}#{hash}", file.display()) }));
        self.wait("Page.loadEventFired");
        self.run("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))");
        self.processor_seconds() - before
    }

    /// Returns the processor seconds that the page's thread has worked.
    fn processor_seconds(&mut self) -> f64 {
        let metrics = self.call("Performance.getMetrics", json!({}));
        let all = metrics["metrics"].as_array().unwrap();
        all.iter().find(|metric| metric["name"] == "TaskDuration").unwrap()["value"].as_f64().unwrap()
    }

    /// Returns the value of a script.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let given = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let found = self.call("Runtime.evaluate", given);
        assert!(found.get("exceptionDetails").is_none(), "{script}: {found}");
        found["result"]["value"].clone()
    }

    /// Returns the text of a script's value.
    pub(crate) fn text(&mut self, script: &str) -> String {
        let value = self.run(script);
        value.as_str().unwrap_or_else(|| panic!("{script}: {value}")).to_owned()
    }

    /// Moves the pointer to the middle of the element that a script returns, after it has scrolled there and
    /// the page has heard of it, two frames later.
    pub(crate) fn point(&mut self, element: &str) -> (f64, f64) {
        let place = self.run(&format!(
            "(() => {{ const found = {element}; found.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {{ \
             const box = found.getBoundingClientRect(); \
             done([box.x + box.width / 2, box.y + box.height / 2]); }}))); }})()"
        ));
        let (x, y) = (place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
        self.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": x, "y": y }));
        (x, y)
    }

    /// Clicks on the element that a script returns.
    pub(crate) fn click(&mut self, element: &str) {
        let (x, y) = self.point(element);
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", click);
        }
    }

    /// Types a text where the focus is.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key == "Enter" { "\r" } else { "" };
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": key, "code": key, "text": text }));
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key, "code": key }));
    }

    /// Calls a method of the browser and returns its result.
    pub(crate) fn call(&mut self, method: &str, given: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": given });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.message(method);
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn wait(&mut self, event: &str) {
        while self.events.iter().all(|found| found != event) {
            let message = self.message(event);
            self.note(&message);
        }
        self.events.clear();
    }

    fn message(&self, wanted: &str) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the browser said nothing of {wanted}"))
    }

    /// Keeps what an event tells.
    fn note(&mut self, event: &Value) {
        let (method, told) = (event["method"].as_str().unwrap_or_default(), &event["params"]);
        match method {
            "Runtime.exceptionThrown" => self.errors.push(told["exceptionDetails"].to_string()),
            "Log.entryAdded" => self.errors.push(told["entry"].to_string()),
            "Runtime.consoleAPICalled" => self.errors.push(told["args"].to_string()),
            "Network.requestWillBeSent" => {
                self.requests.push(told["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
        self.events.push_back(method.to_owned());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.process.wait();
    }
}
