//! What is unreadable, in the wrong place or in the way.

use std::fs;
use std::path::PathBuf;

use crate::program::{CLIENT_ID, SECRET, TARGETS, World, script};
use crate::{FORMS, WRONG, ask_for_everything, note_files, run, start};

/// The one record of the store.
fn record(world: &World) -> PathBuf {
    let mut files = fs::read_dir(world.path("state")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(SECRET))).unwrap()
}

#[test]
fn a_record_that_cannot_be_read_is_told_without_what_it_holds() {
    let world = World::enrolled();
    ask_for_everything(&world);
    let record = record(&world);
    let whole = fs::read_to_string(&record).unwrap();
    let place = whole.find(SECRET).unwrap();
    let mut broken = vec![
        whole[..place + 20].to_owned(),
        whole[..place + SECRET.len()].to_owned(),
        whole[..place + SECRET.len() + 1].to_owned(),
        whole[place..].to_owned(),
        format!("{whole}{SECRET}"),
        whole.replace(SECRET, &format!("{SECRET} {WRONG}")),
        whole.replace(SECRET, &format!("{SECRET}\\u0000")),
        whole.replace(&format!("\"{SECRET}\""), &format!("[\"{SECRET}\"]")),
        whole.replace("secret\"", &format!("{WRONG}\"")),
        SECRET.to_owned(),
    ];
    broken.retain(|text| *text != whole);
    for (text, form) in broken.iter().zip(FORMS.iter().cycle()) {
        fs::write(&record, text).unwrap();
        run(&world, form, &["status"]);
        run(&world, form, &["get", "shop"]).exits(1);
        run(&world, form, &["rotate", "shop", "--timeout", "0s"]).exits(1);
        start(&world, form, &["enroll", "shop"], SECRET).end().exits(1);
    }
    note_files(&world, &["shop.env", "shop.json"]);
}

#[test]
fn a_message_that_cannot_be_read_is_told_without_what_it_holds() {
    const NEW: &str = "amzn1.oa2-cs.v1.3c1d9b07ae52f846";
    let good = include_str!("../vectors/new-secret.json").replace("amzn1.oa2-cs.v1.new-example", NEW);
    assert!(good.contains(NEW));
    let ours = good.replace("amzn1.application-oa2-client.example", CLIENT_ID);
    let place = ours.find(NEW).unwrap();
    for (round, body) in [
        good.clone(),
        ours[..place + 24].to_owned(),
        ours[..place + NEW.len()].to_owned(),
        ours[place..].to_owned(),
        ours.replace(NEW, &format!("{NEW} and more")),
        ours.replace(&format!("\"{NEW}\""), &format!("{{\"{NEW}\":\"{NEW}\"}}")),
        ours.replace("newClientSecretExpiryTime", NEW),
        ours.replace("APPLICATION_OAUTH_CLIENT_NEW_SECRET", NEW),
        NEW.to_owned(),
        // Whole and readable, and never Amazon's.
        ours,
    ]
    .into_iter()
    .enumerate()
    {
        let form = FORMS[round % 2];
        let world = World::enrolled();
        ask_for_everything(&world);
        world.watch_for(NEW);
        world.emulator.send_message(body);
        if round % 4 == 0 {
            let watch = start(&world, form, &["watch", "--json"], "");
            watch.until("it has read the queue", || world.count("receive") > 0);
            watch.terminate();
            watch.end().done();
        } else {
            run(&world, form, &["rotate", "shop", "--timeout", "0s"]);
        }
        run(&world, form, &["status"]);
        note_files(&world, &["shop.env", "shop.json"]);
    }
}

#[test]
fn a_target_that_fails_is_told_without_the_secret_or_a_part_of_it() {
    let mut fail = vec![
        "cat >&2; exit 1".to_owned(),
        "cat; exit 1".to_owned(),
        "set -x; secret=$(cat); : \"$secret\"; exit 7".to_owned(),
        "tr -d '\\n' >&2; kill -9 $$".to_owned(),
        "cat >&2; exec sleep 60".to_owned(),
        "head -c 100 >&2; exit 1".to_owned(),
        "tail -c 80 >&2; exit 1".to_owned(),
    ];
    // The end that is shown begins in the middle of the secret.
    for filler in [430, 450, 470, 490] {
        fail.push(format!("cat >&2; head -c {filler} /dev/zero | tr '\\0' x >&2; exit 1"));
    }
    for (command, form) in fail.iter().zip(FORMS.iter().cycle()) {
        let world = World::new();
        ask_for_everything(&world);
        script(&world, "publish", command);
        let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\ntimeout = \"1s\"\n";
        world.configure("", &format!("{target}{TARGETS}"));
        start(&world, form, &["enroll", "shop"], SECRET).end().exits(3);
        run(&world, form, &["status"]).exits(1);
        note_files(&world, &["shop.env", "shop.json"]);
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_without_being_repeated() {
    let world = World::enrolled();
    ask_for_everything(&world);
    for form in FORMS {
        for stdin in
            [format!("{WRONG} {SECRET}"), format!("{WRONG}\n{SECRET}"), WRONG.repeat(200), format!("{WRONG}\u{7}")]
        {
            start(&world, form, &["enroll", "shop"], &stdin).end().exits(1);
        }
        world.write("secret", &format!("client_secret = {WRONG}\n"));
        run(&world, form, &["enroll", "shop", "--secret-file", "secret"]).exits(1);
        fs::remove_file(world.path("secret")).unwrap();
    }
    let good = world.read("lwa-rotate.toml");
    for line in [format!("client-secret = \"{WRONG}\""), format!("client-secret = \"{WRONG}"), WRONG.to_owned()] {
        world.write("lwa-rotate.toml", &good.replace("queue = \"main\"", &format!("queue = \"main\"\n{line}")));
        for form in FORMS {
            run(&world, form, &["status"]).exits(2);
        }
    }
}

/// The program cannot go on, wherever that is: there is no memory, no thread, no file, nobody reads what it says.
#[test]
fn a_program_that_runs_out_of_something_leaves_no_secret_behind() {
    let world = World::new();
    ask_for_everything(&world);
    start(&world, FORMS[0], &["enroll", "shop"], SECRET).end().done();
    // A backtrace takes memory too; if that fails in the middle of one, the standard library waits for its own lock for ever.
    let limits = (20..32)
        .map(|step| format!("unset RUST_BACKTRACE; ulimit -v {}", step * 10_000))
        .chain((3..13).map(|files| format!("ulimit -n {files}")));
    let mut failed = 0;
    for limit in limits {
        let ran = world.run_in_shell(&format!("{limit}; \"$@\""), &["-vvv", "rotate", "shop", "--timeout", "0s"]);
        failed += usize::from(ran.code != Some(0) && ran.code != Some(3));
    }
    assert!(failed > 3, "nothing ran out");
    for lost in [">&-", "2>&-", "> /dev/full", "2> /dev/full", "> /dev/full 2>&1"] {
        for arguments in [
            &["-vvv", "status"][..],
            &["-vvv", "rotate", "shop", "--dry-run"],
            &["-vvv", "rotate", "shop", "--json", "--timeout", "0s"],
        ] {
            world.run_in_shell(&format!("\"$@\" {lost}"), arguments);
        }
    }
    note_files(&world, &["shop.env", "shop.json"]);
}
