//! Rows of the log: events and gaps, in and out.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::{Event, Source, Timestamp, Value};
use rusqlite::{OptionalExtension, Row, params};

use super::codec::{Reader, Writer};
use super::journal::{Cell, Statement};
use super::outbox::Decided;
use super::retention::Held;
use super::{Doing, Store, schema, signed, torn, unsigned};
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::log::{Counts, Entry, Log, LogEvent, LogGap, Losers, Span, StreamKey};

pub(super) const LATE: i64 = 1;
const DEVICE_LATE: i64 = 2;
pub(super) const GAP: i64 = 4;

/// Which parts a body has; its first byte.
const HAS_SCENE: u8 = 1;
const HAS_ID: u8 = 2;
const HAS_OFFSET: u8 = 4;
const HAS_DEVICE_TS: u8 = 8;
const HAS_RECORDED: u8 = 16;

const ONE: &str = "SELECT seq, user, ts, action, flags, body FROM events WHERE seq = ?1";
const ALL: &str = "SELECT seq, user, ts, action, flags, body FROM events WHERE seq >= ?1 ORDER BY seq";
const OF_USER: &str = "SELECT seq, user, ts, action, flags, body FROM events
  WHERE user = ?1 AND ts > ?2 AND (ts <= ?3 OR action = 0) ORDER BY ts, seq";
const OF_ONE: &str = "SELECT seq, user, ts, action, flags, body FROM events WHERE user = ?1 AND ts > ?2 ORDER BY seq";
const BODY: &str = "SELECT body FROM events WHERE seq = ?1 AND action > 0";

/// Bytes of a row beside its body, for the counter: five numbers and the key of the index. A round figure, so that
/// the counter is the same everywhere; how large the file gets, the file says (`docs/storage.md`).
pub(super) const ROW: u64 = 32;

/// A row as it stands; its body where that is kept, or lent for a moment.
pub(super) struct Raw<B = Vec<u8>> {
    pub(super) seq: u64,
    pub(super) user: i64,
    pub(super) ts: Timestamp,
    pub(super) action: i64,
    pub(super) flags: i64,
    pub(super) body: B,
}

impl Raw {
    /// What it counts as.
    pub(super) fn size(&self) -> Held {
        Held { rows: 1, bytes: ROW + self.body.len() as u64 }
    }

    /// Its place in the stream of the device.
    pub(super) fn device_place(&self) -> Option<Position> {
        let ts = if self.flags & GAP != 0 { None } else { Head::read(&mut Reader(&self.body), self.ts)?.device_ts };
        Some(Position { ts: ts.unwrap_or(self.ts), seq: self.seq })
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let Raw { seq, user, ts, action, flags, body } = Raw::lent(row)?;
        Ok(Self { seq, user, ts, action, flags, body: body.to_vec() })
    }
}

impl<'a> Raw<&'a [u8]> {
    /// A row as long as the statement stands on it.
    fn lent(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        let number = |i| row.get_ref(i)?.as_i64().map_err(rusqlite::Error::from);
        Ok(Self {
            seq: unsigned(number(0)?),
            user: number(1)?,
            ts: Timestamp(number(2)?),
            action: number(3)?,
            flags: number(4)?,
            body: row.get_ref(5)?.as_blob()?,
        })
    }
}

impl Log for Store {
    fn append(&mut self, event: &mut LogEvent) -> Result<(), Error> {
        event.seq = self.next_seq;
        self.next_seq += 1;
        if event.of_device && !self.mixed_kept {
            self.put_number(super::state::MIXED, 1)?;
            self.mixed = true;
        }
        self.put_event(event)
    }

    fn look_back(&mut self, span: &Span<'_>, visit: &mut dyn FnMut(&Entry)) -> Result<(), Error> {
        match span.stream {
            StreamKey::Device => self.look_back_device(span, visit),
            StreamKey::User(user) => {
                let user = self.user_id(user.as_ref())?;
                let (mut gaps, events) = self.stretch(user, span)?;
                gaps.extend(self.stretch(schema::DEVICE, span)?.0);
                gaps.sort_by_key(|r| (r.ts, r.seq));
                gaps.into_iter()
                    .chain(events)
                    .filter(|r| r.flags & LATE == 0)
                    .try_for_each(|raw| self.show(&raw, span, visit))
            }
        }
    }

    fn label(&mut self, seq: u64) -> Option<Value> {
        self.head_of(seq)?.id
    }

