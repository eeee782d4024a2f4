//! What a store that was left behind has in its journal, read with `docs/storage.md` ("The journal") alone.

use rusqlite::types::Value;

use super::Store;

/// What is to be done to a table.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The number of the statement.
    pub statement: u8,
    /// What is bound to it, in its order.
    pub cells: Vec<Value>,
}

impl Store {
    /// What is in the journal, in the order in which it was written; nothing in a store that is older than journals. `None`:
    /// it does not read.
    pub fn journal(&self) -> rusqlite::Result<Option<Vec<Entered>>> {
        if self.number("SELECT count(*) FROM sqlite_schema WHERE name = 'journal'")? == 0 {
            return Ok(Some(Vec::new()));
        }
        let rows = self.rows("SELECT entry FROM journal ORDER BY n")?;
        Ok(rows.iter().map(|row| entries(row.first()?)).collect::<Option<Vec<_>>>().map(|all| all.concat()))
    }
}

fn entries(entry: &Value) -> Option<Vec<Entered>> {
    let Value::Blob(bytes) = entry else { return None };
    let (mut rest, mut all) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        all.push(entered(&mut rest)?);
    }
    Some(all)
}

fn entered(rest: &mut &[u8]) -> Option<Entered> {
    let statement = byte(rest)?;
    let cells = (0..varint(rest)?).map(|_| cell(rest)).collect::<Option<_>>()?;
    Some(Entered { statement, cells })
}

fn cell(rest: &mut &[u8]) -> Option<Value> {
    Some(match byte(rest)? {
        0 => Value::Null,
        1 => {
            let n = varint(rest)?;
            Value::Integer(i64::try_from(n >> 1).ok()? ^ -i64::from(n & 1 == 1))
        }
        2 => Value::Text(String::from_utf8(bytes(rest)?).ok()?),
        3 => Value::Blob(bytes(rest)?),
        _ => return None,
    })
}

fn bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let len = usize::try_from(varint(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(bytes.to_vec())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(rest)?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}
