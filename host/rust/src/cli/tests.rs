use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definitions_are_consistent() {
    use clap::CommandFactory;
    Arguments::command().debug_assert();
}

#[test]
fn global_options_may_stand_behind_the_command() {
    let arguments =
        parse("lwa-rotate status shop --json --config /etc/a.toml -vv --log-format json").expect("it is well formed");
    assert!(arguments.global.json);
    assert_eq!(arguments.global.verbose, 2);
    assert_eq!(arguments.global.log_format, LogFormat::Json);
    assert_eq!(arguments.global.config, Some("/etc/a.toml".into()));
    assert!(matches!(arguments.command, Command::Status { app: Some(app) } if app == "shop"));
}

#[test]
fn a_secret_as_an_argument_is_noticed_rather_than_used() {
    for line in [
        "enroll shop hidden",
        "enroll shop --secret hidden",
        "enroll shop --secret=hidden",
        "enroll shop --client-secret hidden",
        "enroll shop --secret",
    ] {
        let arguments = parse(&format!("lwa-rotate {line}")).expect("it is taken in");
        let Command::Enroll(arguments) = arguments.command else { panic!("it is enroll") };
        assert!(arguments.secret.is_some() || !arguments.positional.is_empty(), "{line}");
    }
}

#[test]
fn an_expiry_time_is_a_date_or_an_instant() {
    let arguments = parse("lwa-rotate enroll shop --expires-at 1970-01-02").expect("it is well formed");
    let Command::Enroll(arguments) = arguments.command else { panic!("it is enroll") };
    assert_eq!(arguments.expires_at, Some(86_400_000));
    assert!(parse("lwa-rotate enroll shop --expires-at soon").is_err());
}

#[test]
fn a_rotation_is_stayed_with_for_a_quarter_of_an_hour_unless_told_otherwise() {
    let timeout = |line: &str| match parse(line).expect("it is well formed").command {
        Command::Rotate(arguments) => arguments.timeout,
        _ => panic!("it is rotate"),
    };
    assert_eq!(timeout("lwa-rotate rotate shop"), Duration::from_secs(900));
    assert_eq!(timeout("lwa-rotate rotate shop --timeout 90s"), Duration::from_secs(90));
    assert!(parse("lwa-rotate rotate shop --timeout 90").is_err());
}

#[test]
fn resuming_needs_exactly_one_decision() {
    assert!(parse("lwa-rotate resume shop").is_err());
    assert!(parse("lwa-rotate resume shop --wait --request-again").is_err());
    assert!(parse("lwa-rotate resume shop --wait").is_ok());
    assert!(parse("lwa-rotate resume shop --request-again").is_ok());
}

#[test]
fn options_of_other_programs_are_answered_with_what_there_is_instead() {
    for (line, instead_of) in [
        ("rotate --all", "`watch` rotates all that are due"),
        ("status --format json", "--json"),
        ("check --format=json", "--json"),
        ("rotate shop --region us-east-1", "AWS_REGION"),
        ("watch --quiet", "2>/dev/null"),
    ] {
        let error = parse(&format!("lwa-rotate {line}")).expect_err(line);
        assert!(instead(&error).is_some_and(|hint| hint.contains(instead_of)), "{line}: {error}");
    }
    assert_eq!(instead(&parse("lwa-rotate status --sometimes").expect_err("unknown")), None);
}

#[test]
fn a_command_is_needed() {
    assert!(parse("lwa-rotate").is_err());
    assert!(parse("lwa-rotate rotat shop").is_err());
}