    fn session_of(&mut self, seq: u64) -> Option<u64> {
        self.head_of(seq).map(|head| head.session)
    }

    fn decided(&mut self, counts: Counts<'_>) -> Result<Vec<LedgerEntry>, Error> {
        self.ledger(Decided::All, counts)
    }
}

impl Store {
    fn head_of(&mut self, seq: u64) -> Option<Head> {
        let read = self.db.tables().ok()?.prepare_cached(BODY).ok()?.query_row([signed(seq)], |r| r.get(0));
        let body: Vec<u8> = read.ok()?;
        Head::read(&mut Reader(&body), Timestamp(0))
    }

    /// Appends a mark of lost events under the next arrival number.
    pub(crate) fn append_gap(&mut self, gap: &mut LogGap) -> Result<(), Error> {
        gap.seq = self.next_seq;
        self.next_seq += 1;
        let user = match &gap.losers {
            Losers::All => schema::DEVICE,
            Losers::User(user) => self.user_id(user.as_ref())?,
        };
        let [seq, user, ts, action, flags] = [signed(gap.seq), user, gap.upto.0, 0, GAP].map(Cell::Int);
        self.db.write(Statement::Event, &[seq, user, ts, action, flags, Cell::Bytes(&[])])?;
        self.tail = gap.seq;
        Ok(())
    }

