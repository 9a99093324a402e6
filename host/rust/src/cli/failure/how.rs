//! What to do about a problem, in this program's own commands: the contract's words name none.

use lwa_rotate::{Action, Problem};

/// The remedy in words, if there is anything to do, and the commands for it.
pub(in crate::cli) fn remedies(app: &str, problem: &Problem) -> Vec<String> {
    let mut remedies = Vec::new();
    if problem.action != Action::Wait && !problem.remedy.is_empty() {
        remedies.push(problem.remedy.clone());
    }
    remedies.extend(how(app, problem.action));
    remedies
}

/// The commands for what has to be done.
fn how(app: &str, action: Action) -> Vec<String> {
    match action {
        Action::Wait | Action::Other => Vec::new(),
        Action::SupplySecret => vec![format!("to supply the client secret: lwa-rotate enroll {app}")],
        Action::RotateInConsole => vec![format!("to supply the new client secret: lwa-rotate enroll {app}")],
        Action::Subscribe => vec![format!("then try again at once: lwa-rotate rotate {app}")],
        Action::FixQueue => vec![
            format!("to see whether the queue is right: lwa-rotate check {app}"),
            format!(
                "to make the rotate call all the same, at the risk of the new secret: lwa-rotate rotate {app} --force"
            ),
        ],
        Action::FixTarget | Action::FixPlace => {
            vec![format!("then publish the current secret again: lwa-rotate publish {app}")]
        }
        Action::FixEndpoints => {
            vec![format!(
                "the endpoints are `region`, `api-endpoint` and `token-endpoint` in [apps.{app}] of the configuration"
            )]
        }
        Action::FixNetwork | Action::CheckApplication => {
            vec![format!("to try it without changing anything: lwa-rotate check {app}")]
        }
        Action::Decide => vec![
            format!("to supply a client secret that the Developer Console shows: lwa-rotate enroll {app}"),
            format!("to wait once more for the message: lwa-rotate resume {app} --wait"),
            format!(
                "to make another rotate call, though Amazon does not document what that does to the secret in use: lwa-rotate resume {app} --request-again"
            ),
        ],
        Action::CheckExpiry => vec![format!("to say when the secret in use ends: lwa-rotate set-expiry {app} DATE")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_has_to_do_is_a_command_of_this_program() {
        for action in [
            Action::SupplySecret,
            Action::RotateInConsole,
            Action::Subscribe,
            Action::FixQueue,
            Action::FixTarget,
            Action::FixPlace,
            Action::FixNetwork,
            Action::CheckApplication,
            Action::Decide,
            Action::CheckExpiry,
        ] {
            let how = how("shop", action);
            assert!(!how.is_empty() && how.iter().all(|hint| hint.contains("lwa-rotate ")), "{action:?}: {how:?}");
            assert!(how.iter().all(|hint| hint.contains(" shop")), "{action:?}: {how:?}");
        }
        assert!(how("shop", Action::Wait).is_empty());
    }
}
