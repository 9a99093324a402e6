//! The HTTP trigger: `POST /advance/APP` does what `advance APP` does, and answers its document. It may be asked any number of
//! times, by anybody who may reach it: it rotates when a rotation is due, and shows no secret.

use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

use crate::Driver;
use crate::applications::{Failed, advance, named};
use crate::json::answer_json;

impl wasip2::exports::http::incoming_handler::Guest for Driver {
    fn handle(request: IncomingRequest, to: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let Some(name) = path.strip_prefix("/advance/") else { return answer(to, 404, "") };
        if !matches!(request.method(), Method::Post) {
            return answer(to, 405, "");
        }
        let advanced = named(name).and_then(|app| advance(&app));
        let (document, well) = answer_json(name, &advanced);
        let status = match advanced {
            _ if well => 200,
            Err(Failed::NoSuch(_)) => 404,
            _ => 500,
        };
        answer(to, status, &format!("{document}\n"));
    }
}

fn answer(to: ResponseOutparam, status: u16, text: &str) {
    let fields = Fields::new();
    let _ = fields.append("content-type", b"application/json");
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(status);
    let body = response.body();
    ResponseOutparam::set(to, Ok(response));
    let Ok(body) = body else { return };
    if let Ok(stream) = body.write() {
        for piece in text.as_bytes().chunks(4_096) {
            // Whoever asked has gone away; what was done is stored.
            let _ = stream.blocking_write_and_flush(piece);
        }
    }
    let _ = OutgoingBody::finish(body, None);
}
