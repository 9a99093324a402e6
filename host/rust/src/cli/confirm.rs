//! Asks before something that may not be intended: on a terminal with a question, elsewhere with an option.

use std::io::{self, BufRead, IsTerminal, Write};

use super::failure::Failure;

/// Asks whether to go ahead. What is asked about is `consequence`; `option` says the same on the command line.
///
/// Without a terminal, and where the answer is not yes, it is a failure: nothing was changed.
pub(super) async fn confirm(app: &str, consequence: &str, option: &str) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(format!("{app}: {consequence}; nothing was changed"))
            .hint(format!("if that is intended, run it again with {option}")));
    }
    let question = format!("{app}: {consequence}\nGo ahead? [y/N] ");
    // A read of the terminal must not keep the program from being stopped.
    let answer = tokio::task::spawn_blocking(move || ask(&question)).await;
    match answer {
        Ok(Ok(answer)) if is_yes(&answer) => Ok(()),
        _ => Err(Failure::failed(format!("{app}: not confirmed; nothing was changed"))),
    }
}

fn ask(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, yes) in
            [("y\n", true), ("Yes\n", true), ("\n", false), ("", false), ("n\n", false), ("yep\n", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }
}
