use super::*;

fn error(answer: &Answer) -> (u16, String) {
    assert!(answer.json()["error_description"].is_string());
    (answer.status, text(&answer.json(), "error").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grantless_token_comes_as_documented() {
    let world = World::new().await;
    let answer = world.request_token(SECRET, ROTATION).expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!((&*answer.headers["cache-control"], &*answer.headers["pragma"]), ("no-store", "no-cache"));
    let reply = answer.json();
    assert!(text(&reply, "access_token").starts_with("Atc|"));
    assert_eq!(text(&reply, "token_type"), "bearer");
    assert_eq!(reply["expires_in"], 3600);
    assert_eq!(text(&reply, "scope"), ROTATION);
    assert!(reply["refresh_token"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_read_in_every_way_that_clients_write_them() {
    let world = World::new().await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("client_secret", SECRET)
        .append_pair("scope", ROTATION)
        .finish();
    let json = json!({ "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET,
                       "scope": ROTATION })
    .to_string();
    for (path, content_type, body) in [
        ("/auth/o2/token", Some("application/x-www-form-urlencoded"), &form),
        ("/auth/O2/token", Some("application/x-www-form-urlencoded; charset=utf-8"), &form),
        ("/auth/o2/token", Some("application/json"), &json),
        ("/auth/o2/token", Some("application/json; charset=utf-8"), &json),
        ("/auth/o2/token", None, &form),
        ("/auth/o2/token", None, &json),
    ] {
        let mut request = Request::post(path, body);
        if let Some(content_type) = content_type {
            request = request.header(("content-type", content_type));
        }
        assert_eq!(world.ask(&request).status, 200, "{content_type:?} {body}");
    }
    let request = Request::post("/auth/o2/token", &form).header(("content-type", "text/plain"));
    assert_eq!(error(&world.ask(&request)), (400, "invalid_request".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_must_be_one_of_the_known_or_several_with_a_space() {
    let world = World::new().await;
    for scope in ["", "sellingpartnerapi::client_credentials:rotation", "sellingpartnerapi::notifications x"] {
        let answer = world.request_token(SECRET, scope).expect("an answer");
        assert_eq!(error(&answer), (400, "invalid_scope".into()), "{scope:?}");
        assert_eq!(text(&answer.json(), "error_description"), "The request has an invalid parameter : scope");
    }
    let token = world.token(SECRET, &format!("{NOTIFICATIONS} {ROTATION}"));
    assert_eq!(world.prove_with(&token).expect("an answer").status, 200);
    assert_eq!(world.rotate_with(&token).expect("an answer").status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_never_was_is_refused() {
    let world = World::new().await;
    let answer = world.request_token("amzn1.oa2-cs.v1.never", ROTATION).expect("an answer");
    assert_eq!(error(&answer), (401, "invalid_client".into()));
    assert_eq!(text(&answer.json(), "error_description"), "Client authentication failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_grant_types_are_refused_and_a_refresh_token_is_of_no_use_for_a_rotation() {
    let world = World::new().await;
    let with = |grant: &str, more: &str| {
        let credential = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", CLIENT_ID)
            .append_pair("client_secret", SECRET)
            .finish();
        let form = format!("grant_type={grant}&{credential}{more}");
        world.ask(&Request::post("/auth/o2/token", &form).header(("content-type", "application/x-www-form-urlencoded")))
    };
    assert_eq!(error(&with("password", "")), (400, "unsupported_grant_type".into()));
    assert_eq!(error(&with("refresh_token", "")), (400, "invalid_request".into()));
    let reply = with("refresh_token", "&refresh_token=Atzr%7Cany").json();
    assert_eq!((text(&reply, "refresh_token"), reply["scope"].is_null()), ("Atzr|any", true));
    let answer = world.rotate_with(text(&reply, "access_token")).expect("an answer");
    assert_eq!(sp_api_error(&answer), (403, "Unauthorized".into(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_dead_secret_are_still_issued_and_then_refused_by_sp_api() {
    let world = World::with(|options| options.applications[0].expires_in = DAY).await;
    assert_eq!(world.prove(SECRET).status, 200);
    world.emulator.advance_time(DAY);
    let details = "The LWA secret token you provided has expired.";
    assert_eq!(sp_api_error(&world.prove(SECRET)), (403, "Unauthorized".into(), details.into()));
    assert_eq!(sp_api_error(&world.rotate(SECRET)), (403, "Unauthorized".into(), details.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_dead_or_a_lagging_secret_are_refused_if_so_wished() {
    let world = World::with(|options| {
        options.refuse_dead_secrets = true;
        options.applications[0].lag = DAY;
    })
    .await;
    assert_eq!(world.rotate(SECRET).status, 204);
    let new = world.current_secret();
    let asked = |secret: &str| world.request_token(secret, NOTIFICATIONS).expect("an answer");
    assert_eq!(error(&asked(&new)), (401, "invalid_client".into()), "not yet");
    world.emulator.advance_time(DAY);
    assert_eq!((asked(&new).status, asked(SECRET).status), (200, 200));
    world.emulator.advance_time(7 * DAY);
    assert_eq!(error(&asked(SECRET)), (401, "invalid_client".into()), "no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_a_token_request_is_a_form_with_a_scope_or_a_refresh_token() {
    let world = World::with(|options| options.strict = true).await;
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 200);
    let json = json!({ "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET,
                       "scope": ROTATION })
    .to_string();
    for headers in [None, Some(("content-type", "application/json"))] {
        let request = headers.into_iter().fold(Request::post("/auth/o2/token", &json), Request::header);
        assert_eq!(error(&world.ask(&request)), (400, "invalid_request".into()));
    }
    let both = "grant_type=client_credentials&client_id=a&client_secret=b&scope=c&refresh_token=d";
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = world.ask(&Request::post("/auth/o2/token", both).header(form));
    assert_eq!(error(&answer), (400, "invalid_request".into()));
    assert!(answer.body.contains("both"), "{}", answer.body);
}
