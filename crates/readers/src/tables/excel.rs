//! Sheets of Excel and OpenDocument.

use crate::names::Names;
use crate::options::ReadOptions;
use crate::tables::cell::Marks;
use crate::tables::column::text_of;
use crate::tables::owned::Owned;
use crate::tables::records::{Add, Records};
use crate::tables::workbook;
use crate::text::layout::is_header;
use rows::{Error, Message, Result};
use std::path::Path;

/// Rows looked at to find the table.
const HEAD: usize = 200;
/// Rows before a table at most.
const MOST_TITLES: usize = 30;

/// A sheet, as a whole in memory.
pub(crate) struct SheetRecords {
    names: Names,
    width: usize,
    rows: Vec<Vec<Owned>>,
    notes: Vec<Message>,
}

impl SheetRecords {
    /// Opens the sheet of this name, or the first one.
    pub(crate) fn open(path: &Path, sheet: Option<&str>, options: &ReadOptions) -> Result<Self> {
        let place = path.display().to_string();
        let (rows, others) = workbook::cells(path, &place, sheet)?;
        let mut own = Self { names: Names::default(), width: 0, rows, notes: Vec::new() };
        if let Some(others) = others {
            own.notes.push(others);
        }
        own.find_table(&place, options)?;
        Ok(own)
    }

    fn find_table(&mut self, place: &str, options: &ReadOptions) -> Result<()> {
        let width = |row: &Vec<Owned>| {
            row.iter().rposition(|cell| *cell != Owned::Missing).map_or(0, |at| at + 1)
        };
        self.rows.retain(|row| width(row) > 0);
        let mut widths: Vec<usize> = self.rows.iter().take(HEAD).map(width).collect();
        let leading = |usual: usize| widths.iter().take_while(|width| **width < usual).count();
        let mut sorted = widths.clone();
        sorted.sort_unstable();
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
        let found = Some(leading(middle)).filter(|titles| *titles <= MOST_TITLES);
        let skip = options.layout.skip.unwrap_or(found.unwrap_or(0));
        if skip > 0 && options.layout.skip.is_none() {
            let what = if skip == 1 { "row" } else { "rows" };
            let why =
                format!("the first {skip} {what} are no part of the table and left out, as with ");
            self.notes.push(Message::from(why).set("skip", skip));
        }
        self.rows.drain(..skip.min(self.rows.len()));
        widths.drain(..skip.min(widths.len()));
        self.width = self.rows.iter().map(width).max().unwrap_or(0);
        self.rows.iter_mut().for_each(|row| row.resize(self.width, Owned::Missing));
        if self.rows.is_empty() {
            return Err(Error::data(place, "has no rows in this sheet"));
        }
        let texts = |row: &Vec<Owned>| -> Vec<String> {
            row.iter().map(|cell| text_of(cell.cell()).into_owned()).collect()
        };
        let head: Vec<Vec<String>> = self.rows.iter().take(HEAD).map(texts).collect();
        let below: Vec<&[String]> = head[1..].iter().map(Vec::as_slice).collect();
        let marks = Marks::new(&options.written(None));
        if options.layout.header.unwrap_or_else(|| is_header(&head[0], &below, &marks)) {
            self.names = Names::new(head[0].iter().cloned());
            self.rows.remove(0);
        }
        Ok(())
    }
}

impl Records for SheetRecords {
    fn names(&self) -> &Names {
        &self.names
    }

    fn width(&self) -> usize {
        self.width
    }

    fn feed(&mut self, add: &mut Add<'_>) -> Result<()> {
        for row in &self.rows {
            add(&row.iter().map(Owned::cell).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn notes(&self) -> Vec<Message> {
        self.notes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;
    use rows::ColumnKind;
    use std::fs::File;
    use std::io::Write;

    /// A workbook of one sheet of inline strings, numbers and dates, as other programs write it.
    fn workbook(path: &Path, rows: &str) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let packages = "http://schemas.openxmlformats.org/package/2006";
        for (name, text) in [
            ("[Content_Types].xml", format!("<Types xmlns=\"{packages}/content-types\"/>")),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{packages}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"May\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{packages}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/styles.xml",
                format!(
                    "<styleSheet xmlns=\"{main}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
                ),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
            ),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    #[test]
    fn a_sheet_is_a_table_behind_its_titles() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xlsx");
        let text = |at: &str, text: &str| {
            format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
        };
        let mut rows = format!("<row r=\"1\">{}</row>", text("A1", "Report"));
        rows += &format!(
            "<row r=\"3\">{}{}{}</row>",
            text("A3", "size"),
            text("B3", "word"),
            text("C3", "day")
        );
        for row in 4..10 {
            rows += &format!(
                "<row r=\"{row}\"><c r=\"A{row}\"><v>{row}.5</v></c>{}<c r=\"C{row}\" s=\"1\"><v>4529{row}</v></c></row>",
                text(&format!("B{row}"), if row % 2 == 0 { "p" } else { "q" })
            );
        }
        workbook(&path, &rows);
        let source = path.display().to_string();
        let data = read(&source, &ReadOptions::default()).unwrap();
        assert_eq!(data.columns, ["size", "word", "day"]);
        assert_eq!((data.rows(), data.kind(1)), (6, ColumnKind::Categorical));
        // 45294 days behind 30 December 1899 are 19725 behind 1 January 1970.
        let values = data.gather(0..1).unwrap();
        assert_eq!((values.get(0), values.get(2)), (4.5, 19_725.0));
        assert!(data.warnings[0].to_string().contains("skip = 1"), "{:?}", data.warnings);
        assert_eq!(read(&format!("{source}:May"), &ReadOptions::default()).unwrap().rows(), 6);
        let error =
            read(&format!("{source}:June"), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("unknown sheet \"June\""), "{error}");
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.xlsx", "a.xls", "a.ods"] {
            let path = folder.path().join(name);
            std::fs::write(&path, b"no workbook at all").unwrap();
            let error = read(&path.display().to_string(), &ReadOptions::default());
            assert!(error.unwrap_err().to_string().contains("cannot be read as a workbook"));
        }
    }
}
