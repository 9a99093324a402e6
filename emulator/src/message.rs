//! The bodies of the two notifications, with the members that Amazon's examples have.

use serde_json::json;
use time::OffsetDateTime;

use crate::amazon::{IssuedSecret, random_hex, random_id};

/// An instant as Amazon writes it: ISO 8601, UTC, milliseconds.
fn instant(milliseconds: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

fn envelope(notification_type: &str, payload: &serde_json::Value, now: u64) -> String {
    json!({
        "notificationVersion": "1.0",
        "notificationType": notification_type,
        "payloadVersion": "2023-11-30",
        "eventTime": instant(now),
        "payload": payload,
        "notificationMetadata": {
            "applicationId": format!("amzn1.sp.solution.{}", random_hex(16)),
            "subscriptionId": random_id(),
            "publishTime": instant(now),
            "notificationId": random_id(),
        },
    })
    .to_string()
}

/// `APPLICATION_OAUTH_CLIENT_NEW_SECRET`.
pub fn new_secret(client_id: &str, new: &IssuedSecret, old_ends_at: u64, now: u64) -> String {
    let payload = json!({ "applicationOAuthClientNewSecret": {
        "clientId": client_id,
        "newClientSecret": new.secret,
        "newClientSecretExpiryTime": instant(new.ends_at),
        "oldClientSecretExpiryTime": instant(old_ends_at),
    } });
    envelope("APPLICATION_OAUTH_CLIENT_NEW_SECRET", &payload, now)
}

/// `APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY`.
pub fn secret_expiry(client_id: &str, ends_at: u64, now: u64) -> String {
    let payload = json!({ "applicationOAuthClientSecretExpiry": {
        "clientId": client_id,
        "clientSecretExpiryTime": instant(ends_at),
        "clientSecretExpiryReason": "PERIODIC_ROTATION",
    } });
    envelope("APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", &payload, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_amazon_writes_it() {
        assert_eq!(instant(1_704_924_557_456), "2024-01-10T22:09:17.456Z");
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
    }
}