    /// Visits all entries from `seq` on in the order of their arrival; returns how many.
    pub(crate) fn scan(&mut self, seq: u64, visit: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<u64, Error> {
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        let mut statement = conn.prepare_cached(ALL).doing("reading the log")?;
        let mut rows = statement.query([signed(seq)]).doing("reading the log")?;
        let mut n = 0;
        while let Some(row) = rows.next().doing("reading the log")? {
            let raw = Raw::lent(row).doing("reading the log")?;
            let mut name = |id| names.name(conn, id);
            let user = |id| users.name(conn, id);
            visit(entry(&raw, &mut name, user)?)?;
            n += 1;
        }
        Ok(n)
    }

    /// Visits the entry of that number, if it is still there.
    pub(super) fn scan_one(&mut self, seq: u64, visit: &mut dyn FnMut(Entry)) -> Result<(), Error> {
        let doing = "reading an event";
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        let mut statement = conn.prepare_cached(ONE).doing(doing)?;
        let raw = statement.query_row([signed(seq)], Raw::read).optional().doing(doing)?;
        if let Some(raw) = raw {
            visit(entry(&raw, &mut |id| names.name(conn, id), |id| users.name(conn, id))?);
        }
        Ok(())
    }

    /// Visits the entries of one user after a time, in the order of their arrival.
    pub(crate) fn scan_user(
        &mut self,
        (user, after): (i64, Timestamp),
        visit: &mut dyn FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut statement = self.db.tables()?.prepare_cached(OF_ONE).doing("reading a user's log")?;
        let raws = statement.query_map([user, after.0], Raw::read).doing("reading a user's log")?;
        let raws: Vec<Raw> = raws.collect::<rusqlite::Result<_>>().doing("reading a user's log")?;
        drop(statement);
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        raws.iter().try_for_each(|raw| visit(entry(raw, &mut |id| names.name(conn, id), |id| users.name(conn, id))?))
    }

    /// The number of a user, a new one where they have none.
    pub(super) fn user_id(&mut self, user: Option<&Arc<str>>) -> Result<i64, Error> {
        user.map_or(Ok(schema::ANONYMOUS), |name| self.users.id(&mut self.db, name))
    }

    fn put_event(&mut self, e: &LogEvent) -> Result<(), Error> {
        let user = self.user_id(e.event.user_id.as_ref())?;
        let action = self.names.id(&mut self.db, &e.event.action_type)?;
        let mut body = Writer::default();
        Head::write(e, &mut body);
        body.uint(e.event.args.len() as u64);
        for (name, value) in &e.event.args {
            body.uint(unsigned(self.names.id(&mut self.db, name)?));
            body.value(value);
        }
        let flags = i64::from(e.late) * LATE + i64::from(e.device_late) * DEVICE_LATE;
        let [seq, user, ts, action, flags] = [signed(e.seq), user, e.ts.0, action, flags].map(Cell::Int);
        self.db.write(Statement::Event, &[seq, user, ts, action, flags, Cell::Bytes(&body.0)])?;
        self.tail = e.seq;
        self.written.rows += 1;
        self.written.bytes += ROW + body.0.len() as u64;
        Ok(())
    }

    /// A user's rows of a stretch of time: gaps and events.
    fn stretch(&mut self, user: i64, span: &Span<'_>) -> Result<(Vec<Raw>, Vec<Raw>), Error> {
        let mut statement = self.db.tables()?.prepare_cached(OF_USER).doing("looking back")?;
        let rows = statement.query_map(params![user, span.after.0, span.to.ts.0], Raw::read).doing("looking back")?;
        let (mut gaps, mut events) = (Vec::new(), Vec::new());
        for raw in rows {
            let raw = raw.doing("looking back")?;
            if raw.flags & GAP != 0 {
                gaps.extend((raw.seq < span.to.seq).then_some(raw));
            } else if (Position { ts: raw.ts, seq: raw.seq }) <= span.to {
                events.push(raw);
            }
        }
        Ok((gaps, events))
    }

    fn show(&mut self, raw: &Raw, span: &Span<'_>, visit: &mut dyn FnMut(&Entry)) -> Result<(), Error> {
        if raw.flags & GAP == 0 {
            let action = self.names.name(self.db.names(), raw.action)?.ok_or_else(|| torn("looking back"))?;
            let head = Head::read(&mut Reader(&raw.body), raw.ts).ok_or_else(|| torn("looking back"))?;
            if !span.demand.wants(&action, head.scene.as_deref()) {
                return Ok(());
            }
        }
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        visit(&entry(raw, &mut |id| names.name(conn, id), |id| users.name(conn, id))?);
        Ok(())
    }

    /// All users as one stream: in the order of their places in it, which only a few derived events do not have by time.
    fn look_back_device(&mut self, span: &Span<'_>, visit: &mut dyn FnMut(&Entry)) -> Result<(), Error> {
        let mut found = Vec::new();
        self.scan(0, &mut |entry| {
            let place = match &entry {
                Entry::Event(e) if e.device_late => return Ok(()),
                Entry::Event(e) => e.position(&StreamKey::Device),
                Entry::Gap(g) => Position { ts: g.upto, seq: g.seq },
            };
            let event = matches!(entry, Entry::Event(_));
            if place.ts > span.after && if event { place <= span.to } else { place.seq < span.to.seq } {
                found.push((event, place, entry));
            }
            Ok(())
        })?;
        found.sort_by_key(|(event, place, _)| (*event, *place));
        for (_, _, entry) in &found {
            visit(entry);
        }
        Ok(())
    }
}

/// A row as an entry of the log.
pub(super) fn entry<B: AsRef<[u8]>>(
    raw: &Raw<B>,
    name: &mut dyn FnMut(i64) -> Result<Option<Arc<str>>, Error>,
    user: impl FnOnce(i64) -> Result<Option<Arc<str>>, Error>,
) -> Result<Entry, Error> {
    let bad = || torn("reading the log");
    let user = match raw.user {
        schema::DEVICE | schema::ANONYMOUS => None,
        id => Some(user(id)?.ok_or_else(bad)?),
    };
    if raw.flags & GAP != 0 {
        let losers = if raw.user == schema::DEVICE { Losers::All } else { Losers::User(user) };
        return Ok(Entry::Gap(LogGap { seq: raw.seq, losers, upto: raw.ts }));
    }
    let mut body = Reader(raw.body.as_ref());
    let head = Head::read(&mut body, raw.ts).ok_or_else(bad)?;
    let mut args = BTreeMap::new();
    for _ in 0..body.uint().ok_or_else(bad)? {
        let id = body.uint().ok_or_else(bad)?;
        let value = body.value().ok_or_else(bad)?;
        args.insert(name(signed(id))?.ok_or_else(bad)?, value);
    }
    let event = Event {
        ts: Some(raw.ts),
        id: head.id,
        source: head.source,
        action_type: name(raw.action)?.ok_or_else(bad)?,
        scene: head.scene,
        user_id: user,
        utc_offset_min: head.utc_offset_min,
        args,
    };
    Ok(Entry::Event(Arc::new(LogEvent {
        seq: raw.seq,
        ts: raw.ts,
        recorded: head.recorded.unwrap_or(raw.ts),
        device_ts: head.device_ts.unwrap_or(raw.ts),
        before: head.before,
        device_before: head.device_before,
        session: head.session,
        late: raw.flags & LATE != 0,
        device_late: raw.flags & DEVICE_LATE != 0,
        of_device: false,
        event,
    })))
}

/// What stands in a body before the arguments.
struct Head {
    scene: Option<Arc<str>>,
    source: Source,
    id: Option<Value>,
    utc_offset_min: Option<i32>,
    device_ts: Option<Timestamp>,
    recorded: Option<Timestamp>,
    session: u64,
    before: Timestamp,
    device_before: Timestamp,
}

const SOURCES: [Source; 5] = [Source::Page, Source::Network, Source::Storage, Source::Derived, Source::Custom];

impl Head {
    fn write(e: &LogEvent, w: &mut Writer) {
        let has = |is: bool, bit: u8| if is { bit } else { 0 };
        w.byte(
            has(e.event.scene.is_some(), HAS_SCENE)
                | has(e.event.id.is_some(), HAS_ID)
                | has(e.event.utc_offset_min.is_some(), HAS_OFFSET)
                | has(e.device_ts != e.ts, HAS_DEVICE_TS)
                | has(e.recorded != e.ts, HAS_RECORDED),
        );
        if let Some(scene) = &e.event.scene {
            w.text(scene);
        }
        let source = SOURCES.iter().position(|s| *s == e.event.source).unwrap_or(0);
        w.byte(u8::try_from(source).unwrap_or(0));
        if let Some(id) = &e.event.id {
            w.value(id);
        }
        if let Some(offset) = e.event.utc_offset_min {
            w.int(offset.into());
        }
        if e.device_ts != e.ts {
            w.int(e.device_ts.0);
        }
        if e.recorded != e.ts {
            w.int(e.recorded.0);
        }
        w.uint(e.session);
        w.int(distance(e.ts, e.before));
        w.int(distance(e.ts, e.device_before));
    }

