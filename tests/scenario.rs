//! The scenarios of `tests/scenarios`, without a host: the files, and what answers the imports. The format is described beside
//! the files, in `README.md`.

#[path = "scenario/file.rs"]
pub mod file;
#[path = "scenario/script.rs"]
pub mod script;
#[path = "scenario/world.rs"]
pub mod world;

use serde_json::Value;

/// What an import gives: its value, or a case of its error, as a scenario writes them.
pub type Reply = Result<Value, Value>;

/// What the imports lead to. The name is that of the contract, arguments and answers are as a scenario writes them.
pub trait Answers {
    /// `None`: the host is stopped here.
    fn answer(&mut self, name: &str, arguments: Value) -> Option<Reply>;
    fn now(&self) -> u64;
    fn emit(&mut self, event: Value);
}
