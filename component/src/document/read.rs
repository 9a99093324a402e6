//! A document → the record. What is missing, unknown or not of its type is an error.

use crate::amazon::error::{CAUSES, Failure};
use crate::bindings::lwa::rotation::observe::Reason;
use crate::credential::ClientSecret;
use crate::instant::Instant;
use crate::json::Node;
use crate::record::call::{Call, Calls, Obstacle, Phase, Reading, Wanted};
use crate::record::secrets::{Candidate, Current, Erased, Origin, Promote, Retired, Retry, Secrets, Verification};
use crate::record::targets::{Foreign, Found, Target};
use crate::record::{Record, Reminded};

/// Reads the record. The error names the member that is wrong and holds no value.
pub fn record(node: &Node<'_>) -> Result<Record, String> {
    node.nothing_beyond(Record {
        format: node.required("format", Node::number)?,
        client_id: node.required("client_id", Node::string)?,
        call: node.required("call", calls)?,
        secrets: node.required("secrets", secrets)?,
        targets: node.optional("targets", |node| node.map(target))?.unwrap_or_default(),
        reminded: node.optional("reminded", reminded)?,
    })
}

fn calls(node: &Node<'_>) -> Result<Calls, String> {
    node.nothing_beyond(Calls {
        phase: node.required("phase", phase)?,
        count: node.required("count", Node::number)?,
        last_at: node.optional("last_at", instant)?,
        not_before: node.optional("not_before", instant)?,
        obstacle: node.optional("obstacle", obstacle)?,
    })
}

fn phase(node: &Node<'_>) -> Result<Phase, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("idle", None) => Ok(Phase::Idle),
        ("wanted", Some(rest)) => wanted(rest).map(Phase::Wanted),
        ("preparing", Some(rest)) => rest.nothing_beyond(Phase::Preparing {
            wanted: rest.required("wanted", wanted)?,
            since: rest.required("since", instant)?,
            reading: rest.required("reading", reading)?,
        }),
        ("sent", Some(rest)) => rest.nothing_beyond(Phase::Sent {
            wanted: rest.required("wanted", wanted)?,
            call: rest.required("call", call)?,
        }),
        ("awaited", Some(rest)) => rest.nothing_beyond(Phase::Awaited {
            call: rest.required("call", call)?,
            since: rest.required("since", instant)?,
        }),
        ("missing", Some(rest)) => call(rest).map(Phase::Missing),
        _ => Err(node.unknown_kind()),
    }
}

fn wanted(node: &Node<'_>) -> Result<Wanted, String> {
    node.nothing_beyond(Wanted {
        reason: node.required("reason", reason)?,
        force: node.required("force", Node::truth)?,
        from: node.required("from", instant)?,
        attempts: node.required("attempts", Node::number)?,
        failure: node.optional("failure", Failure::read)?,
    })
}

fn reason(node: &Node<'_>) -> Result<Reason, String> {
    node.one_of(&[("Due", Reason::Due), ("Requested", Reason::Requested), ("RequestedAgain", Reason::RequestedAgain)])
}

fn reading(node: &Node<'_>) -> Result<Reading, String> {
    node.nothing_beyond(Reading {
        messages: node.required("messages", Node::number)?,
        looks: node.optional("looks", Node::number)?.unwrap_or_default(),
        goes_on: node.optional("goes_on", instant)?,
    })
}

fn call(node: &Node<'_>) -> Result<Call, String> {
    node.nothing_beyond(Call {
        id: node.required("id", Node::number)?,
        at: node.required("at", instant)?,
        accepted: node.required("accepted", Node::truth)?,
        failure: node.optional("failure", Failure::read)?,
    })
}

fn obstacle(node: &Node<'_>) -> Result<Obstacle, String> {
    node.nothing_beyond(Obstacle {
        check: node.required("check", Node::string)?,
        fact: node.required("fact", Node::truth)?,
        evidence: node.required("evidence", Node::string)?,
        remedy: node.required("remedy", Node::string)?,
    })
}

fn secrets(node: &Node<'_>) -> Result<Secrets, String> {
    node.nothing_beyond(Secrets {
        generation: node.required("generation", Node::number)?,
        current: node.required("current", current)?,
        candidates: node.optional("candidates", |node| node.list(candidate))?.unwrap_or_default(),
        retired: node.optional("retired", |node| node.list(retired))?.unwrap_or_default(),
        erased: node.optional("erased", |node| node.list(erased))?.unwrap_or_default(),
        unmatched: node.optional("unmatched", instant)?,
    })
}

