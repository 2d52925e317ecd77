//! Reads acknowledged writes back from the servers.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::ZooKeeperLedger;
use super::names::Names;
use crate::measure::Verified;
use crate::protocol::zookeeper::mix::created_path_of;
use crate::protocol::zookeeper::paths::{prepared_path, session_dir};
use crate::protocol::zookeeper::tree::TreeError;
use crate::protocol::zookeeper::{AdminClient, ClientError, ErrorCode, OpCode, TreePlan, request};
use crate::protocol::{SetupJob, SetupProgress};
use crate::wire::jute::{Reader, Stat};

/// Znodes that are read before progress is reported and an interruption is noticed.
const BATCH: usize = 2_000;

/// Reads all writes of the ledger back over one connection.
pub(super) fn verify(ledger: &ZooKeeperLedger, job: &SetupJob<'_>) -> Result<Verified, TreeError> {
    job.begin();
    let failed = |error| TreeError::client("read acknowledged writes back".to_owned())(error);
    let client = AdminClient::connect(job.servers, AdminClient::PATIENCE).map_err(failed)?;
    let mut reading = Reading {
        client,
        job,
        began: Instant::now(),
        done: 0,
        verified: Verified::default(),
    };
    reading.sync().map_err(failed)?;
    reading.sets(ledger)?;
    for (key, names) in &ledger.names {
        let dir = session_dir(job.plan, job.run, key.session);
        reading.names(names, &|number| created_path_of(&dir, key.create, number))?;
    }
    reading.verified.unverifiable += ledger.unverifiable;
    let Reading {
        client, verified, ..
    } = reading;
    client.close().map_err(failed)?;
    Ok(verified)
}

struct Reading<'a> {
    client: AdminClient,
    job: &'a SetupJob<'a>,
    began: Instant,
    done: u64,
    verified: Verified,
}

impl Reading<'_> {
    /// Waits until the server has everything that was committed before.
    fn sync(&mut self) -> Result<(), ClientError> {
        let chroot = TreePlan::of(self.job.plan).chroot;
        let sync = |_, out: &mut Vec<u8>| {
            request::sync(out, &chroot);
            OpCode::Sync
        };
        self.client.pipeline(1, sync, |_| {})
    }

    /// Checks the versions of all prepared znodes that were set.
    fn sets(&mut self, ledger: &ZooKeeperLedger) -> Result<(), TreeError> {
        let tree = TreePlan::of(self.job.plan);
        let znodes: Vec<_> = ledger.sets.iter().collect();
        self.verified.writes += ledger.sets.writes();
        let mut path = String::new();
        for batch in znodes.chunks(BATCH) {
            let mut lost = Vec::new();
            let paths: Vec<String> = batch
                .iter()
                .map(|(index, _)| {
                    prepared_path(&tree, u64::try_from(*index).unwrap_or(u64::MAX), &mut path);
                    path.clone()
                })
                .collect();
            self.read(&paths, |index, stat| {
                let (_, znode) = &batch[index];
                lost.push((index, znode.lost(stat), stat.map(|stat| stat.version)));
            })?;
            for (index, count, version) in lost {
                self.verified.lose(count, || {
                    let promised = batch[index].1.in_words();
                    let has = version.map_or_else(
                        || "does not exist".to_owned(),
                        |version| format!("has version {version}"),
                    );
                    format!("{} {has}, but {promised}", paths[index])
                });
            }
        }
        Ok(())
    }

    /// Checks the znodes that one session created and deleted.
    fn names(&mut self, names: &Names, path: &dyn Fn(u64) -> String) -> Result<(), TreeError> {
        self.verified.writes += names.writes() - names.unverifiable;
        self.verified.unverifiable += names.unverifiable;
        self.verified.lose(names.lost, || {
            format!(
                "{} replies about znodes like {} show that a created znode was lost",
                names.lost,
                path(0)
            )
        });
        let present: Vec<u64> = names.must_exist().collect();
        self.each(&present, path, true)?;
        let absent: Vec<u64> = names.must_not_exist().collect();
        self.each(&absent, path, false)
    }

    fn each(
        &mut self,
        numbers: &[u64],
        path: &dyn Fn(u64) -> String,
        must_exist: bool,
    ) -> Result<(), TreeError> {
        for batch in numbers.chunks(BATCH) {
            let paths: Vec<String> = batch.iter().map(|number| path(*number)).collect();
            let mut wrong = Vec::new();
            self.read(&paths, |index, stat| {
                if stat.is_some() != must_exist {
                    wrong.push(index);
                }
            })?;
            for index in wrong {
                self.verified.lose(1, || {
                    let problem = if must_exist {
                        "does not exist, but its create was acknowledged"
                    } else {
                        "exists, but its delete was acknowledged"
                    };
                    format!("{} {problem}", paths[index])
                });
            }
        }
        Ok(())
    }

    /// Passes the metadata of each path to `found`, in order.
    fn read(
        &mut self,
        paths: &[String],
        mut found: impl FnMut(usize, Option<&Stat>),
    ) -> Result<(), TreeError> {
        if self.job.stop.load(Ordering::Relaxed) {
            return Err(TreeError::Interrupted);
        }
        let place = |index: u64| usize::try_from(index).unwrap_or(usize::MAX);
        let mut refused = None;
        let answered = self.client.pipeline(
            paths.len() as u64,
            |index, out| {
                request::read(out, &paths[place(index)]);
                OpCode::Exists
            },
            |answer| {
                let index = place(answer.index);
                match answer.error {
                    ErrorCode::OK => {
                        let stat = Stat::decode(&mut Reader::new(answer.body)).ok();
                        found(index, stat.as_ref());
                    }
                    ErrorCode::NO_NODE => found(index, None),
                    code => refused = refused.or(Some(code)),
                }
            },
        );
        answered.map_err(TreeError::client(
            "read acknowledged writes back".to_owned(),
        ))?;
        if let Some(code) = refused {
            return Err(TreeError::Read {
                answer: code.to_string(),
            });
        }
        self.done += paths.len() as u64;
        (self.job.progress)(SetupProgress {
            done: self.done,
            goal: None,
            elapsed: self.began.elapsed(),
        });
        Ok(())
    }
}
