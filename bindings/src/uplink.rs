//! What may leave the device, and what the host fetches to send.

use ensue_engine as core;

use crate::engine::Engine;
use crate::error::{EnsueError, guarded};

/// What may leave the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct Consent {
    /// Decisions made from now on, with the values of RETURN and the user's name.
    pub decisions: bool,
    /// Feedback told from now on.
    pub feedback: bool,
    /// Counters of tasks, begun anew with the consent.
    pub counters: bool,
}

/// What leaves with one call.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Batch {
    /// A JSON object: `cursor`, `more`, and the lists `decisions`, `feedback` and `counters`.
    pub json: String,
    /// From where the next batch goes on, once this one has arrived.
    pub cursor: String,
    /// Whether there is more at once.
    pub more: bool,
    /// How many items it has.
    pub items: u64,
}

#[uniffi::export]
impl Engine {
    /// What there is consent to send and was not fetched yet, about `max_bytes` of it. `since` is the cursor of the last
    /// batch that arrived (absent: none has); as long as it is not given back, a batch comes again.
    pub fn drain(&self, since: Option<String>, max_bytes: u32) -> Result<Batch, EnsueError> {
        guarded(|| {
            let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
            let core::Batch { json, cursor, more, items } = self.core.drain(since.as_deref(), max_bytes)?;
            Ok(Batch { json, cursor, more, items })
        })
    }

    /// What may leave the device.
    pub fn consent(&self) -> Result<Consent, EnsueError> {
        guarded(|| Ok(self.core.consent()?.into()))
    }

    /// Says what may leave the device from now on; remembered until it is said anew.
    pub fn set_consent(&self, consent: Consent) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.set_consent(consent.into())?))
    }
}

impl From<core::Consent> for Consent {
    fn from(consent: core::Consent) -> Self {
        let core::Consent { decisions, feedback, counters } = consent;
        Self { decisions, feedback, counters }
    }
}

impl From<Consent> for core::Consent {
    fn from(consent: Consent) -> Self {
        let Consent { decisions, feedback, counters } = consent;
        Self { decisions, feedback, counters }
    }
}
