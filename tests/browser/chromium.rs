//! A headless Chromium, driven over its DevTools pipe: messages in JSON, each ended by a zero byte.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Longest wait for a message. It only ends a test whose browser hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A window of a browser with one page.
pub(crate) struct Chromium {
    child: Child,
    commands: File,
    messages: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    /// Errors of the console and exceptions since the last page was opened.
    pub(crate) problems: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Chromium {
    /// Starts the browser. `QUORATE_CHROMIUM` names its program; the default is `chromium`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the pipes");
        let (input, output) = (
            folder.path().join("commands"),
            folder.path().join("replies"),
        );
        let made = Command::new("mkfifo").args([&input, &output]).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo failed");
        let program = std::env::var("QUORATE_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        // The pipe is on the descriptors 3 and 4, which only a shell can open here. The shell opens them in this order.
        let child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<\"$COMMANDS\" 4>\"$REPLIES\"", "sh"])
            .args([&program, "--headless", "--no-sandbox", "--disable-gpu"])
            .args([
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-extensions",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .env("COMMANDS", &input)
            .env("REPLIES", &output)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let commands = OpenOptions::new()
            .write(true)
            .open(&input)
            .expect("the pipe opens");
        let replies = File::open(&output).expect("the pipe opens");
        let (send, messages) = channel();
        thread::spawn(move || {
            let mut replies = BufReader::new(replies);
            let mut bytes = Vec::new();
            while replies
                .read_until(0, &mut bytes)
                .is_ok_and(|length| length > 0)
            {
                bytes.pop();
                let message = serde_json::from_slice(&bytes).expect("the browser sends JSON");
                if send.send(message).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            last_id: 0,
            session: None,
            problems: Vec::new(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            &json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}));
        }
        browser
    }

    /// Sets the width of the window and the colour scheme.
    pub(crate) fn resize(&mut self, width: u32, dark: bool) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }

    /// Opens a file and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        self.problems.clear();
        let url = format!("file://{}", file.display());
        let navigated = self.call("Page.navigate", &json!({ "url": url }));
        assert!(navigated["errorText"].is_null(), "{url}: {navigated}");
        loop {
            let message = self.receive();
            if message["method"] == "Page.loadEventFired" {
                return;
            }
        }
    }

    /// Evaluates an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let reply = self.call(
            "Runtime.evaluate",
            &json!({ "expression": expression, "returnByValue": true }),
        );
        assert!(
            reply["exceptionDetails"].is_null(),
            "{expression}: {}",
            reply["exceptionDetails"]
        );
        reply["result"]["value"].clone()
    }

    /// Presses a key. `code` is its number in the DOM.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        // A button reacts to the text of the key.
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                &json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text }),
            );
        }
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).expect("the browser reads");
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    /// Returns the next message and keeps what it says about errors.
    fn receive(&mut self) -> Value {
        let message = self.messages.recv_timeout(PATIENCE);
        let message = message.expect("the browser answers: is Chromium installed?");
        let parameters = &message["params"];
        let is_error = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => parameters["type"] == "error",
            Some("Log.entryAdded") => parameters["entry"]["level"] == "error",
            _ => false,
        };
        if is_error {
            self.problems.push(parameters.to_string());
        }
        message
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The profile is in a temporary folder, so nothing is lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
