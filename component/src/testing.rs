//! What the unit tests of several modules need.

use crate::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};

/// The settings of an application with one target.
pub fn application() -> Application {
    Application {
        client_id: "amzn1.application-oa2-client.1".into(),
        token_endpoint: "https://lwa.test/auth/o2/token".into(),
        api_endpoint: "https://api.test".into(),
        queue: "main".into(),
        rotate: Rotate::Automatic,
        rotate_before: 30 * 24 * 3600,
        patience: 3600,
        targets: vec![Target { name: "file".into(), place: "file://machine/file".into() }],
        user_agent: UserAgent { application: "test".into(), version: "1".into(), language: "Rust".into() },
    }
}
