//! Finds an Apache ZooKeeper installation and a Java to run it.
//!
//! Three kinds of installation are supported:
//!
//! - a folder with all jars, as Maven copies them;
//! - an unpacked release, with `zookeeper-x.jar` at the top (up to 3.4) or in `lib/` (since 3.5);
//! - the shared jar folder of a distribution, such as Debian's `/usr/share/java`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The class that `zkServer.sh` starts.
pub const MAIN_CLASS: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

/// Jars that are taken from a shared jar folder in addition to `zookeeper.jar`, if they exist. The manifest of
/// `zookeeper.jar` names its dependencies, but not the logging jars, without which the server writes no log.
const SHARED_JARS: [&str; 8] = [
    "zookeeper-jute.jar",
    "slf4j-api.jar",
    "slf4j-reload4j.jar",
    "reload4j.jar",
    "slf4j-log4j12.jar",
    "log4j-1.2.jar",
    "metrics-core.jar",
    "snappy-java.jar",
];

/// Folders that are searched if neither the user nor the environment names one.
const USUAL_PLACES: [&str; 4] = [
    "/usr/share/zookeeper",
    "/usr/share/java",
    "/opt/zookeeper",
    "/usr/local/zookeeper",
];

/// An installed Apache ZooKeeper with a Java to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Path of the `java` program.
    pub java: PathBuf,
    pub home: PathBuf,
    /// Jars in the order of the class path.
    pub jars: Vec<PathBuf>,
}

/// No usable ZooKeeper or Java was found.
#[derive(Debug, thiserror::Error)]
pub enum JavaError {
    /// The folder that the user or the environment names contains no ZooKeeper.
    #[error(
        "no Apache ZooKeeper in {}: expected a folder with zookeeper*.jar in it, in its lib/ or in its share/ \
(looked at {looked}). Name the folder of the jars with --zookeeper-home",
        home.display()
    )]
    NotThere {
        home: PathBuf,
        /// The searched folders.
        looked: String,
    },
    /// The usual places contain no ZooKeeper.
    #[error(
        "no Apache ZooKeeper found: looked at $ZOOKEEPER_HOME (not set), {looked}. Install one (on Debian: \
`apt-get install zookeeper zookeeper-bin`), or name the folder of its jars with --zookeeper-home"
    )]
    Nowhere {
        /// The searched folders.
        looked: String,
    },
    #[error(
        "no Java found: {tried}. The target `zookeeper` needs one; install it (on Debian: \
`apt-get install default-jre-headless`), or set JAVA_HOME"
    )]
    NoJava { tried: String },
}

/// The places to search for Java and ZooKeeper.
#[derive(Clone, Debug, Default)]
pub struct InstallationSearch {
    /// `$ZOOKEEPER_HOME`.
    pub zookeeper_home: Option<PathBuf>,
    /// `$JAVA_HOME`.
    pub java_home: Option<PathBuf>,
    /// `$PATH`.
    pub path: Option<OsString>,
    /// Folders that are searched if `zookeeper_home` is `None`.
    pub usual_places: Vec<PathBuf>,
}

impl InstallationSearch {
    /// Reads the environment of this process.
    #[must_use]
    pub fn from_env() -> Self {
        let dir = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let mut usual_places: Vec<PathBuf> = USUAL_PLACES.iter().map(PathBuf::from).collect();
        usual_places.extend(versioned("/opt"));
        Self {
            zookeeper_home: dir("ZOOKEEPER_HOME"),
            java_home: dir("JAVA_HOME"),
            path: env::var_os("PATH"),
            usual_places,
        }
    }

    /// Finds Java and the installation. The installation is searched in `home`, else in `$ZOOKEEPER_HOME`, else
    /// in the usual places.
    ///
    /// # Errors
    /// If nothing is found. If `home` or `$ZOOKEEPER_HOME` contains no ZooKeeper, the search does not continue
    /// in other places.
    pub fn find(&self, home: Option<&Path>) -> Result<Installation, JavaError> {
        let (home, jars) = match home.or(self.zookeeper_home.as_deref()) {
            Some(home) => {
                let jars = jars_of(home).ok_or_else(|| JavaError::NotThere {
                    home: home.to_owned(),
                    looked: listed(&folders(home)),
                })?;
                (home.to_owned(), jars)
            }
            None => self
                .usual_places
                .iter()
                .find_map(|home| Some((home.clone(), jars_of(home)?)))
                .ok_or_else(|| JavaError::Nowhere {
                    looked: listed(&self.usual_places),
                })?,
        };
        Ok(Installation {
            java: self.java()?,
            home,
            jars,
        })
    }

