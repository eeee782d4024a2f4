//! ensue-engine
