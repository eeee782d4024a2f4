//! History from its end, some rows at a time: what scripts read.

use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::Timestamp;
use rusqlite::params;

use super::events::{GAP, LATE, Raw, entry};
use super::{Doing, Store, schema, signed, unsigned};
use crate::error::Error;
use crate::log::{Entry, Log, LogEvent, Span, StreamKey};
use crate::pending::{Gaps, Page, Reach};

const BACK: &str = "SELECT seq, user, ts, action, flags, body FROM events
  WHERE user = ?1 AND ts > ?2 AND (ts, seq) < (?3, ?4) AND action > 0 ORDER BY ts DESC, seq DESC LIMIT ?5";
const GAPS: &str = "SELECT ts, seq FROM events WHERE user IN (?1, -1) AND ts > ?2 AND action = 0 AND seq < ?3
  ORDER BY ts, seq";
const ONE: &str = "SELECT seq, user, ts, action, flags, body FROM events WHERE seq = ?1";

const READING: &str = "reading a script's history";

impl Store {
    /// Events of a history before a place (`None`: from its end), newest first. At most `limit` rows are looked at, so that
    /// no page takes long; all users as one stream are one page.
    pub(crate) fn page(&mut self, reach: &Reach, before: Option<Position>, limit: usize) -> Result<Page, Error> {
        let StreamKey::User(user) = &reach.stream else { return self.page_of_device(reach) };
        let user = self.user_id(user.as_ref())?;
        let before = before.unwrap_or(Position { ts: reach.to.ts, seq: reach.to.seq.saturating_add(1) });
        let after = reach.consumed.map_or(reach.after, |c| reach.after.max(c.ts.minus(ensue_rule::Duration(1))));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.db.tables()?.prepare_cached(BACK).doing(READING)?;
        let of = params![user, after.0, before.ts.0, signed(before.seq), limit];
        let raws = statement.query_map(of, Raw::read).doing(READING)?;
        let raws: Vec<Raw> = raws.collect::<rusqlite::Result<_>>().doing(READING)?;
        drop(statement);
        let full = i64::try_from(raws.len()).unwrap_or(i64::MAX) >= limit;
        let next = raws.last().filter(|_| full).map(|r| Position { ts: r.ts, seq: r.seq });
        let mut events = Vec::new();
        for raw in raws.iter().filter(|r| r.flags & LATE == 0) {
            events.extend(self.event_of(raw, reach)?);
        }
        Ok(Page { events, next })
    }

    fn event_of(&mut self, raw: &Raw, reach: &Reach) -> Result<Option<Arc<LogEvent>>, Error> {
        if let Some((action, scene)) = self.kind_of(raw.action, &raw.body)?
            && !reach.task.demand.wants(&action, scene.as_deref())
        {
            return Ok(None);
        }
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        let read = entry(raw, &mut |id| names.name(conn, id), |id| users.name(conn, id))?;
        Ok(match read {
            Entry::Event(event) if reach.has(&event) => Some(event),
            Entry::Event(_) | Entry::Gap(_) => None,
        })
    }

    fn page_of_device(&mut self, reach: &Reach) -> Result<Page, Error> {
        let (mut events, demand) = (Vec::new(), &reach.task.demand);
        let span = Span { stream: &reach.stream, after: reach.after, to: reach.to, demand };
        self.look_back(&span, &mut |entry| match entry {
            Entry::Event(event) if reach.has(event) => events.push(event.clone()),
            Entry::Event(_) | Entry::Gap(_) => {}
        })?;
        events.reverse();
        Ok(Page { events, next: None })
    }

    /// The marks of lost events in a history, by time.
    pub(crate) fn gaps_of(&mut self, reach: &Reach) -> Result<Gaps, Error> {
        let user = match &reach.stream {
            StreamKey::Device => return self.gaps_of_device(reach),
            StreamKey::User(user) => self.user_id(user.as_ref())?,
        };
        let mut statement = self.db.tables()?.prepare_cached(GAPS).doing(READING)?;
        let of = params![user, reach.after.0, signed(reach.to.seq)];
        let rows = statement.query_map(of, |r| Ok(Position { ts: Timestamp(r.get(0)?), seq: unsigned(r.get(1)?) }));
        rows.doing(READING)?.collect::<rusqlite::Result<_>>().doing(READING)
    }

    fn gaps_of_device(&mut self, reach: &Reach) -> Result<Gaps, Error> {
        let mut gaps = Gaps::new();
        let span = Span { stream: &reach.stream, after: reach.after, to: reach.to, demand: &reach.task.demand };
        self.look_back(&span, &mut |entry| {
            if let Entry::Gap(gap) = entry {
                gaps.push(Position { ts: gap.upto, seq: gap.seq });
            }
        })?;
        Ok(gaps)
    }

    /// The entry of an arrival number.
    pub(super) fn entry_at(&mut self, seq: u64) -> Result<Option<Entry>, Error> {
        let mut statement = self.db.tables()?.prepare_cached(ONE).doing(READING)?;
        let raws = statement.query_map([signed(seq)], Raw::read).doing(READING)?;
        let raws: Vec<Raw> = raws.collect::<rusqlite::Result<_>>().doing(READING)?;
        drop(statement);
        let Some(raw) = raws.first().filter(|r| r.flags & GAP == 0 && r.user != schema::DEVICE) else {
            return Ok(None);
        };
        let Self { db, names, users, .. } = self;
        let conn = db.tables()?;
        entry(raw, &mut |id| names.name(conn, id), |id| users.name(conn, id)).map(Some)
    }
}
