//! ensue-tests
