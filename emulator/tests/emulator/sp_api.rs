use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_answers_204_without_a_body() {
    let world = World::new().await;
    let answer = world.rotate(SECRET);
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(answer.headers["x-amzn-ratelimit-limit"], "0.0167");
    assert!(!answer.headers["x-amzn-requestid"].is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_body_of_a_rotate_call_will_do() {
    let world = World::with(|options| options.rotate_interval = Duration::ZERO).await;
    let token = world.token(SECRET, ROTATION);
    for body in ["", "{}", "null", "not JSON"] {
        let request = Request::post("/applications/2023-11-30/clientSecret", body)
            .header(("x-amz-access-token", &token))
            .header(("user-agent", USER_AGENT))
            .header(("content-type", "application/json"));
        assert_eq!(world.ask(&request).status, 204, "{body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_live_for_7_days_and_the_new_one_for_180() {
    let world = World::new().await;
    world.rotate(SECRET);
    let new = world.current_secret();
    assert!(new.starts_with("amzn1.oa2-cs.v1.") && new != SECRET);
    assert_eq!((world.prove(SECRET).status, world.prove(&new).status), (200, 200));
    world.emulator.advance_time(7 * DAY - Duration::from_secs(60));
    assert_eq!((world.prove(SECRET).status, world.prove(&new).status), (200, 200));
    world.emulator.advance_time(Duration::from_secs(60));
    assert_eq!((world.prove(SECRET).status, world.prove(&new).status), (403, 200));
    world.emulator.advance_time(173 * DAY);
    assert_eq!(world.prove(&new).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rotation_does_not_lengthen_the_life_of_the_first_secret() {
    let world = World::new().await;
    world.rotate(SECRET);
    let second = world.current_secret();
    world.emulator.advance_time(6 * DAY);
    assert_eq!(world.rotate(&second).status, 204);
    world.emulator.advance_time(2 * DAY);
    let third = world.current_secret();
    let accepted = [SECRET, &second, &third].map(|secret| world.prove(secret).status);
    assert_eq!(accepted, [403, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_about_to_end_is_not_kept_alive_by_the_overlap() {
    let world = World::with(|options| options.applications[0].expires_in = DAY).await;
    world.rotate(SECRET);
    world.emulator.advance_time(DAY);
    assert_eq!((world.prove(SECRET).status, world.prove(&world.current_secret()).status), (403, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetime_and_overlap_can_be_shorter_than_amazons() {
    let world = World::with(|options| {
        options.applications[0].lifetime = 10 * DAY;
        options.applications[0].overlap = DAY;
    })
    .await;
    world.rotate(SECRET);
    world.emulator.advance_time(DAY);
    assert_eq!((world.prove(SECRET).status, world.prove(&world.current_secret()).status), (403, 200));
    world.emulator.advance_time(9 * DAY);
    assert_eq!(world.prove(&world.current_secret()).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_may_lag() {
    let world = World::with(|options| options.applications[0].lag = Duration::from_secs(1800)).await;
    world.rotate(SECRET);
    let details = "The LWA secret token you provided has expired.";
    let answer = world.prove(&world.current_secret());
    assert_eq!(sp_api_error(&answer), (403, "Unauthorized".into(), details.into()));
    world.emulator.advance_time(Duration::from_secs(1800));
    assert_eq!(world.prove(&world.current_secret()).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rotate_call_a_minute() {
    let world = World::new().await;
    assert_eq!(world.rotate(SECRET).status, 204);
    let answer = world.rotate(SECRET);
    assert_eq!(sp_api_error(&answer), (429, "QuotaExceeded".into(), String::new()));
    assert!(!answer.headers.contains_key("retry-after"));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
    world.emulator.advance_time(Duration::from_secs(60));
    assert_eq!(world.rotate(SECRET).status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_not_subscribed_gets_that_answer_and_nothing_happens() {
    let world = World::with(|options| options.applications[0].subscribed = false).await;
    let answer = world.rotate(SECRET);
    assert_eq!(sp_api_error(&answer), (400, "InvalidInput".into(), String::new()));
    assert!(answer.body.contains("Application is not enrolled for rotation notification."));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
    assert!(world.emulator.set_subscribed(CLIENT_ID, true));
    world.emulator.advance_time(Duration::from_secs(60));
    assert_eq!(world.rotate(SECRET).status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_that_do_not_fit_are_refused_with_the_reason() {
    let world = World::new().await;
    let ask = |token: Option<&str>| {
        let mut request = Request::get("/notifications/v1/destinations").header(("user-agent", USER_AGENT));
        if let Some(token) = token {
            request = request.header(("x-amz-access-token", token));
        }
        let (status, code, details) = sp_api_error(&world.ask(&request));
        assert_eq!((status, &*code), (403, "Unauthorized"));
        details
    };
    assert_eq!(ask(None), "Access token is missing in the request header.");
    assert_eq!(ask(Some("Atc|none")), "The access token you provided is revoked, malformed or invalid.");
    assert_eq!(ask(Some(&world.token(SECRET, ROTATION))), "", "the scope of the other operation");
    let token = world.token(SECRET, NOTIFICATIONS);
    let answer = world.rotate_with(&token).expect("an answer");
    assert_eq!(sp_api_error(&answer), (403, "Unauthorized".into(), String::new()));
    world.emulator.advance_time(Duration::from_secs(3600));
    assert_eq!(ask(Some(&token)), "The access token you provided has expired.");
}

/// A harmless call with this `User-Agent`.
fn with_agent(world: &World, user_agent: Option<&str>) -> Answer {
    let token = world.token(SECRET, NOTIFICATIONS);
    let mut request = Request::get("/notifications/v1/destinations").header(("x-amz-access-token", &token));
    if let Some(user_agent) = user_agent {
        request = request.header(("user-agent", user_agent));
    }
    world.ask(&request)
}

/// Without the form that the documentation demands. Amazon accepts them; all but the last are those of SDKs.
const UNDOCUMENTED_AGENTS: [&str; 4] = [
    "amazon-selling-partner-api-sdk/1.13.0/python",
    "amazon-selling-partner-api-sdk/1.12.0/JavaScript",
    "python-sp-api-2.1.35",
    "curl/8.5.0",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_user_agent_of_any_form_is_accepted() {
    let world = World::new().await;
    let documented = ["amazon-sp-api/1.2.1 (Language=Node.js/v20.20.2; Platform=Linux/6.1)", USER_AGENT];
    for user_agent in UNDOCUMENTED_AGENTS.into_iter().chain(documented) {
        assert_eq!(with_agent(&world, Some(user_agent)).status, 200, "{user_agent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_agent_must_exist_and_have_500_characters_at_most() {
    let world = World::new().await;
    let long = format!("Tests/1.0 (Language=Rust; Filler={})", "x".repeat(500));
    for (user_agent, defect) in [(None, "missing"), (Some(&*long), "500")] {
        let answer = with_agent(&world, user_agent);
        assert_eq!(sp_api_error(&answer), (400, "InvalidInput".into(), String::new()), "{user_agent:?}");
        assert!(answer.body.contains(defect), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_a_user_agent_must_name_program_version_and_language() {
    let world = World::with(|options| options.strict = true).await;
    for user_agent in UNDOCUMENTED_AGENTS.into_iter().chain(["Tests (Language=Rust)"]) {
        let answer = with_agent(&world, Some(user_agent));
        assert_eq!(sp_api_error(&answer), (400, "InvalidInput".into(), String::new()), "{user_agent}");
        assert!(answer.body.contains("form"), "{}", answer.body);
    }
    for user_agent in [USER_AGENT, "My App/2.0 (Platform=Linux; Language=Java/17)"] {
        assert_eq!(with_agent(&world, Some(user_agent)).status, 200, "{user_agent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_a_rotate_call_has_no_body_and_no_other_type_than_json() {
    let world = World::with(|options| {
        options.strict = true;
        options.rotate_interval = Duration::ZERO;
    })
    .await;
    let token = world.token(SECRET, ROTATION);
    let rotate = |media: Option<&str>, body: &str| {
        let mut request = Request::post("/applications/2023-11-30/clientSecret", body)
            .header(("x-amz-access-token", &token))
            .header(("user-agent", USER_AGENT));
        if let Some(media) = media {
            request = request.header(("content-type", media));
        }
        world.ask(&request).status
    };
    let json = Some("application/json");
    assert_eq!([rotate(None, ""), rotate(json, ""), rotate(json, "{}")], [204; 3]);
    assert_eq!(rotate(Some("application/json; charset=utf-8"), ""), 204);
    assert_eq!(rotate(Some("text/plain"), ""), 415);
    assert_eq!(rotate(json, r#"{"marketplaceIds": "ATVPDKIKX0DER"}"#), 400);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 5, "a refused call rotates nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_a_post_must_say_how_long_its_body_is() {
    let send = |world: &World, token: &str| {
        let request = Request::post("/applications/2023-11-30/clientSecret", "").without_length();
        let request = request.header(("x-amz-access-token", token)).header(("user-agent", USER_AGENT));
        world.ask(&request)
    };
    let world = World::new().await;
    assert_eq!(send(&world, &world.token(SECRET, ROTATION)).status, 204);
    let strict = World::with(|options| options.strict = true).await;
    let answer = send(&strict, &strict.token(SECRET, ROTATION));
    assert_eq!(answer.status, 411);
    assert!(!answer.headers.contains_key("x-amzn-requestid"), "it is not an answer of Amazon");
    assert_eq!(strict.ask(&Request::post("/auth/o2/token", "").without_length()).status, 411);
    assert_eq!(strict.emulator.secrets(CLIENT_ID).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_name_the_queue_the_same_way_each_time() {
    let world = World::new().await;
    world.sqs("CreateQueue", json!({ "QueueName": "of-nobody" }));
    let (first, second) = (world.prove(SECRET).json(), world.prove(SECRET).json());
    assert_eq!(first, second);
    let destinations = first["payload"].as_array().expect("a list");
    assert_eq!(destinations.len(), 1);
    assert_eq!(destinations[0]["resource"]["sqs"]["arn"], "arn:aws:sqs:us-east-1:000000000000:lwa");
    assert!(destinations[0]["destinationId"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_404_and_says_what_exists() {
    let world = World::new().await;
    let answer = world.ask(&Request::get("/orders/v0/orders"));
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("/auth/o2/token"));
}
