//! The disk under a store, as sick as a test says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ensue_faults::{Access, Answer, Fault, Op, Part, Watcher};

/// A disk that fails as it is told.
#[derive(Default)]
pub(crate) struct Disk {
    fault: Mutex<Option<(Part, Op, Fault)>>,
    /// It is well after one fault.
    once: AtomicBool,
}

impl Disk {
    pub(crate) fn fail(&self, part: Part, op: Op, fault: Fault) {
        *self.fault.lock().unwrap() = Some((part, op, fault));
    }

    pub(crate) fn fail_once(&self, part: Part, op: Op, fault: Fault) {
        self.once.store(true, Ordering::SeqCst);
        self.fail(part, op, fault);
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }
}

impl Watcher for Disk {
    fn access(&self, access: Access) -> Answer {
        let mut now = self.fault.lock().unwrap();
        match *now {
            Some((part, op, fault)) if (part, op) == (access.part, access.op) => {
                if self.once.load(Ordering::SeqCst) {
                    *now = None;
                }
                Answer::Fail(fault)
            }
            _ => Answer::Pass,
        }
    }
}
