//! Clients that run by themselves.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::run::Run;
use crate::session::Session;

/// Clients that run beside what a scenario measures. Each does its work and then just stays connected,
/// until the crowd is dropped. The first that fails fails the run.
pub(crate) struct Crowd {
    tasks: JoinSet<Error>,
    /// Held by everybody who still works; nothing is ever sent.
    working: mpsc::Sender<()>,
    done: mpsc::Receiver<()>,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        let (working, done) = mpsc::channel(1);
        Self {
            tasks: JoinSet::new(),
            working,
            done,
        }
    }

    /// Runs a client whose work has no end. It returns why that has come all the same.
    pub(crate) fn add(&mut self, life: impl Future<Output = Error> + Send + 'static) {
        self.tasks.spawn(life);
    }

    /// Has a client do some work, which hands the session back when it is done.
    pub(crate) fn work(
        &mut self,
        work: impl Future<Output = Result<Session, Error>> + Send + 'static,
    ) {
        let working = self.working.clone();
        self.tasks.spawn(async move {
            match work.await {
                Ok(mut session) => {
                    drop(working);
                    session.stay().await
                }
                Err(error) => error,
            }
        });
    }

    /// Keeps a client connected.
    pub(crate) fn stay(&mut self, session: Session) {
        self.work(async { Ok(session) });
    }

    /// Returns when everybody has done its work.
    pub(crate) async fn all_done(&mut self) -> Result<(), Error> {
        let (working, done) = mpsc::channel(1);
        self.working = working;
        let mut done = std::mem::replace(&mut self.done, done);
        let all = async {
            done.recv().await;
            Ok(())
        };
        self.during(all).await
    }

    /// Does something else meanwhile, and gives it up when a client fails.
    pub(crate) async fn during<T>(
        &mut self,
        other: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = other => done,
            Some(failed) = self.tasks.join_next() => Err(match failed {
                Ok(error) => error,
                Err(error) => Error::connection("a client", error),
            }),
        }
    }

    /// As [`during`](Self::during), in a task: what waits in the main thread is woken by way of the operating
    /// system, later than all that waits in tasks.
    pub(crate) async fn during_task<T: Send + 'static>(
        &mut self,
        other: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let mut task = JoinSet::new();
        task.spawn(other);
        let other = async {
            match task.join_next().await {
                Some(Ok(done)) => done,
                Some(Err(error)) => Err(Error::connection("a client", error)),
                None => unreachable!("the task was spawned just now"),
            }
        };
        self.during(other).await
    }

    /// Returns when the server has not sent anything for a while.
    pub(crate) async fn quiet(&mut self, run: &Run) -> Result<(), Error> {
        let quiet = async {
            run.quiet().await;
            Ok(())
        };
        self.during(quiet).await
    }
}