    fn java(&self) -> Result<PathBuf, JavaError> {
        let mut tried = Vec::new();
        match &self.java_home {
            Some(home) => {
                let java = home.join("bin/java");
                if is_executable(&java) {
                    return Ok(java);
                }
                tried.push(format!("{} of $JAVA_HOME is not a program", java.display()));
            }
            None => tried.push("JAVA_HOME is not set".to_owned()),
        }
        let path = self.path.clone().unwrap_or_default();
        if let Some(java) = env::split_paths(&path)
            .map(|dir| dir.join("java"))
            .find(|java| is_executable(java))
        {
            return Ok(java);
        }
        tried.push("`java` is not on the PATH".to_owned());
        Err(JavaError::NoJava {
            tried: tried.join(" and "),
        })
    }
}

impl Installation {
    /// Returns the class path, with `config`, the folder of the logging configuration, before the jars.
    #[must_use]
    pub fn class_path(&self, config: &Path) -> OsString {
        let mut text = config.as_os_str().to_owned();
        for jar in &self.jars {
            text.push(":");
            text.push(jar);
        }
        text
    }
}

fn folders(home: &Path) -> Vec<PathBuf> {
    [
        home.to_owned(),
        home.join("lib"),
        home.join("share"),
        home.join("share/zookeeper"),
    ]
    .to_vec()
}

/// Returns the jars of the installation in `home`, or `None` if it contains no ZooKeeper.
fn jars_of(home: &Path) -> Option<Vec<PathBuf>> {
    let mut jars = Vec::new();
    let mut found = false;
    for folder in folders(home) {
        let here = jars_in(&folder);
        // A jar without a version in its name is from a distribution, whose folder also contains the jars of
        // other packages.
        if here
            .iter()
            .any(|jar| jar.file_name().is_some_and(|name| name == "zookeeper.jar"))
        {
            let mut shared = vec![folder.join("zookeeper.jar")];
            shared.extend(
                SHARED_JARS
                    .iter()
                    .map(|name| folder.join(name))
                    .filter(|jar| jar.is_file()),
            );
            return Some(shared);
        }
        found |= here.iter().any(|jar| is_server_jar(jar));
        jars.extend(here);
    }
    found.then_some(jars)
}

/// Whether the name is like `zookeeper-3.9.5.jar`, in contrast to `zookeeper-jute-3.9.5.jar`.
fn is_server_jar(jar: &Path) -> bool {
    jar.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix("zookeeper-"))
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn jars_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut jars: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jar"))
        .collect();
    jars.sort();
    jars
}

/// Returns folders such as `/opt/zookeeper-3.9.5` and `/opt/apache-zookeeper-3.9.5-bin`, in descending order of
/// their names.
fn versioned(parent: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut homes: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| {
                    name.starts_with("zookeeper-") || name.starts_with("apache-zookeeper-")
                })
        })
        .collect();
    homes.sort();
    homes.reverse();
    homes
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn listed(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    names.join(", ")
}

/// Returns a `log4j.properties` that writes all messages to `log`. Releases up to 3.7 and Debian's 3.8.0 use
/// log4j 1.
#[must_use]
pub(super) fn log4j_properties(log: &Path) -> String {
    format!(
        "log4j.rootLogger=INFO, F\n\
         log4j.appender.F=org.apache.log4j.FileAppender\n\
         log4j.appender.F.File={}\n\
         log4j.appender.F.layout=org.apache.log4j.PatternLayout\n\
         log4j.appender.F.layout.ConversionPattern=%d{{ISO8601}} %-5p [%t:%C{{1}}] %m%n\n",
        log.display()
    )
}

