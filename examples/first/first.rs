//! The first record and the first decision, as the README has them.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::{Config, Engine};
use ensue_rule::{EventRef, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(Config::at("ensue.db"))?; // returns at once
    engine.apply(read_documents(&std::fs::read("tasks.json")?, &ReadOptions::default())?)?; // what the cloud pushed
    for item in 40..=42 {
        let args = [("item", Value::Int(item))];
        engine.record(&EventRef { action_type: "pv", scene: Some("item_detail"), args: &args, ..EventRef::default() });
    }
    engine.flush()?;
    for decision in engine.decisions(10)? {
        println!("{} {}", decision.touch, serde_json::to_string(&decision.values)?); // show it, then
        engine.ack(&[&*decision.id])?;
    }
    Ok(())
}
