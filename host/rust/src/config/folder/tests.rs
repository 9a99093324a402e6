use std::fs;

use tempfile::TempDir;

use super::*;
use crate::config::{Config, TargetKind};

const HEAD: &str = "apps-folder = \"apps.d\"\n[store]\npath = \"state\"\n\
                    [queues.main]\nurl = \"https://sqs.us-east-1.amazonaws.com/123456789012/lwa\"\n";

/// A configuration with these files in its folder.
fn written(main: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lwa-rotate.toml"), main).unwrap();
    fs::create_dir(folder.path().join("apps.d")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("apps.d").join(name), text).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Config {
    Config::read(&folder.path().join("lwa-rotate.toml")).unwrap()
}

fn app(name: &str, client_id: &str) -> String {
    format!("[apps.{name}]\nclient-id = \"{client_id}\"\nregion = \"na\"\nqueue = \"main\"\n")
}

fn names(config: &Config) -> Vec<&str> {
    config.apps.iter().map(|app| app.name.as_str()).collect()
}

/// The files that are left out, each with its mistakes.
fn skipped(config: &Config) -> Vec<(String, String)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    config.skipped.iter().map(|skipped| (name(&skipped.mistakes.path), skipped.mistakes.to_string())).collect()
}

#[test]
fn applications_of_the_file_come_first_and_then_those_of_the_folder_by_the_names_of_its_files() {
    let main = format!("{HEAD}{}", app("own", "amzn1.own"));
    let two = format!("{}{}", app("c", "amzn1.c"), app("a", "amzn1.a"));
    let folder = written(&main, &[("2.toml", &two), ("1.toml", &app("b", "amzn1.b"))]);
    let config = read(&folder);
    assert_eq!(names(&config), ["own", "b", "c", "a"]);
    assert_eq!(config.skipped, []);
    for app in &config.apps {
        assert_eq!(config.apps.find(&app.client_id), Some(app));
    }
    assert_eq!(config.apps.find("amzn1.other"), None);
}

#[test]
fn hidden_files_and_files_of_other_kinds_are_no_applications() {
    let text = app("b", "amzn1.b");
    let folder = written(HEAD, &[(".b.toml", &text), ("b.toml.bak", &text), ("README", "no TOML")]);
    let config = read(&folder);
    assert!(config.apps.is_empty() && config.skipped.is_empty(), "an empty folder is a beginning");
}

#[test]
fn paths_in_the_folder_start_where_the_configuration_lies() {
    let target = "[[apps.b.publish]]\nkind = \"file\"\npath = \"b.env\"\nformat = \"env\"\n";
    let folder = written(HEAD, &[("b.toml", &format!("{}{target}", app("b", "amzn1.b")))]);
    let config = read(&folder);
    let expected = folder.path().join("b.env");
    let TargetKind::File { path, .. } = &config.apps[0].publish[0].kind else { panic!("{config:?}") };
    assert_eq!(*path, expected);
}

#[test]
fn a_file_with_mistakes_is_left_out_with_all_of_them_and_the_others_count() {
    let bad = format!("{}colour = \"red\"\n{}", app("x", "amzn1.x"), app("y", "amzn 1.y"));
    let folder = written(HEAD, &[("a.toml", &bad), ("b.toml", &app("b", "amzn1.b")), ("c.toml", "[apps.z\n")]);
    let config = read(&folder);
    assert_eq!(names(&config), ["b"]);
    let [a, c] = &skipped(&config)[..] else { panic!("{:?}", config.skipped) };
    assert_eq!((a.0.as_str(), c.0.as_str()), ("a.toml", "c.toml"));
    assert!(a.1.contains("a.toml:5: unknown key `colour`") && a.1.contains("a.toml:7: `client-id` holds"), "{}", a.1);
    assert!(c.1.contains("c.toml:1: "), "{}", c.1);
    assert_eq!(config.skipped[0].apps, ["x", "y"], "to be found by whoever asks for one of them");
}

#[test]
fn a_name_or_a_client_id_that_is_taken_is_a_mistake_of_the_later_file() {
    let main = format!("{HEAD}{}", app("own", "amzn1.own"));
    let files = [
        ("1.toml", &*app("b", "amzn1.b")),
        ("2.toml", &*app("b", "amzn1.other")),
        ("3.toml", &*app("c", "amzn1.b")),
        ("4.toml", &*app("d", "amzn1.own")),
        ("5.toml", &*app("own", "amzn1.e")),
    ];
    let folder = written(&main, &files);
    let config = read(&folder);
    assert_eq!(names(&config), ["own", "b"]);
    let at = |file: &str, line| format!("({}:{line})", folder.path().join(file).display());
    let expected = [
        format!("2.toml:1: there is an application named `b` already {}", at("apps.d/1.toml", 1)),
        format!("3.toml:2: `c` and `b` {} have the same client id amzn1.b", at("apps.d/1.toml", 2)),
        format!("4.toml:2: `d` and `own` {} have the same client id amzn1.own", at("lwa-rotate.toml", 7)),
        format!("5.toml:1: there is an application named `own` already {}", at("lwa-rotate.toml", 6)),
    ];
    for ((_, found), expected) in skipped(&config).iter().zip(&expected) {
        assert!(found.ends_with(expected), "{found}\n{expected}");
    }
    assert_eq!(config.skipped.len(), expected.len());
}

