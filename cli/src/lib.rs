//! ensue-cli
