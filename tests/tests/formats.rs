//! Stores that older versions have left (`tests/formats`): opened by this one they answer what they promised.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ensue_engine::{Engine, parse_event};
use ensue_rule::EventRef;
use ensue_tests::kill::life::Life;
use ensue_tests::kill::look;
use ensue_tests::told::Told;
use serde_json::Value;

/// The stores that are kept, oldest first.
fn kept() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    let all = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut stores: Vec<PathBuf> = all.filter(|p| p.extension().is_some_and(|e| e == "store")).collect();
    stores.sort();
    stores
}

/// The schema version, from the header of the file.
fn version(path: &Path) -> u32 {
    let bytes = std::fs::read(path).unwrap();
    u32::from_be_bytes(bytes[60..64].try_into().unwrap())
}

fn record(engine: &Engine, line: &Value) {
    let event = parse_event(line.to_string().as_bytes()).unwrap();
    let args: Vec<(&str, ensue_rule::Value)> = event.args.iter().map(|(k, v)| (&**k, v.clone())).collect();
    engine.record(&EventRef {
        ts: event.ts,
        id: event.id.as_ref(),
        source: event.source,
        action_type: &event.action_type,
        scene: event.scene.as_deref(),
        user_id: event.user_id.as_deref(),
        utc_offset_min: event.utc_offset_min,
        args: &args,
    });
}

fn json<T: serde::Serialize>(objects: &[T]) -> Vec<Value> {
    objects.iter().map(|o| serde_json::to_value(o).unwrap()).collect()
}

#[test]
fn a_kept_store_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut versions = Vec::new();
    for store in kept() {
        let expected: Value = serde_json::from_slice(&std::fs::read(store.with_extension("json")).unwrap()).unwrap();
        let copy = look::copy(&store, dir.path()).unwrap();
        let engine = Engine::open(Life::config(&copy)).unwrap();
        assert_eq!(engine.ready().unwrap().set_aside, None);
        assert_eq!(json(&engine.decisions(usize::MAX).unwrap()), *expected["waiting"].as_array().unwrap());
        let told = Arc::new(Told::default());
        engine.set_listener(Some(told.clone()));
        for line in expected["events"].as_array().unwrap() {
            record(&engine, line);
        }
        engine.flush().unwrap();
        let told = json(&told.take());
        for (now, then) in told.iter().zip(expected["told"].as_array().unwrap()) {
            assert_eq!(now, then, "{}", store.display());
        }
        assert_eq!(told.len(), expected["told"].as_array().unwrap().len(), "{}", store.display());
        engine.close();
        versions.push((version(&store), version(&copy)));
    }
    let (old, new): (Vec<u32>, Vec<u32>) = versions.into_iter().unzip();
    let newest = *new.first().unwrap();
    assert!(new.iter().all(|v| *v == newest), "all are of the newest version then: {new:?}");
    let every: Vec<u32> = (1..newest).collect();
    assert_eq!(old, every, "a store of every older version is kept");
}
