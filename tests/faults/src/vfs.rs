//! The VFS: sits on the one of the system, and asks the watcher before each access to a watched file.
//!
//! A file of ours is a [`Shim`] with the system's file right behind it in the memory that `SQLite` gives. It has the methods of
//! version 1 only, without shared memory: a store is locked by one connection, which keeps the index of its log to itself.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use crate::{Access, Answer, Fault, Op, Part, Watcher, watcher_of};

/// The VFS of the system.
struct Base(*mut sqlite3_vfs);

// SAFETY: SQLite's VFS objects live as long as the process and are made to be called from all threads.
unsafe impl Send for Base {}
// SAFETY: as above.
unsafe impl Sync for Base {}

static BASE: OnceLock<Base> = OnceLock::new();

/// A watched file as `SQLite` sees it.
#[repr(C)]
struct Shim {
    methods: *const sqlite3_io_methods,
    state: *mut State,
}

struct State {
    part: Part,
    watcher: Arc<dyn Watcher>,
    /// Writes held back, oldest first.
    held: Vec<(i64, Vec<u8>)>,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// Puts the VFS in front of the system's, for all connections of this process.
pub(crate) fn install() {
    // SAFETY: the default VFS is there from SQLite's beginning on; the copy, its name and the methods live for ever.
    unsafe {
        ffi::sqlite3_initialize();
        let base = ffi::sqlite3_vfs_find(ptr::null());
        let _ = BASE.set(Base(base));
        let ours = Box::leak(Box::new(*base));
        ours.szOsFile = c_int::try_from(size_of::<Shim>()).unwrap_or(0) + (*base).szOsFile;
        ours.zName = c"ensue-faults".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ffi::sqlite3_vfs_register(ours, 1);
    }
}

fn base() -> *mut sqlite3_vfs {
    BASE.get().map_or(ptr::null_mut(), |b| b.0)
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name that is null or ends, and room for a file of `szOsFile`.
    unsafe {
        let Some(open) = (*base()).xOpen else { return ffi::SQLITE_CANTOPEN };
        let Some(state) = watched(name, flags) else { return open(base(), name, file, flags, out) };
        (*file).pMethods = ptr::null();
        if let Answer::Fail(fault) = state.ask(Op::Open) {
            return code(fault, Op::Open);
        }
        let shim = file.cast::<Shim>();
        let opened = open(base(), name, real(file), flags, out);
        if opened == ffi::SQLITE_OK {
            (*shim).methods = &raw const METHODS;
            (*shim).state = Box::into_raw(Box::new(state));
        }
        opened
    }
}

/// The state of a file that is watched.
///
/// # Safety
/// `name` is null or ends.
unsafe fn watched(name: *const c_char, flags: c_int) -> Option<State> {
    if name.is_null() {
        return None;
    }
    // SAFETY: it ends.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let (part, suffix): (_, &[u8]) = match flags {
        f if f & ffi::SQLITE_OPEN_MAIN_DB != 0 => (Part::Main, b""),
        f if f & ffi::SQLITE_OPEN_WAL != 0 => (Part::Log, b"-wal"),
        f if f & ffi::SQLITE_OPEN_MAIN_JOURNAL != 0 => (Part::Journal, b"-journal"),
        _ => return None,
    };
    let main: PathBuf = Path::new(std::ffi::OsStr::from_bytes(name.strip_suffix(suffix)?)).to_owned();
    Some(State { part, watcher: watcher_of(&main)?, held: Vec::new() })
}

/// The system's file behind ours.
fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    file.wrapping_byte_add(size_of::<Shim>())
}

/// The state of an open file.
///
/// # Safety
/// `file` is one that [`open`] opened, used by one thread at a time, as `SQLite` does.
unsafe fn state<'a>(file: *mut sqlite3_file) -> &'a mut State {
    // SAFETY: `open` put it there, `close` takes it away.
    unsafe { &mut *(*file.cast::<Shim>()).state }
}

/// Calls a method of the system's file.
macro_rules! base_call {
    ($file:expr, $method:ident $(, $arg:expr)*) => {{
        let real = real($file);
        match (*(*real).pMethods).$method {
            Some(method) => method(real $(, $arg)*),
            None => ffi::SQLITE_IOERR,
        }
    }};
}

impl State {
    fn ask(&self, op: Op) -> Answer {
        self.watcher.access(Access { part: self.part, op })
    }

    /// Writes what was held back.
    ///
    /// # Safety
    /// `file` is this state's.
    unsafe fn release(&mut self, file: *mut sqlite3_file) -> c_int {
        for (offset, bytes) in std::mem::take(&mut self.held) {
            // SAFETY: the file is open, the bytes are there.
            let written = unsafe { put(file, &bytes, offset) };
            if written != ffi::SQLITE_OK {
                return written;
            }
        }
        ffi::SQLITE_OK
    }