fn origin(node: &Node<'_>) -> Result<Origin, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("supplied", Some(rest)) => instant(rest).map(Origin::Supplied),
        ("message", Some(rest)) => rest.nothing_beyond(Origin::Message {
            expires_at: rest.required("expires_at", instant)?,
            event_time: rest.required("event_time", instant)?,
        }),
        _ => Err(node.unknown_kind()),
    }
}

fn current(node: &Node<'_>) -> Result<Current, String> {
    node.nothing_beyond(Current {
        secret: node.required("secret", secret)?,
        origin: node.required("origin", origin)?,
        expires_at: node.optional("expires_at", instant)?,
        since: node.required("since", instant)?,
        jitter: node.required("jitter", Node::number)?,
        verification: node.required("verification", verification)?,
    })
}

fn verification(node: &Node<'_>) -> Result<Verification, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("verified", None) => Ok(Verification::Verified),
        ("open", Some(rest)) => retry(rest).map(Verification::Open),
        _ => Err(node.unknown_kind()),
    }
}

fn retry(node: &Node<'_>) -> Result<Retry, String> {
    node.nothing_beyond(Retry {
        at: node.required("at", instant)?,
        attempts: node.required("attempts", Node::number)?,
        failure: node.optional("failure", Failure::read)?,
    })
}

fn candidate(node: &Node<'_>) -> Result<Candidate, String> {
    const PROMOTE: [(&str, Promote); 2] =
        [("when-accepted", Promote::WhenAccepted), ("when-current-refused", Promote::WhenCurrentRefused)];
    node.nothing_beyond(Candidate {
        secret: node.required("secret", secret)?,
        origin: node.required("origin", origin)?,
        expires_at: node.optional("expires_at", instant)?,
        old_ends_at: node.optional("old_ends_at", instant)?,
        kept_at: node.required("kept_at", instant)?,
        replaced_at: node.optional("replaced_at", instant)?,
        promote: node.required("promote", |node| node.one_of(&PROMOTE))?,
        retry: node.required("retry", retry)?,
        stalls_at: node.optional("stalls_at", instant)?,
        stalled: node.required("stalled", Node::truth)?,
    })
}

fn retired(node: &Node<'_>) -> Result<Retired, String> {
    node.nothing_beyond(Retired {
        secret: node.required("secret", secret)?,
        expires_at: node.optional("expires_at", instant)?,
        ends_at: node.required("ends_at", instant)?,
    })
}

fn erased(node: &Node<'_>) -> Result<Erased, String> {
    node.nothing_beyond(Erased {
        digest: node.required("digest", Node::number)?,
        ended_at: node.required("ended_at", instant)?,
        expires_at: node.optional("expires_at", instant)?,
    })
}

fn target(node: &Node<'_>) -> Result<Target, String> {
    node.nothing_beyond(Target {
        generation: node.required("generation", Node::number)?,
        retry: node.required("retry", retry)?,
        look_at: node.optional("look_at", instant)?,
        looks: node.optional("looks", Node::number)?.unwrap_or_default(),
        read_at: node.optional("read_at", instant)?,
        rewrites: node.optional("rewrites", Node::number)?.unwrap_or_default(),
        late_write: node.optional("late_write", Node::truth)?.unwrap_or_default(),
        found: node.optional("found", found)?,
        overwrite: node.optional("overwrite", Node::truth)?.unwrap_or_default(),
        seen_at: node.required("seen_at", instant)?,
    })
}

fn found(node: &Node<'_>) -> Result<Found, String> {
    const FOREIGN: [(&str, Foreign); 3] = [
        ("another-secret", Foreign::AnotherSecret),
        ("another-application", Foreign::AnotherApplication),
        ("put-back", Foreign::PutBack),
    ];
    node.nothing_beyond(Found {
        what: node.required("what", |node| node.one_of(&FOREIGN))?,
        by: node.optional("by", Node::string)?,
    })
}

fn reminded(node: &Node<'_>) -> Result<Reminded, String> {
    node.nothing_beyond(Reminded {
        cause: node.required("cause", |node| node.one_of(&CAUSES))?,
        at: node.required("at", instant)?,
    })
}

fn secret(node: &Node<'_>) -> Result<ClientSecret, String> {
    ClientSecret::parse(node.text()?.into()).ok_or_else(|| node.wrong("is not a client secret"))
}

fn instant(node: &Node<'_>) -> Result<Instant, String> {
    node.number().map(Instant)
}
