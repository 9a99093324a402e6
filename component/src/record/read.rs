//! A document → the record. What is missing, unknown or not of its type is an error.

use crate::contract::lwa::rotation::observe::Reason;
use crate::credential::ClientSecret;
use crate::failure::Failure;
use crate::instant::Instant;
use crate::json::Node;
use crate::record::{Call, Current, Old, Pending, Proof, Record, Requesting, Retry, Stage, Stall, State, Target};
use crate::rotation::DOUBT;

impl Record {
    /// Reads the record. The error names the member that is wrong and holds no value.
    pub fn read(node: &Node<'_>) -> Result<Self, String> {
        node.nothing_beyond(Self {
            format: node.required("format", Node::number)?,
            client_id: node.required("client_id", Node::string)?,
            generation: node.required("generation", Node::number)?,
            state: node.required("state", state)?,
            current: node.required("current", current)?,
            pending: node.optional("pending", |node| node.list(pending))?.unwrap_or_default(),
            old: node.optional("old", olds)?.unwrap_or_default(),
            call: node.optional("call", call)?,
            calls: node.optional("calls", Node::number)?.unwrap_or_default(),
            called_at: node.optional("called_at", instant)?,
            targets: node.optional("targets", |node| node.map(target))?.unwrap_or_default(),
            noticed: node.optional("noticed", instant)?,
        })
    }
}

fn state(node: &Node<'_>) -> Result<State, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("settled", None) => Ok(State::Settled),
        ("requesting", Some(rest)) => requesting(rest).map(State::Requesting),
        ("awaiting", Some(rest)) => {
            let until = rest.required("until", instant)?;
            rest.nothing_beyond(State::Awaiting { until })
        }
        ("verifying", None) => Ok(State::Verifying),
        ("publishing", None) => Ok(State::Publishing),
        ("stalled", Some(rest)) => stall(rest).map(State::Stalled),
        _ => Err(node.unknown_kind()),
    }
}

fn requesting(node: &Node<'_>) -> Result<Requesting, String> {
    node.nothing_beyond(Requesting {
        reason: node.required("reason", reason)?,
        stage: node.required("stage", stage)?,
        attempts: node.required("attempts", Node::number)?,
        failure: node.optional("failure", Failure::read)?,
    })
}

fn reason(node: &Node<'_>) -> Result<Reason, String> {
    node.one_of(&[("Due", Reason::Due), ("Requested", Reason::Requested), ("RequestedAgain", Reason::RequestedAgain)])
}

fn stage(node: &Node<'_>) -> Result<Stage, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("waiting", Some(rest)) => instant(rest).map(Stage::Waiting),
        ("preparing", Some(rest)) => instant(rest).map(Stage::Preparing),
        ("calling", Some(rest)) => instant(rest).map(Stage::Calling),
        _ => Err(node.unknown_kind()),
    }
}

fn stall(node: &Node<'_>) -> Result<Stall, String> {
    node.one_of(&[("message-missing", Stall::MessageMissing), ("new-secret-refused", Stall::NewSecretRefused)])
}

fn current(node: &Node<'_>) -> Result<Current, String> {
    node.nothing_beyond(Current {
        secret: node.required("secret", secret)?,
        expires_at: node.optional("expires_at", instant)?,
        said_by_amazon: node.required("said_by_amazon", Node::truth)?,
        event_time: node.optional("event_time", instant)?,
        since: node.required("since", instant)?,
        jitter: node.required("jitter", Node::number)?,
        proof: node.required("proof", proof)?,
    })
}

fn proof(node: &Node<'_>) -> Result<Proof, String> {
    let (kind, rest) = node.kind()?;
    match (kind, &rest) {
        ("proven", None) => Ok(Proof::Proven),
        ("open", Some(rest)) => retry(rest).map(Proof::Open),
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

fn pending(node: &Node<'_>) -> Result<Pending, String> {
    let doubt_at = node.required("doubt_at", instant)?;
    // Format 1 says only that there was a message, which was made when the secret was kept at the latest.
    let from_message = node.optional("from_message", Node::truth)?.unwrap_or_default();
    let event_time = node.optional("event_time", instant)?.or(from_message.then_some(doubt_at - DOUBT));
    node.nothing_beyond(Pending {
        secret: node.required("secret", secret)?,
        expires_at: node.optional("expires_at", instant)?,
        event_time,
        old_ends_at: node.optional("old_ends_at", instant)?,
        retry: node.required("retry", retry)?,
        stalls_at: node.optional("stalls_at", instant)?,
        doubt_at,
    })
}

/// Format 1 has one of them at most, and no list.
fn olds(node: &Node<'_>) -> Result<Vec<Old>, String> {
    if node.is_list() { node.list(old) } else { old(node).map(|old| vec![old]) }
}

fn old(node: &Node<'_>) -> Result<Old, String> {
    node.nothing_beyond(Old {
        secret: node.required("secret", secret)?,
        since: node.optional("since", instant)?.unwrap_or(Instant(0)),
        expires_at: node.optional("expires_at", instant)?,
        ends_at: node.required("ends_at", instant)?,
        contested_at: node.optional("contested_at", instant)?,
    })
}

fn call(node: &Node<'_>) -> Result<Call, String> {
    node.nothing_beyond(Call {
        number: node.required("number", Node::number)?,
        id: node.optional("id", Node::number)?.unwrap_or_default(),
        at: node.required("at", instant)?,
        accepted: node.required("accepted", Node::truth)?,
        failure: node.optional("failure", Failure::read)?,
    })
}

fn target(node: &Node<'_>) -> Result<Target, String> {
    node.nothing_beyond(Target {
        generation: node.required("generation", Node::number)?,
        retry: node.required("retry", retry)?,
        again_at: node.optional("again_at", instant)?,
    })
}

fn secret(node: &Node<'_>) -> Result<ClientSecret, String> {
    ClientSecret::parse(node.text()?.into()).ok_or_else(|| node.wrong("is not a client secret"))
}

fn instant(node: &Node<'_>) -> Result<Instant, String> {
    node.number().map(Instant)
}