    /// Puts what is held back over what was read.
    fn overlay(&self, into: &mut [u8], at: i64) {
        for (offset, bytes) in &self.held {
            for (i, byte) in bytes.iter().enumerate() {
                let place = offset + i64::try_from(i).unwrap_or(0) - at;
                if let Some(place) = usize::try_from(place).ok().and_then(|p| into.get_mut(p)) {
                    *place = *byte;
                }
            }
        }
    }

    fn held_end(&self) -> i64 {
        self.held.iter().map(|(at, bytes)| at + i64::try_from(bytes.len()).unwrap_or(0)).max().unwrap_or(0)
    }
}

/// # Safety
/// `file` is open.
unsafe fn put(file: *mut sqlite3_file, bytes: &[u8], offset: i64) -> c_int {
    let n = c_int::try_from(bytes.len()).unwrap_or(c_int::MAX);
    // SAFETY: the file is open, the bytes are there.
    unsafe { base_call!(file, xWrite, bytes.as_ptr().cast(), n, offset) }
}

/// How `SQLite`'s own layer says it.
fn code(fault: Fault, op: Op) -> c_int {
    match (fault, op) {
        (Fault::Full, _) => ffi::SQLITE_FULL,
        (Fault::Busy, _) => ffi::SQLITE_BUSY,
        (_, Op::Open) => ffi::SQLITE_CANTOPEN,
        (Fault::Denied, _) => ffi::SQLITE_READONLY,
        (Fault::Broken, Op::Read) => ffi::SQLITE_IOERR_READ,
        (Fault::Broken, Op::Write) => ffi::SQLITE_IOERR_WRITE,
        (Fault::Broken, Op::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
        (Fault::Broken, Op::Sync) => ffi::SQLITE_IOERR_FSYNC,
        (Fault::Broken, Op::Lock) => ffi::SQLITE_IOERR_LOCK,
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once; the state is not used after.
    unsafe {
        let released = state(file).release(file);
        let closed = base_call!(file, xClose);
        drop(Box::from_raw((*file.cast::<Shim>()).state));
        if released == ffi::SQLITE_OK { closed } else { released }
    }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, n: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: the file is open and `into` has room for `n` bytes.
    unsafe {
        if let Answer::Fail(fault) = state(file).ask(Op::Read) {
            return code(fault, Op::Read);
        }
        let done = base_call!(file, xRead, into, n, at);
        let state = state(file);
        if state.held.is_empty() {
            return done;
        }
        let wanted = usize::try_from(n).unwrap_or(0);
        state.overlay(std::slice::from_raw_parts_mut(into.cast(), wanted), at);
        let whole = state.held_end() >= at + i64::from(n);
        if done == ffi::SQLITE_IOERR_SHORT_READ && whole { ffi::SQLITE_OK } else { done }
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, n: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: the file is open and `from` has `n` bytes.
    unsafe {
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(n).unwrap_or(0));
        let answer = state(file).ask(Op::Write);
        match answer {
            Answer::Fail(fault) => return code(fault, Op::Write),
            Answer::Hold => {
                state(file).held.push((at, bytes.to_vec()));
                return ffi::SQLITE_OK;
            }
            Answer::Pass | Answer::Half => {}
        }
        let released = state(file).release(file);
        if released != ffi::SQLITE_OK {
            return released;
        }
        if answer == Answer::Half {
            put(file, bytes.get(..bytes.len() / 2).unwrap_or_default(), at);
            state(file).watcher.halved();
        }
        put(file, bytes, at)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        if let Answer::Fail(fault) = state(file).ask(Op::Truncate) {
            code(fault, Op::Truncate)
        } else {
            base_call!(file, xTruncate, size)
        }
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        if let Answer::Fail(fault) = state(file).ask(Op::Sync) {
            code(fault, Op::Sync)
        } else {
            base_call!(file, xSync, flags)
        }
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    // SAFETY: the file is open, `size` has room.
    unsafe {
        let done = base_call!(file, xFileSize, size);
        *size = (*size).max(state(file).held_end());
        done
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, kind: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        if let Answer::Fail(fault) = state(file).ask(Op::Lock) {
            code(fault, Op::Lock)
        } else {
            base_call!(file, xLock, kind)
        }
    }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, kind: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { base_call!(file, xUnlock, kind) }
}

unsafe extern "C" fn check_reserved(file: *mut sqlite3_file, found: *mut c_int) -> c_int {
    // SAFETY: the file is open, `found` has room.
    unsafe { base_call!(file, xCheckReservedLock, found) }
}

unsafe extern "C" fn control(file: *mut sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    // SAFETY: the file is open; the argument is what the operation asks for.
    unsafe { base_call!(file, xFileControl, op, arg) }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open.
    unsafe { base_call!(file, xSectorSize) }
}

unsafe extern "C" fn characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open.
    unsafe { base_call!(file, xDeviceCharacteristics) }
}
