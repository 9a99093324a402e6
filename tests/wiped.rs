//! Rule 9: a secret of the library is wiped when it goes, whatever the allocator of the program that it is in.

#![allow(missing_docs, reason = "tests")]

#[path = "wiped/allocator.rs"]
mod allocator;

use allocator::{MARK, left_by};
use lwa_rotate::{Credential, Secret};

#[test]
fn what_held_a_secret_is_wiped_before_it_is_given_back() {
    assert_eq!(left_by(|| drop(MARK.to_vec())), 1, "what is left is found");

    assert_eq!(left_by(|| drop(Secret::new(MARK))), 0);
    assert_eq!(left_by(|| drop(Secret::new(MARK).clone())), 0);
    let credential = || Credential { client_id: "id".into(), client_secret: Secret::new(MARK), expires_at: None };
    assert_eq!(left_by(|| drop(credential())), 0);
}
