//! The system's call with which the journal is written, which is no file of `SQLite`'s: this one stands before it.
//!
//! Whatever is linked into one program with this crate finds the function here under the name of the system's; what is not a watched
//! journal's it hands on.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libc::{off_t, size_t, ssize_t};

use crate::{Access, Answer, Fault, Op, Part, Watcher, watcher_of};

type Write = unsafe extern "C" fn(c_int, *const c_void, size_t, off_t) -> ssize_t;

/// Whether anybody watches: else every write of the program would ask which file it is of.
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Writes held back, by file, oldest first: where, and what.
type Held = HashMap<PathBuf, Vec<(off_t, Vec<u8>)>>;

static HELD: Mutex<Option<Held>> = Mutex::new(None);

const ACCESS: Access = Access { part: Part::Entries, op: Op::Write };

/// From now on writes are looked at.
pub(crate) fn install() {
    // Named here, the function is part of the program, and before the system's.
    std::hint::black_box(pwrite64 as Write);
    WATCHING.store(true, Ordering::SeqCst);
}

/// # Safety
/// As the system's: `from` has `n` bytes.
#[unsafe(no_mangle)]
#[cfg_attr(not(target_os = "linux"), unsafe(export_name = "pwrite"))]
unsafe extern "C" fn pwrite64(fd: c_int, from: *const c_void, n: size_t, at: off_t) -> ssize_t {
    let Some((path, watcher)) = watched(fd) else {
        // SAFETY: as above.
        return unsafe { hand_on(fd, from, n, at) };
    };
    // SAFETY: as above.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), n) };
    let answer = watcher.access(ACCESS);
    let written = match answer {
        Answer::Fail(fault) => refuse(fault),
        Answer::Hold => {
            held(|held| held.entry(path).or_default().push((at, bytes.to_vec())));
            ssize_t::try_from(n).unwrap_or(ssize_t::MAX)
        }
        Answer::Pass | Answer::Half => {
            for (at, bytes) in held(|held| held.remove(&path)).into_iter().flatten() {
                put(fd, &bytes, at);
            }
            if answer == Answer::Half {
                put(fd, bytes.get(..n / 2).unwrap_or_default(), at);
                watcher.halved();
            }
            put(fd, bytes, at)
        }
    };
    if written >= 0 {
        watcher.entered();
    }
    written
}

/// Whether a file is a watched store's journal.
fn watched(fd: c_int) -> Option<(PathBuf, Arc<dyn Watcher>)> {
    if !WATCHING.load(Ordering::SeqCst) {
        return None;
    }
    let path = path_of(fd)?;
    let main = path.to_str()?.strip_suffix("-entries")?;
    let watcher = watcher_of(Path::new(main))?;
    Some((path, watcher))
}

#[cfg(target_os = "linux")]
fn path_of(fd: c_int) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

#[cfg(not(target_os = "linux"))]
fn path_of(fd: c_int) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let mut name = [0_u8; 4_096];
    // SAFETY: there is room for the longest path.
    if unsafe { libc::fcntl(fd, libc::F_GETPATH, name.as_mut_ptr()) } != 0 {
        return None;
    }
    let name = std::ffi::CStr::from_bytes_until_nul(&name).ok()?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes())))
}

fn held<T>(change: impl FnOnce(&mut Held) -> T) -> T {
    change(HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

fn put(fd: c_int, bytes: &[u8], at: off_t) -> ssize_t {
    // SAFETY: the bytes are there.
    unsafe { hand_on(fd, bytes.as_ptr().cast(), bytes.len(), at) }
}

/// # Safety
/// As of the system's function.
unsafe fn hand_on(fd: c_int, from: *const c_void, n: size_t, at: off_t) -> ssize_t {
    static SYSTEM: OnceLock<Option<Write>> = OnceLock::new();
    let name = if cfg!(target_os = "linux") { c"pwrite64" } else { c"pwrite" };
    // SAFETY: the next of that name is the system's function, which is of that type.
    let system = SYSTEM.get_or_init(|| unsafe {
        let found = libc::dlsym(libc::RTLD_NEXT, name.as_ptr());
        (!found.is_null()).then(|| std::mem::transmute::<*mut c_void, Write>(found))
    });
    match system {
        // SAFETY: the caller's.
        Some(system) => unsafe { system(fd, from, n, at) },
        None => refuse(Fault::Broken),
    }
}

/// How the system says it.
fn refuse(fault: Fault) -> ssize_t {
    let code = match fault {
        Fault::Full => libc::ENOSPC,
        Fault::Broken => libc::EIO,
        Fault::Denied => libc::EACCES,
        Fault::Busy => libc::EBUSY,
    };
    // SAFETY: the place is this thread's own.
    unsafe {
        #[cfg(target_os = "linux")]
        {
            *libc::__errno_location() = code;
        }
        #[cfg(not(target_os = "linux"))]
        {
            *libc::__error() = code;
        }
    }
    -1
}
