//! Lets a test stop the file operations of its thread before any one of them, as a kill of the process
//! would. Outside of tests every check passes.

/// Comes before each operation that changes a file or a directory.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "it fails in tests")]
pub(crate) const fn check() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use in_tests::{after, check};

#[cfg(test)]
mod in_tests {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// How many operations are still carried out; `None`: all are.
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(crate) fn check() -> io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the test has killed this thread")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }

    /// Carries out `work`, but not more than this number of operations. Returns its result, or `None` if
    /// it was stopped.
    pub(crate) fn after<T, E>(
        operations: usize,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        LEFT.set(Some(operations));
        let result = work();
        let was_stopped = result.is_err() && LEFT.get() == Some(0);
        LEFT.set(None);
        (!was_stopped).then_some(result)
    }
}
