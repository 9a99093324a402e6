//! The two notifications, with the members that Amazon's examples have.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::random::{random_hex, random_id};
use crate::secret::IssuedSecret;

/// What an application's notifications have in common.
pub struct Subscription {
    application_id: String,
    subscription_id: String,
}

impl Subscription {
    pub fn new() -> Self {
        Self { application_id: format!("amzn1.sp.solution.{}", random_hex(16)), subscription_id: random_id() }
    }

    fn envelope(&self, notification_type: &str, payload: &Value, at: u64, published_at: u64) -> String {
        json!({
            "notificationVersion": "1.0",
            "notificationType": notification_type,
            "payloadVersion": "2023-11-30",
            "eventTime": instant(at),
            "payload": payload,
            "notificationMetadata": {
                "applicationId": self.application_id,
                "subscriptionId": self.subscription_id,
                "publishTime": instant(published_at),
                "notificationId": random_id(),
            },
        })
        .to_string()
    }

    /// `APPLICATION_OAUTH_CLIENT_NEW_SECRET`.
    pub fn new_secret(
        &self,
        client_id: &str,
        new: &IssuedSecret,
        old_ends_at: u64,
        at: u64,
        published_at: u64,
    ) -> String {
        let payload = json!({ "applicationOAuthClientNewSecret": {
            "clientId": client_id,
            "newClientSecret": new.secret,
            "newClientSecretExpiryTime": instant(new.ends_at),
            "oldClientSecretExpiryTime": instant(old_ends_at),
        } });
        self.envelope("APPLICATION_OAUTH_CLIENT_NEW_SECRET", &payload, at, published_at)
    }

    /// `APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY`.
    pub fn secret_expiry(&self, client_id: &str, ends_at: u64, at: u64, published_at: u64) -> String {
        let payload = json!({ "applicationOAuthClientSecretExpiry": {
            "clientId": client_id,
            "clientSecretExpiryTime": instant(ends_at),
            "clientSecretExpiryReason": "PERIODIC_ROTATION",
        } });
        self.envelope("APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", &payload, at, published_at)
    }
}

/// The notification of a new secret of an application that does not exist here.
pub fn foreign(now: u64) -> String {
    let day = 86_400_000;
    let secret = format!("amzn1.oa2-cs.v1.{}", random_hex(32));
    let new = IssuedSecret { secret, ends_at: now + 180 * day, works_from: now };
    Subscription::new().new_secret("amzn1.application-oa2-client.foreign", &new, now + 7 * day, now, now)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_amazon_writes_it() {
        assert_eq!(instant(1_704_924_557_456), "2024-01-10T22:09:17.456Z");
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
    }
}
