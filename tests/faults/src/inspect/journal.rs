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
    /// What is in the journal, in the order in which it was written; nothing in a store that is older than journals. `None`: it
    /// does not read.
    pub fn journal(&self) -> rusqlite::Result<Option<Vec<Entered>>> {
        let version = self.number("PRAGMA user_version")?;
        if version < 6 {
            return Ok(Some(Vec::new()));
        }
        if version == 6 {
            // It was a table.
            let rows = self.rows("SELECT entry FROM journal ORDER BY n")?;
            let of_row =
                |row: &Vec<Value>| if let Some(Value::Blob(entry)) = row.first() { entries(entry) } else { None };
            return Ok(rows.iter().map(of_row).collect::<Option<Vec<_>>>().map(|all| all.concat()));
        }
        let mark = self.rows("SELECT value FROM numbers WHERE name = 'journal'")?;
        let Some(Value::Integer(mark)) = mark.first().and_then(|row| row.first()) else { return Ok(Some(Vec::new())) };
        let path = format!("{}-entries", self.0.path().unwrap_or_default());
        let file = std::fs::read(path).unwrap_or_default();
        Ok(entries(&whole(&file, *mark)))
    }
}

/// The entries that are whole, one after the other.
fn whole(file: &[u8], mark: i64) -> Vec<u8> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some((head, rest)) = file.get(at..).and_then(|rest| rest.split_first_chunk::<12>()) {
        let [l0, l1, l2, l3, sum @ ..] = *head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let Some(entry) = rest.get(..len).filter(|_| len > 0) else { break };
        let place = u64::try_from(at).unwrap_or(0);
        let bytes = [&mark.to_le_bytes(), &place.to_le_bytes(), entry].concat();
        let fnv = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        if bytes.iter().fold(0xcbf2_9ce4_8422_2325, fnv) != u64::from_le_bytes(sum) {
            break;
        }
        found.extend_from_slice(entry);
        at += 12 + len;
    }
    found
}

fn entries(mut rest: &[u8]) -> Option<Vec<Entered>> {
    let mut all = Vec::new();
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
