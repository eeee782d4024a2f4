//! The exported calls, as the generated bindings make them.

mod cases;
mod face;
