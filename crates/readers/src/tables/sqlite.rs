//! Tables of SQLite databases, read only.

use crate::hold::guarded::guarded;
use crate::names::Names;
use crate::tables::cell::Cell;
use crate::tables::owned::{Owned, named};
use crate::tables::records::{Add, Records};
use rows::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// A table of a database.
pub(crate) struct SqliteRecords {
    place: String,
    connection: Connection,
    query: String,
    names: Names,
}

impl SqliteRecords {
    /// Opens the table of this name, or the only one.
    pub(crate) fn open(path: &Path, table: Option<&str>) -> Result<Self> {
        let place = path.display().to_string();
        let fail = |error: rusqlite::Error| Error::data(&place, format!("cannot be read: {error}"));
        // It is opened by its name below.
        drop(rows::open_file(path)?);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        // What a file says of itself is not trusted to run anything.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(fail)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(fail)?;
        let tables = tables(&connection).map_err(fail)?;
        let name = match (table, tables.as_slice()) {
            (Some(name), _) if tables.iter().any(|known| known == name) => name,
            (Some(name), _) => {
                return Err(Error::unknown("table", name, tables.iter().map(String::as_str)));
            }
            (None, [only]) => only,
            (None, []) => return Err(Error::data(&place, "has no tables")),
            (None, several) => {
                let names = crate::names::quoted(several);
                let why = format!(
                    "has several tables; name one behind a colon, as in {place}:TABLE, of {names}"
                );
                return Err(Error::data(&place, why));
            }
        };
        let query = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
        let columns = {
            let statement = connection.prepare(&query).map_err(fail)?;
            // Names that are no text make it panic.
            guarded(&place, || named(&statement.column_names().collect::<Vec<_>>()))?
        };
        Ok(Self { place, connection, query, names: columns })
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let own = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = connection.prepare(own)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

impl Records for SqliteRecords {
    fn names(&self) -> &Names {
        &self.names
    }

    fn width(&self) -> usize {
        self.names.names.len()
    }

    fn feed(&mut self, add: &mut Add<'_>) -> Result<()> {
        let fail =
            |error: rusqlite::Error| Error::data(&self.place, format!("cannot be read: {error}"));
        let mut statement = self.connection.prepare(&self.query).map_err(fail)?;
        let mut rows = statement.query([]).map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            let mut owned = Vec::with_capacity(self.names.names.len());
            for at in 0..self.names.names.len() {
                owned.push(match row.get_ref(at).map_err(fail)? {
                    ValueRef::Null => Owned::Missing,
                    ValueRef::Integer(number) => Owned::whole(number.into()),
                    ValueRef::Real(number) => Owned::Number(number),
                    // Imports of CSV files leave numbers and dates as texts.
                    ValueRef::Text(text) => {
                        Owned::Written(String::from_utf8_lossy(text).into_owned())
                    }
                    ValueRef::Blob(_) => Owned::Text("binary data".to_owned()),
                });
            }
            add(&owned.iter().map(Owned::cell).collect::<Vec<Cell<'_>>>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, read};
    use rows::ColumnKind;

    #[test]
    fn a_table_of_a_database_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE points (id INTEGER, x REAL, word TEXT, day TEXT);
                 INSERT INTO points VALUES (9007199254740993, 1.5, 'p', '2024-01-31'), (2, NULL, 'q', '2024-02-01');",
            )
            .unwrap();
        let source = path.display().to_string();
        let options = ReadOptions { id: vec!["id".to_owned()], ..ReadOptions::default() };
        let data = read(&source, &options).unwrap();
        assert_eq!(data.columns, ["x", "word", "day"]);
        assert_eq!(data.ids.as_ref().unwrap()[0], "9007199254740993");
        assert_eq!((data.kind(1), data.kind(2)), (ColumnKind::Categorical, ColumnKind::Date));
        connection
            .execute_batch(
                "CREATE TABLE \"od\"\"d\" (a INTEGER); INSERT INTO \"od\"\"d\" VALUES (1)",
            )
            .unwrap();
        let error = read(&source, &options).unwrap_err().to_string();
        assert!(error.contains("several tables") && error.contains("\"points\""), "{error}");
        assert_eq!(read(&format!("{source}:od\"d"), &ReadOptions::default()).unwrap().rows(), 1);
        let error = read(&format!("{source}:none"), &options).unwrap_err().to_string();
        assert!(error.contains("unknown table"), "{error}");
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        std::fs::write(&path, b"no database at all, but long enough to be one by its size")
            .unwrap();
        let error = read(&path.display().to_string(), &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}