/// Returns a `logback.xml` that writes all messages to `log`. Upstream's releases since 3.8.0 use logback.
#[must_use]
pub(super) fn logback_xml(log: &Path) -> String {
    let file = log
        .display()
        .to_string()
        .replace('&', "&amp;")
        .replace('<', "&lt;");
    format!(
        "<configuration>\n\
         <appender name=\"F\" class=\"ch.qos.logback.core.FileAppender\">\n\
         <file>{file}</file>\n\
         <encoder><pattern>%date %-5level [%thread:%logger{{0}}] %msg%n</pattern></encoder>\n\
         </appender>\n\
         <root level=\"INFO\"><appender-ref ref=\"F\"/></root>\n\
         </configuration>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn with(files: &[&str]) -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            for file in files {
                let path = home.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, "").unwrap();
                if file.ends_with("bin/java") {
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                }
            }
            home
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn around(&self) -> InstallationSearch {
            InstallationSearch {
                java_home: Some(self.path().join("jdk")),
                ..InstallationSearch::default()
            }
        }

        fn names(&self) -> Vec<String> {
            let found = self.around().find(Some(self.path())).unwrap();
            assert_eq!(found.java, self.path().join("jdk/bin/java"));
            found
                .jars
                .iter()
                .map(|jar| jar.strip_prefix(self.path()).unwrap().display().to_string())
                .collect()
        }
    }

    #[test]
    fn all_jars_of_a_folder_are_taken() {
        let home = Home::with(&[
            "jdk/bin/java",
            "zookeeper-3.4.10.jar",
            "log4j-1.2.16.jar",
            "a.txt",
        ]);
        assert_eq!(home.names(), ["log4j-1.2.16.jar", "zookeeper-3.4.10.jar"]);
    }

    #[test]
    fn the_jars_of_a_release_are_found_in_lib() {
        let new = Home::with(&[
            "jdk/bin/java",
            "lib/zookeeper-3.9.5.jar",
            "lib/zookeeper-jute-3.9.5.jar",
        ]);
        assert_eq!(
            new.names(),
            ["lib/zookeeper-3.9.5.jar", "lib/zookeeper-jute-3.9.5.jar"]
        );
        let old = Home::with(&[
            "jdk/bin/java",
            "zookeeper-3.4.10.jar",
            "lib/slf4j-api-1.6.1.jar",
        ]);
        assert_eq!(
            old.names(),
            ["zookeeper-3.4.10.jar", "lib/slf4j-api-1.6.1.jar"]
        );
    }

    #[test]
    fn only_the_jars_of_zookeeper_are_taken_from_a_shared_folder() {
        let home = Home::with(&[
            "jdk/bin/java",
            "zookeeper.jar",
            "zookeeper-3.8.0.jar",
            "zookeeper-jute.jar",
            "slf4j-log4j12.jar",
            "slf4j-nop.jar",
            "guava.jar",
        ]);
        assert_eq!(
            home.names(),
            ["zookeeper.jar", "zookeeper-jute.jar", "slf4j-log4j12.jar"]
        );
    }

    #[test]
    fn the_class_path_begins_with_the_configuration() {
        let installation = Installation {
            java: "/j".into(),
            home: "/h".into(),
            jars: vec!["/h/a.jar".into(), "/h/b.jar".into()],
        };
        assert_eq!(
            installation.class_path(Path::new("/c")),
            "/c:/h/a.jar:/h/b.jar"
        );
    }

    #[test]
    fn the_error_for_a_folder_without_zookeeper_names_the_searched_folders() {
        let home = Home::with(&["jdk/bin/java", "zookeeper-jute-3.9.5.jar"]);
        let error = home
            .around()
            .find(Some(home.path()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no Apache ZooKeeper in"), "{error}");
        assert!(error.contains("/lib,"), "{error}");
        assert!(error.contains("--zookeeper-home"), "{error}");
    }

    #[test]
    fn zookeeper_home_takes_precedence_over_the_usual_places() {
        let named = Home::with(&["jdk/bin/java", "zookeeper-3.9.5.jar"]);
        let usual = Home::with(&["zookeeper-3.4.10.jar"]);
        let mut around = named.around();
        around.usual_places = vec![usual.path().to_owned()];
        assert_eq!(around.find(None).unwrap().home, usual.path());
        around.zookeeper_home = Some(named.path().to_owned());
        assert_eq!(around.find(None).unwrap().home, named.path());
        around.usual_places.clear();
        around.zookeeper_home = None;
        let error = around.find(None).unwrap_err().to_string();
        assert!(error.contains("apt-get install zookeeper"), "{error}");
    }

    #[test]
    fn java_is_found_in_java_home_or_on_the_path() {
        let home = Home::with(&["zookeeper-3.9.5.jar", "usr/bin/java", "plain/java"]);
        let mut around = InstallationSearch {
            path: Some(
                env::join_paths([home.path().join("plain"), home.path().join("usr/bin")]).unwrap(),
            ),
            ..InstallationSearch::default()
        };
        let java = around.find(Some(home.path())).unwrap().java;
        assert_eq!(java, home.path().join("usr/bin/java"));
        around.path = None;
        let error = around.find(Some(home.path())).unwrap_err().to_string();
        assert!(
            error.starts_with("no Java found: JAVA_HOME is not set and `java` is not on the PATH"),
            "{error}"
        );
    }
}
