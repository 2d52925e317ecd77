//! Tests of the disk thread.
