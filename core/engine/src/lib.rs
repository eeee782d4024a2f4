//! Runs tasks on a device: ingest, store, look-back, dispatch.

pub mod outcome;