    fn read(r: &mut Reader<'_>, ts: Timestamp) -> Option<Self> {
        let has = r.byte()?;
        let part = |bit: u8| has & bit != 0;
        let scene = if part(HAS_SCENE) { Some(r.text()?.into()) } else { None };
        let source = *SOURCES.get(usize::from(r.byte()?))?;
        let id = if part(HAS_ID) { Some(r.value()?) } else { None };
        let utc_offset_min = if part(HAS_OFFSET) { Some(i32::try_from(r.int()?).ok()?) } else { None };
        let device_ts = if part(HAS_DEVICE_TS) { Some(Timestamp(r.int()?)) } else { None };
        let recorded = if part(HAS_RECORDED) { Some(Timestamp(r.int()?)) } else { None };
        let session = r.uint()?;
        let (before, device_before) = (back(ts, r.int()?), back(ts, r.int()?));
        Some(Self { scene, source, id, utc_offset_min, device_ts, recorded, session, before, device_before })
    }
}

/// Frontiers stand as distances from the event's time, which are short; where there is none before (or one too far off
/// for a distance) as the largest number.
fn distance(ts: Timestamp, frontier: Timestamp) -> i64 {
    ts.0.checked_sub(frontier.0).unwrap_or(i64::MAX)
}

/// The reverse of [`distance`].
fn back(ts: Timestamp, distance: i64) -> Timestamp {
    if distance == i64::MAX { Timestamp::MIN } else { Timestamp(ts.0.saturating_sub(distance)) }
}

/// Action type and scene.
pub(super) type KindOf = (Arc<str>, Option<Arc<str>>);

impl Store {
    /// For retention: what decides how long a row stays.
    pub(super) fn kind_of(&mut self, action: i64, body: &[u8]) -> Result<Option<KindOf>, Error> {
        let Some(name) = self.names.name(self.db.names(), action)? else { return Ok(None) };
        Ok(Head::read(&mut Reader(body), Timestamp(0)).map(|head| (name, head.scene)))
    }
}

/// Whether the event of this body was derived.
pub(super) fn is_derived(body: &[u8]) -> bool {
    Head::read(&mut Reader(body), Timestamp(0)).is_some_and(|head| head.source == Source::Derived)
}

/// The numbers of the names of arguments in a body.
pub(super) fn names_in(body: &[u8], found: &mut dyn FnMut(i64)) -> Option<()> {
    let mut body = Reader(body);
    Head::read(&mut body, Timestamp(0))?;
    for _ in 0..body.uint()? {
        found(signed(body.uint()?));
        body.value()?;
    }
    Some(())
}
