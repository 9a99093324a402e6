#![allow(missing_docs)]
wit_bindgen::generate!({ path: "../wit", world: "rotator", 
  with: {"wasi:clocks/wall-clock@0.2.12": wasip2::clocks::wall_clock, "wasi:random/random@0.2.12": wasip2::random::random},
});
struct G;
use exports::lwa::rotation::rotation::*;
impl Guest for G {
    fn enroll(_: String, _: Vec<u8>, _: Option<u64>) -> Result<ApplicationStatus, Error> { let _ = (wasip2::clocks::wall_clock::now(), wasip2::random::random::get_random_u64()); Err(Error::Busy) }
    fn advance(_: String) -> Result<ApplicationStatus, Error> { Err(Error::Busy) }
    fn deliver(m: Message) -> Delivery { Delivery { message_id: m.id, client_id: None, answer: Answer::Delete, status: None } }
    fn drain(_: String, _: u32, _: u32) -> Result<Vec<Delivery>, Error> { Err(Error::Busy) }
    fn request(_: String) -> Result<ApplicationStatus, Error> { Err(Error::Busy) }
    fn resume(_: String, _: Decision) -> Result<ApplicationStatus, Error> { Err(Error::Busy) }
    fn status(_: String) -> Result<ApplicationStatus, Error> { Err(Error::Busy) }
    fn prove(_: String) -> Result<Option<Problem>, Error> { Err(Error::Busy) }
    fn reveal(_: String, _: Stage) -> Result<Option<Credential>, Error> { Err(Error::Busy) }
}
export!(G);
