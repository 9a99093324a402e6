//! Rule 9: a secret of the component is wiped when it goes. A host overwrites the whole memory after a call; this is for the
//! time of the call, and for programs that link the component's code natively.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../../tests/wiped/allocator.rs"]
mod allocator;

use allocator::{MARK, left_by};
use lwa_rotate_component::credential::{ClientSecret, Secret};

#[test]
fn what_held_a_secret_is_wiped_before_it_is_given_back() {
    assert_eq!(left_by(|| drop(MARK.to_vec())), 1, "what is left is found");

    assert_eq!(left_by(|| drop(Secret::new(MARK.to_vec()))), 0);
    assert_eq!(left_by(|| drop(ClientSecret::parse(MARK.to_vec()).unwrap().clone())), 0);
    let refused = [MARK, b" and a space"].concat();
    assert_eq!(left_by(|| drop(ClientSecret::parse(refused))), 0, "also what is no client secret");
}
