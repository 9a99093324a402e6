use lwa_rotate::observe::{QueueReading, ReceivedMessage, SecretEnds, TargetFailure};

use super::*;

const START: u64 = 1_000_000;

fn stages() -> Stages {
    Stages::new(START, false)
}

fn happen(stages: &mut Stages, after: u64, what: Happening) {
    stages.take(&Event { client_id: Some("id".to_owned()), at: START + after, what });
}

fn lines(stages: &Stages, after: u64) -> Vec<String> {
    stages.lines(START + after)
}

#[test]
fn nothing_is_done_at_the_start() {
    let lines = lines(&stages(), 0);
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0], "  · queue");
    assert_eq!(lines[7], "  · acknowledge");
}

#[test]
fn a_whole_rotation_leaves_every_stage_marked() {
    let mut stages = stages();
    let ends = || SecretEnds { new_ends_at: None, old_ends_at: Some(START + 7 * 86_400_000) };
    for (after, what) in [
        (0, Happening::ReadingQueue),
        (50, Happening::QueueRead(QueueReading { messages: 0, to_the_end: true, notes: Vec::new() })),
        (50, Happening::AskingForToken(Purpose::Rotation)),
        (100, Happening::TokenIssued(Purpose::Rotation)),
        (100, Happening::CallingRotate),
        (300, Happening::RotateAccepted),
        (900, Happening::MessageReceived(ReceivedMessage { id: "m".to_owned(), receive_count: 1 })),
        (900, Happening::SecretKept(ends())),
        (900, Happening::Verifying),
        (1200, Happening::Verified),
        (1200, Happening::Promoted(ends())),
        (1300, Happening::Published("file:a".to_owned())),
        (1400, Happening::Published("exec:b".to_owned())),
        (1500, Happening::Acknowledged("m".to_owned())),
    ] {
        happen(&mut stages, after, what);
    }
    assert_eq!(
        lines(&stages, 9_000),
        [
            "  ✓ queue            0.0 s  the queue is read to its end: no message",
            "  ✓ token            0.0 s  LWA issued an access token",
            "  ✓ rotate           0.2 s  SP-API accepted the rotate call",
            "  ✓ message          0.6 s  the new secret arrived",
            "  ✓ keep                    stored as a candidate",
            "  ✓ verify           0.3 s  SP-API accepts the new secret; the old one ends in 7 d",
            "  ✓ publish          0.1 s  file:a, exec:b",
            "  ✓ acknowledge      0.2 s  the message is deleted",
        ]
    );
}

#[test]
fn what_is_waited_for_is_told_with_what_is_left() {
    let mut stages = stages();
    happen(&mut stages, 0, Happening::RotateAccepted);
    stages.row(Stage::Message).until = Some(START + 3_600_000);
    let line = &lines(&stages, 60_000)[3];
    assert!(
        line.contains("message          1 min  waiting for the new secret · until 01:16:40 UTC, 59 min left"),
        "{line}"
    );
}

#[test]
fn trouble_is_marked_until_it_is_over() {
    let mut stages = stages();
    let failure =
        TargetFailure { target: "file:a".to_owned(), failure: "no such folder".to_owned(), retry_at: START + 30_000 };
    happen(&mut stages, 0, Happening::NotPublished(failure));
    assert_eq!(lines(&stages, 1_000)[6], "  ! publish            1 s  tried again in 29 s: file:a: no such folder");
    happen(&mut stages, 2_000, Happening::Published("file:a".to_owned()));
    assert_eq!(lines(&stages, 3_000)[6], "  ✓ publish            2 s  file:a");
}

#[test]
fn a_message_that_comes_again_does_not_begin_its_stage_anew() {
    let mut stages = stages();
    happen(&mut stages, 0, Happening::SecretKept(SecretEnds { new_ends_at: None, old_ends_at: None }));
    happen(&mut stages, 9, Happening::MessageReceived(ReceivedMessage { id: "m".to_owned(), receive_count: 2 }));
    assert!(lines(&stages, 9)[3].ends_with("the new secret arrived"), "{:?}", lines(&stages, 9));
}

#[test]
fn without_colour_there_is_no_escape_in_a_line() {
    assert!(lines(&stages(), 0).iter().all(|line| !line.contains('\x1b')));
    assert!(Stages::new(START, true).lines(START).iter().all(|line| line.contains('\x1b')));
}

#[test]
fn a_queue_that_blocks_is_trouble_of_its_own_stage() {
    let mut stages = stages();
    happen(&mut stages, 0, Happening::ReadingQueue);
    let problem = lwa_rotate::Problem {
        cause: Cause::QueueBlocked,
        remedy_by: lwa_rotate::RemedyBy::Person,
        happened: "the queue is FIFO".to_owned(),
        still_works: String::new(),
        action: lwa_rotate::Action::FixQueue,
        remedy: String::new(),
        act_by: None,
        amazon: None,
        retry_at: None,
    };
    happen(&mut stages, 10, Happening::RotateRefused(problem));
    assert!(lines(&stages, 10)[0].starts_with("  ! queue"), "{:?}", lines(&stages, 10));
}
