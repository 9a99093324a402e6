use std::path::Path;

use lwa_rotate::config::Config;
use lwa_rotate::{Action, Cause, RemedyBy};

use super::*;

fn refused() -> Problem {
    Problem {
        cause: Cause::SecretRefused,
        remedy_by: RemedyBy::Person,
        happened: "Amazon does not accept the secret".to_owned(),
        still_works: "nothing that needs it".to_owned(),
        action: Action::SupplySecret,
        remedy: "look it up in the Developer Console".to_owned(),
        act_by: Some(1_800_000_000_000),
        amazon: Some(AmazonError {
            status: 401,
            code: "invalid_client".to_owned(),
            message: "Client authentication failed".to_owned(),
            details: String::new(),
            request_id: "r-1".to_owned(),
        }),
        retry_at: None,
    }
}

#[test]
fn a_failure_tells_what_happened_what_still_works_and_what_to_do() {
    let failure = Failure::failed("shop: Amazon does not accept the secret")
        .problem("shop", &refused())
        .hint("then run it again");
    let lines = failure.lines();
    assert_eq!(lines[0], "error: shop: Amazon does not accept the secret");
    assert_eq!(lines[1], "  amazon said  401 invalid_client: Client authentication failed");
    assert_eq!(lines[2], "  request id   r-1");
    assert_eq!(lines[3], "  still works  nothing that needs it");
    assert!(lines[4].starts_with("  act by       2027-01-15 08:00 UTC ("), "{}", lines[4]);
    assert_eq!(
        lines[5..],
        [
            "hint: look it up in the Developer Console",
            "hint: to supply the client secret: lwa-rotate enroll shop",
            "hint: then run it again"
        ]
    );
}

#[test]
fn a_failure_as_json_has_the_problem_as_fields() {
    let json = Failure::stalled("shop: stalled").problem("shop", &refused()).json();
    assert_eq!(json["error"]["kind"], "stalled");
    assert_eq!(json["error"]["problem"]["cause"], "secret-refused");
    assert_eq!(json["error"]["problem"]["remedy_by"], "person");
    assert_eq!(json["error"]["problem"]["action"], "supply-secret");
    assert_eq!(json["error"]["problem"]["act_by"], "2027-01-15T08:00:00Z");
    assert_eq!(json["error"]["problem"]["amazon"]["request_id"], "r-1");
    assert_eq!(json["error"]["hints"][0], "look it up in the Developer Console");
}

#[test]
fn every_mistake_of_the_configuration_is_told_with_its_place() {
    let mistakes = Config::parse(Path::new("a.toml"), "[store]\npth = \"x\"\n").expect_err("it has mistakes");
    let failure = Failure::mistakes(mistakes);
    assert_eq!(failure.exit, Exit::Usage);
    let lines = failure.lines();
    assert_eq!(lines[0], "error: a.toml: there is no application");
    assert!(lines.contains(&"error: a.toml:1: missing key `path` in [store]".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"error: a.toml:2: unknown key `pth` in [store]".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"hint: did you mean `path`?".to_owned()), "{lines:#?}");
    let json = failure.json();
    assert_eq!(json["error"]["mistakes"][2]["line"], 2);
    assert_eq!(json["error"]["mistakes"][2]["file"], "a.toml");
}

#[test]
fn exit_codes_are_those_of_the_documentation() {
    let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Unfinished, Exit::Stalled].map(Exit::code);
    assert_eq!(codes, [0, 1, 2, 3, 4]);
}

#[test]
fn amazon_words_are_one_line_even_where_some_are_missing() {
    let error = |code: &str, message: &str, details: &str| AmazonError {
        status: 403,
        code: code.to_owned(),
        message: message.to_owned(),
        details: details.to_owned(),
        request_id: String::new(),
    };
    assert_eq!(amazon_text(&error("", "", "")), "403");
    assert_eq!(
        amazon_text(&error("Unauthorized", "Access denied.", "Expired.")),
        "403 Unauthorized: Access denied. · Expired."
    );
    assert_eq!(amazon_text(&error("Unauthorized", "", "")), "403 Unauthorized");
}
