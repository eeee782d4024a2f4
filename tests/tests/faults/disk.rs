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

    /// The journal is on the disk that the log is on.
    fn is_on(&self, part: Part, accessed: Part) -> bool {
        let both = part == Part::Log && accessed == Part::Entries && !self.once.load(Ordering::SeqCst);
        part == accessed || both
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }
}

impl Watcher for Disk {
    fn access(&self, access: Access) -> Answer {
        let mut now = self.fault.lock().unwrap();
        match *now {
            Some((part, op, fault)) if op == access.op && self.is_on(part, access.part) => {
                if self.once.load(Ordering::SeqCst) {
                    *now = None;
                }
                Answer::Fail(fault)
            }
            _ => Answer::Pass,
        }
    }
}
