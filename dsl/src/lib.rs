//! ensue-dsl
