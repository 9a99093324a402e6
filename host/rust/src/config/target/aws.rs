//! Publish targets in AWS.

use super::{Format, ParameterForm, Taken, names};
use crate::config::TargetKind;
use crate::config::mistake::Report;
use crate::config::section::{Section, Setting};

/// How an ARN of Secrets Manager goes on behind its partition.
const OF_SECRETS_MANAGER: &str = "secretsmanager";

pub(super) fn secret(
    app: &str,
    section: &mut Section<'_>,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let secret = section.required_text("secret", report);
    let region = region(section, report);
    let names = names(section, Format::Json, report);
    let secret = named(&secret?, report)?;
    let own_region = checked_region(&secret, report)?;
    let (region, names) = (region?, names?);
    if let (Some(own), Some(other)) = (&own_region, &region)
        && own != other
    {
        let hint = "leave `region` out: an ARN names its own";
        report.add(section.key("region"), format!("`region` is \"{other}\", but the ARN is of \"{own}\""), Some(hint));
        return None;
    }
    let kind = TargetKind::SecretsManager { secret: secret.value.to_owned(), region, names };
    taken.take_place(&kind, &secret, app, report)?;
    Some((format!("secretsmanager:{}", secret.value), kind))
}

pub(super) fn parameter(
    app: &str,
    section: &mut Section<'_>,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let parameter = section.required_text("parameter", report);
    let region = region(section, report);
    let form = form(section, report);
    let kms_key = section.text("kms-key", report).map(|key| key.value.to_owned());
    let parameter = named(&parameter?, report)?;
    if !parameter.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte)) {
        let text = "`parameter` is not the name of a parameter";
        let hint = "use letters, digits and `_.-/`; no ARN: name its region with `region`";
        report.add(Some(parameter.at), text, Some(hint));
        return None;
    }
    let (region, form) = (region?, form?);
    let kind = TargetKind::Ssm { parameter: parameter.value.to_owned(), region, form, kms_key };
    taken.take_place(&kind, &parameter, app, report)?;
    Some((format!("ssm:{}", parameter.value), kind))
}

/// A name in AWS, and not the client secret itself, which is easily put there by mistake.
fn named<'a>(name: &Setting<&'a str>, report: &mut Report) -> Option<Setting<&'a str>> {
    if !name.value.contains("oa2-cs") {
        return Some(name.clone());
    }
    report.add(
        Some(name.at.clone()),
        "this is the name of a place in AWS; secrets are never read from the configuration",
        Some("remove it, and supply the secret with `lwa-rotate enroll`"),
    );
    None
}

/// The region of an ARN; `None` in it for a name.
fn checked_region<'a>(secret: &Setting<&'a str>, report: &mut Report) -> Option<Option<&'a str>> {
    if !secret.value.starts_with("arn:") {
        return Some(None);
    }
    if let Some(region) = arn_region(secret.value) {
        return Some(Some(region));
    }
    let hint =
        "copy it whole, such as arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf, or write the name";
    report.add(Some(secret.at.clone()), "`secret` is not the ARN of a secret", Some(hint));
    None
}

/// The region of a secret's ARN; `None` for whatever else.
pub(super) fn arn_region(secret: &str) -> Option<&str> {
    let parts: Vec<&str> = secret.strip_prefix("arn:")?.split(':').collect();
    match parts[..] {
        [_, OF_SECRETS_MANAGER, region, _, "secret", _] if is_region(region) => Some(region),
        _ => None,
    }
}

/// The region that is named; `None` in it where none is.
fn region(section: &mut Section<'_>, report: &mut Report) -> Option<Option<String>> {
    let Some(region) = section.text("region", report) else {
        // What is there and no text has been reported.
        return (!section.holds("region")).then_some(None);
    };
    if is_region(region.value) {
        return Some(Some(region.value.to_owned()));
    }
    let text = format!("\"{}\" is not a region of AWS", region.value.escape_debug());
    report.add(Some(region.at), text, Some("write it as AWS does, such as \"us-east-1\""));
    None
}

fn is_region(region: &str) -> bool {
    region.contains('-')
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn form(section: &mut Section<'_>, report: &mut Report) -> Option<ParameterForm> {
    #[derive(Clone)]
    enum Form {
        Json,
        Value,
    }
    let form = section.choice("format", &[("json", Form::Json), ("value", Form::Value)], report);
    match form {
        None if section.holds("format") => {
            section.ignore_the_rest();
            None
        }
        None | Some(Form::Json) => Some(ParameterForm::Json(names(section, Format::Json, report)?)),
        Some(Form::Value) if section.holds("names") => {
            let hint = "leave `names` out, or write format = \"json\"";
            report.add(section.key("names"), "there are no `names` where the secret is alone", Some(hint));
            // What is wrong with it is reported already.
            section.value("names");
            None
        }
        Some(Form::Value) => Some(ParameterForm::Value),
    }
}
