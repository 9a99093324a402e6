#![no_main]
#![allow(missing_docs, reason = "the target stands in the library")]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hostile::check(hostile::target("queue"), input));
