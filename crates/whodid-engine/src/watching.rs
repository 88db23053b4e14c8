//! Saved searches that are watched: which of the records that came match them.

use std::sync::Arc;

use whodid_lake::RawReader;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Field, Offset, StreamName, Timestamp};
use whodid_query::Query;
use whodid_search::Visible;

use crate::detect::Read;
use crate::engine::Engine;
use crate::error::Error;
use crate::read::ReadRequest;
use crate::row::Row;
use crate::rowview;

/// Sentences of the latest matches that are told.
const SENTENCES_MAX: usize = 5;

/// A search that records are held against as they come.
#[derive(Debug, Clone)]
pub struct WatchedSearch {
    query: Query,
    visible: Visible,
    region: Option<String>,
}

/// Records that a search matches, recorded at the same moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedMatch {
    /// When they were recorded.
    pub at: Timestamp,
    /// How many.
    pub count: u64,
    /// The latest of them, at most five, with their sentences.
    pub latest: Vec<(Offset, String)>,
}

/// What of some records a search matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// In the order of recording.
    pub matches: Vec<WatchedMatch>,
}

/// What came since a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedStep {
    /// Where to go on.
    pub next: Offset,
    /// When the last record was taken in: everything before that was seen. `None` where there was none.
    pub until: Option<Timestamp>,
    /// What each search matches, in the order they were given.
    pub found: Vec<Watched>,
}

impl Engine {
    /// Reads the search of a request, as [`WatchedSearch::read`] does by the engine's clock.
    ///
    /// # Errors
    /// As there.
    pub fn watched_search(&self, stream: &StreamName, request: &ReadRequest) -> Result<WatchedSearch, Error> {
        WatchedSearch::read(stream, request, (self.inner.options.clock)())
    }

    /// Holds the next records of a stream against searches. `None`: nothing came.
    ///
    /// # Errors
    /// The records were flushed and cannot be read back.
    pub async fn watch_from(
        &self,
        account: &AccountName,
        stream: &StreamName,
        from: Offset,
        searches: Arc<Vec<WatchedSearch>>,
    ) -> Result<Option<WatchedStep>, Error> {
        let batches = match self.records_from(account, stream, from).await? {
            Read::Rows(batches) => batches,
            Read::Gap(until) => {
                return Ok(Some(WatchedStep {
                    next: until,
                    until: None,
                    found: vec![Watched::default(); searches.len()],
                }));
            }
            Read::Nothing => return Ok(None),
        };
        let stream = stream.clone();
        let look = move || {
            let mut step = WatchedStep { next: from, until: None, found: vec![Watched::default(); searches.len()] };
            for batch in &batches {
                let raws = RawReader::new(batch);
                for row in Row::all_with(batch, &raws) {
                    step.next = step.next.max(row.offset().next());
                    step.until = step.until.max(Some(row.recorded_at()));
                    rowview::with_event(row, &stream, |event| {
                        for (search, found) in searches.iter().zip(&mut step.found) {
                            let is_there =
                                search.region.as_deref().is_none_or(|region| row.field(Field::Region) == Some(region));
                            if is_there && search.visible.shows(event) && search.query.matches(event) {
                                found.take(row);
                            }
                        }
                    });
                }
            }
            step
        };
        tokio::task::spawn_blocking(look).await.map(Some).map_err(|error| Error::internal("watching searches", error))
    }

    /// The offset that the next record of a stream will have.
    pub fn next_offset(&self, account: &AccountName, stream: &StreamName) -> Offset {
        self.inner.known_table(account, stream).map_or(Offset(0), |table| table.next_offset())
    }
}

impl WatchedSearch {
    /// Reads the search of a request: its query, space and region. Ranges have no meaning here.
    ///
    /// # Errors
    /// The query or the space cannot be read, or the query holds a time that is relative to now: it would mean another
    /// thing each moment.
    pub fn read(stream: &StreamName, request: &ReadRequest, now: Timestamp) -> Result<Self, Error> {
        let query = crate::read::parse_query(&request.q)?.at(now);
        let later = crate::read::parse_query(&request.q)?.at(now.plus_micros(MICROS_A_DAY));
        if query != later {
            let detail = "`q` holds a time that is relative to now, which moves on while it is watched; leave it out";
            return Err(Error::invalid("bad_query", detail));
        }
        let mut visible = Visible::all(stream.clone());
        if let Some(space) = &request.space {
            let space = whodid_model::SpaceName::parse(space)
                .map_err(|error| Error::invalid("bad_space", format!("`space`: {error}")))?;
            visible = visible.in_space(&space);
        }
        Ok(Self { query, visible, region: request.region.clone() })
    }
}

impl Watched {
    fn take(&mut self, row: Row<'_>) {
        let at = row.recorded_at();
        if self.matches.last().is_none_or(|last| last.at != at) {
            self.matches.push(WatchedMatch { at, count: 0, latest: Vec::new() });
        }
        let Some(last) = self.matches.last_mut() else { return };
        last.count += 1;
        if last.latest.len() == SENTENCES_MAX {
            last.latest.remove(0);
        }
        last.latest.push((row.offset(), whodid_model::sentence::summary(&row.fields())));
    }
}
