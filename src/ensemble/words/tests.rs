//! Which questions each word asks the server.

use std::cell::RefCell;

use super::*;

/// Records the names of the methods that are called.
struct Recording {
    serving: bool,
    called: RefCell<Vec<&'static str>>,
}

impl Recording {
    fn new(serving: bool) -> Self {
        Self {
            serving,
            called: RefCell::default(),
        }
    }

    fn call(&self, method: &'static str) {
        self.called.borrow_mut().push(method);
    }
}

impl Source for Recording {
    fn is_serving(&self) -> bool {
        self.serving
    }

    fn statistics(&self) -> Statistics {
        self.call("statistics");
        Statistics::default()
    }

    fn metrics(&self) -> Metrics {
        self.call("metrics");
        Metrics::default()
    }

    fn connections(&self) -> Vec<Connection> {
        self.call("connections");
        Vec::new()
    }

    fn sessions(&self) -> Sessions {
        self.call("sessions");
        Sessions::Known(Vec::new())
    }

    fn ephemerals(&self) -> Vec<Ephemerals> {
        self.call("ephemerals");
        Vec::new()
    }

    fn watch_summary(&self) -> WatchSummary {
        self.call("watch_summary");
        WatchSummary::default()
    }

    fn watched(&self) -> Vec<Watched> {
        self.call("watched");
        Vec::new()
    }

    fn configuration(&self) -> Configuration {
        self.call("configuration");
        Configuration::default()
    }

    fn dir_sizes(&self) -> Option<DirSizes> {
        self.call("dir_sizes");
        Some(DirSizes::default())
    }

    fn environment(&self) -> Environment {
        self.call("environment");
        Environment::default()
    }

    fn reset_connections(&mut self) {
        self.call("reset_connections");
    }

    fn reset_statistics(&mut self) {
        self.call("reset_statistics");
    }
}

/// The answer to a word, and the methods that it called.
fn ask(word: Word, whitelist: &str, serving: bool) -> (String, Vec<&'static str>) {
    let mut source = Recording::new(serving);
    let whitelist: Vec<String> = whitelist.split(',').map(str::to_owned).collect();
    let text = respond(word, &whitelist, &mut source);
    (text, source.called.into_inner())
}

#[test]
fn a_word_outside_the_whitelist_makes_the_server_collect_nothing() {
    for word in Word::ALL.into_iter().filter(|word| *word != Word::Srvr) {
        for serving in [true, false] {
            let (text, called) = ask(word, "srvr", serving);
            let name = word.name();
            assert_eq!(
                text,
                format!("{name} is not executed because it is not in the whitelist.\n")
            );
            assert!(called.is_empty(), "{name}: {called:?}");
        }
    }
}

#[test]
fn a_word_collects_only_what_it_prints() {
    for (word, expected) in [
        (Word::Ruok, &[][..]),
        (Word::Isro, &[]),
        (Word::Srvr, &["statistics"]),
        (Word::Stat, &["statistics", "connections"]),
        (Word::Mntr, &["metrics"]),
        (Word::Conf, &["configuration"]),
        (Word::Cons, &["connections"]),
        (Word::Dump, &["sessions", "ephemerals", "connections"]),
        (Word::Envi, &["environment"]),
        (Word::Dirs, &["dir_sizes"]),
        (Word::Crst, &["reset_connections"]),
        (Word::Srst, &["reset_statistics"]),
        (Word::Wchs, &["watch_summary"]),
        (Word::Wchc, &["watched"]),
        (Word::Wchp, &["watched"]),
    ] {
        assert_eq!(ask(word, "*", true).1, expected, "{word:?}");
    }
}

#[test]
fn a_server_that_does_not_serve_answers_three_words_only() {
    for word in Word::ALL {
        let (text, called) = ask(word, "*", false);
        match word {
            Word::Ruok => assert_eq!(text, "imok"),
            Word::Isro => assert_eq!(text, "null"),
            Word::Envi => assert!(text.contains("\nzookeeper.version=3.9.5-"), "{text}"),
            _ => {
                assert_eq!(text, NOT_SERVING);
                assert!(called.is_empty(), "{word:?}: {called:?}");
            }
        }
    }
}

#[test]
fn short_answers_have_no_newline() {
    assert_eq!(ask(Word::Ruok, "*", true).0, "imok");
    assert_eq!(ask(Word::Isro, "*", true).0, "rw");
}
