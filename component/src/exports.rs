//! The exported calls, natively: each loads, does its part, and says where the application stands.

mod advance;
mod deliver;
mod enroll;
mod operator;
mod publish;
mod rotate;
mod trial;

pub use advance::advance;
pub use deliver::{deliver, drain};
pub use enroll::{enroll, set_expiry};
pub use operator::{cancel, check_queue, forget, republish, request, resume, reveal, status, verify};
