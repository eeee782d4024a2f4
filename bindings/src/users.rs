//! Whose events they are, and what users may ask for: to be forgotten, to be left alone, to see what is stored.

use crate::engine::Engine;
use crate::error::{EnsueError, guarded};

#[uniffi::export]
impl Engine {
    /// Whose the later events without a user are; absent: the anonymous user's.
    pub fn identify(&self, user: Option<String>) -> Result<(), EnsueError> {
        guarded(|| {
            self.core.identify(user.as_deref());
            Ok(())
        })
    }

    /// Erases all that is of a user (absent: the anonymous one), and waits until no trace is left in the file.
    pub fn forget(&self, user: Option<String>) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.forget(user.as_deref())?))
    }

    /// Erases all that is of any user, and takes nothing from now on, also after a restart. Tasks stay.
    pub fn opt_out(&self) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.opt_out()?))
    }

    /// Takes events again, after `opt_out`; there is no history.
    pub fn opt_in(&self) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.opt_in()?))
    }

    /// All that is stored of a user (absent: the anonymous one), as a JSON object for them to read.
    pub fn export_user(&self, user: Option<String>) -> Result<String, EnsueError> {
        guarded(|| Ok(self.core.export_user(user.as_deref())?))
    }
}
