//! Scripts: the host that the engine asks, what a script is handed, and what its answer means.
//!
//! Sources are found and imported in Python (`ensue/scripts.py`); here they are called. What a script sees converts when it
//! is looked at: an event that nobody reads costs nothing.

mod answer;
mod context;
mod event;
mod history;
mod host;
mod matched;
mod watch;

pub(crate) use context::Context;
pub(crate) use event::{Args, PastEvent};
pub(crate) use history::{Events, History};
pub(crate) use host::Host;
pub(crate) use matched::Match;
pub(crate) use watch::Watch;