#[test]
fn a_file_that_is_left_out_takes_nothing_from_the_later_ones() {
    let bad = format!("{}patience = \"soon\"\n", app("b", "amzn1.b"));
    let folder = written(HEAD, &[("1.toml", &bad), ("2.toml", &app("b", "amzn1.b"))]);
    assert_eq!(names(&read(&folder)), ["b"]);
}

#[test]
fn two_files_that_would_overwrite_each_others_targets_are_not_both_taken() {
    let text = |name: &str, format: &str| {
        format!("{}[[apps.{name}.publish]]\nkind = \"file\"\npath = \"x\"\nformat = \"{format}\"\n", app(name, name))
    };
    let folder = written(HEAD, &[("1.toml", &text("b", "env")), ("2.toml", &text("c", "json"))]);
    let config = read(&folder);
    assert_eq!(names(&config), ["b"]);
    assert!(skipped(&config)[0].1.contains("would overwrite each other in x"), "{:?}", config.skipped);
}

#[test]
fn only_applications_stand_in_the_folder() {
    let folder = written(HEAD, &[("1.toml", "[store]\npath = \"other\"\n")]);
    assert!(skipped(&read(&folder))[0].1.contains("1.toml:1: unknown key `store`"));
}

#[test]
fn a_folder_that_cannot_be_read_is_a_mistake_of_the_line_that_names_it() {
    let folder = written(&HEAD.replace("apps.d", "apps.e"), &[]);
    let mistakes = Config::read(&folder.path().join("lwa-rotate.toml")).unwrap_err();
    assert_eq!(mistakes.all[0].line, Some(1));
    assert!(mistakes.all[0].text.contains("apps.e cannot be read"), "{mistakes}");
}

/// The configuration with a folder of these files in place of those before.
fn read_again(folder: &TempDir, before: &Config, files: &[(&str, &str)]) -> Config {
    for (name, text) in files {
        fs::write(folder.path().join("apps.d").join(name), text).unwrap();
    }
    Config::read_again(&folder.path().join("lwa-rotate.toml"), before).unwrap()
}

#[test]
fn a_file_that_has_become_bad_keeps_the_applications_that_it_had() {
    let two = format!("{}{}", app("b", "amzn1.b"), app("c", "amzn1.c"));
    let folder = written(HEAD, &[("1.toml", &app("a", "amzn1.a")), ("2.toml", &two), ("3.toml", &app("d", "amzn1.d"))]);
    let before = read(&folder);

    let bad = format!("{two}patience = \"soon\"\n{}", app("new", "amzn1.new"));
    let config = read_again(&folder, &before, &[("2.toml", &bad)]);

    assert_eq!(names(&config), ["a", "d", "b", "c"]);
    assert_eq!((config.apps.find("amzn1.b"), config.skipped[0].kept.len()), (before.apps.find("amzn1.b"), 2));
    let config = read_again(&folder, &config, &[("2.toml", "[apps.z\n"), ("3.toml", "[apps.z\n")]);
    assert_eq!(names(&config), ["a", "b", "c", "d"], "nor are they lost the next time");
    assert_eq!(names(&read(&folder)), ["a"], "whoever starts does not know them");
    fs::remove_file(folder.path().join("apps.d/2.toml")).unwrap();
    assert_eq!(names(&read_again(&folder, &config, &[])), ["a", "d"], "a file that is removed takes its own with it");
}

#[test]
fn what_has_gone_elsewhere_is_not_kept_in_the_file_that_has_become_bad() {
    let target = "[[apps.e.publish]]\nkind = \"file\"\npath = \"x\"\nformat = \"env\"\n";
    let all = ["a", "b", "c", "d", "e"].map(|name| app(name, &format!("amzn1.{name}"))).concat().replace(
        "[apps.d]\nclient-id = \"amzn1.d\"\nregion = \"na\"\nqueue = \"main\"",
        "[apps.d]\nclient-id = \"amzn1.d\"\nregion = \"na\"\nqueue = \"other\"",
    );
    let other = "[queues.other]\nurl = \"https://sqs.us-east-1.amazonaws.com/123456789012/other\"\n";
    let folder = written(&format!("{HEAD}{other}"), &[("1.toml", &format!("{all}{target}"))]);
    let before = read(&folder);
    assert_eq!(names(&before), ["a", "b", "c", "d", "e"]);

    fs::write(folder.path().join("lwa-rotate.toml"), HEAD).unwrap();
    let json = target.replace("apps.e", "apps.f").replace("\"env\"", "\"json\"");
    let later = [app("a", "amzn1.new"), app("new", "amzn1.b"), app("f", "amzn1.f"), json].concat();
    let config = read_again(&folder, &before, &[("1.toml", "[apps.z\n"), ("2.toml", &later)]);

    // a: its name; b: its client id; d: its queue has gone; e: its file would be overwritten.
    assert_eq!(names(&config), ["a", "new", "f", "c"]);
    assert_eq!(config.skipped[0].kept, ["c"]);
}
