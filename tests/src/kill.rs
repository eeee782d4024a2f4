//! The kill test: stores whose process is ended at any moment lose nothing and double nothing.
//!
//! - [`life`]: what a store lives through, event by event; a run that was ended goes on where the store says.
//! - [`point`]: where a process is ended; [`child`]: the process; [`round`]: who starts and ends it.
//! - [`look`]: what a store has in it, read with SQL alone; [`judge`]: what must be true of that.

pub mod child;
pub mod judge;
pub mod life;
pub mod look;
pub mod point;
pub mod round;
