//! Amazon's interfaces: what is sent, and what an answer or a message means.

pub mod error;
pub mod lwa;
pub mod notification;
pub mod sp_api;
mod user_agent;
