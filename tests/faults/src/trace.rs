//! Statements as they begin and end, through `SQLite`'s trace of each connection.

use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use rusqlite::ffi;

use crate::watcher_of;

/// Has every connection opened from now on traced.
pub(crate) fn install() {
    // SAFETY: the function lives for ever.
    unsafe {
        ffi::sqlite3_auto_extension(Some(begin));
    }
}

unsafe extern "C" fn begin(db: *mut ffi::sqlite3, _: *mut *mut c_char, _: *const ffi::sqlite3_api_routines) -> c_int {
    // SAFETY: the connection is open.
    unsafe {
        ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT | ffi::SQLITE_TRACE_PROFILE, Some(tell), ptr::null_mut())
    }
}

unsafe extern "C" fn tell(event: c_uint, _: *mut c_void, statement: *mut c_void, _: *mut c_void) -> c_int {
    let statement = statement.cast::<ffi::sqlite3_stmt>();
    // SAFETY: SQLite hands in a statement of an open connection; both texts end and live as long as they do.
    unsafe {
        let path = ffi::sqlite3_db_filename(ffi::sqlite3_db_handle(statement), ptr::null());
        let sql = ffi::sqlite3_sql(statement);
        if path.is_null() || sql.is_null() {
            return 0;
        }
        let path = Path::new(OsStr::from_bytes(CStr::from_ptr(path).to_bytes()));
        if let (Some(watcher), Ok(sql)) = (watcher_of(path), CStr::from_ptr(sql).to_str()) {
            watcher.statement(sql, event == ffi::SQLITE_TRACE_PROFILE);
        }
    }
    0
}
