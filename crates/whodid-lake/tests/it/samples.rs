//! Real events: each one's raw text comes back byte for byte.

use std::path::Path;

use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, RawReader};

use crate::events::recorded;

#[test]
fn every_sample_event_comes_back_byte_for_byte() {
    let folder = Path::new("../../../shared/samples");
    if !folder.exists() {
        crate::skipped(&format!("no sample events at {}", folder.display()));
        return;
    }
    let (mut events, mut raw_bytes, mut kept_bytes) = (0, 0, 0);
    visit(folder, &mut |body| {
        let items = decode(Format::Auto, body, recorded());
        let mut builder = BatchBuilder::new();
        for item in &items {
            match &item.event {
                Ok(event) => builder.append(item.format.as_str(), item.raw, event),
                Err(reject) => builder.append_reject(item.format.as_str(), item.raw, reject, recorded()),
            }
        }
        let batch = builder.finish();
        let reader = RawReader::new(&batch);
        for (row, item) in items.iter().enumerate() {
            assert_eq!(reader.raw(row), item.raw, "{}", String::from_utf8_lossy(item.raw));
        }
        events += items.len();
        raw_bytes += items.iter().map(|item| item.raw.len()).sum::<usize>();
        let templates = batch.column_by_name("raw_template").unwrap().to_data();
        kept_bytes += templates.get_slice_memory_size().unwrap();
    });
    eprintln!("{events} sample events of {raw_bytes} bytes; templates of {kept_bytes}");
    assert!(events > 0);
}

fn visit(folder: &Path, body: &mut dyn FnMut(&[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, body);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json" || extension == "ndjson" || extension == "jsonl")
        {
            body(&std::fs::read(&path).unwrap());
        }
    }
}
