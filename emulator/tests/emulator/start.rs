use std::time::{Duration, SystemTime};

use lwa_rotate_emulator::{Emulator, Options};

use super::*;

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let listen = "0.0.0.0:0".parse().expect("an address");
    let error = Emulator::start(Options { listen, ..Options::default() }).await.expect_err("not loopback");
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_on_start_that_it_is_not_amazon_and_where_everything_is() {
    let World { emulator } = World::new().await;
    let banner = emulator.banner();
    assert!(banner.contains("not Amazon"));
    for part in [
        emulator.token_endpoint(),
        emulator.queue_url(),
        format!("AWS_ENDPOINT_URL_SQS={}", emulator.url()),
        "AWS_ACCESS_KEY_ID=test".to_owned(),
        "AWS_SECRET_ACCESS_KEY=test".to_owned(),
        "AWS_REGION=".to_owned(),
    ] {
        assert!(banner.contains(&part), "{part} is not in {banner}");
    }
    assert!(!banner.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_emulator_frees_its_address() {
    let world = World::new().await;
    let address = world.emulator.address();
    world.emulator.stop().await;
    assert!(std::net::TcpStream::connect(address).is_err());
    let again = Emulator::start(Options { listen: address, ..Options::default() }).await.expect("the address is free");
    assert_eq!(again.address(), address);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_clock_may_start_at_any_time_and_dates_the_answers() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_704_924_557_456);
    let options = Options { applications: vec![Application::new(CLIENT_ID, SECRET)], ..Options::default() };
    let emulator = Emulator::start_at(options, time).await.expect("a free port");
    let world = World { emulator };
    assert!(world.emulator.now().duration_since(time).expect("not before") < Duration::from_secs(60));
    let answer = world.rotate(SECRET);
    assert!(answer.headers["date"].starts_with("Wed, 10 Jan 2024 22:09:"), "{}", answer.headers["date"]);
    assert!(answer.headers["date"].ends_with(" GMT"));
    world.emulator.advance_time(DAY);
    assert!(world.prove(SECRET).headers["date"].starts_with("Thu, 11 Jan 2024 22:09:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_jump_and_no_lifetime_is_too_long_for_the_clock() {
    let world = World::with(|options| options.applications[0].expires_in = Duration::MAX).await;
    world.emulator.advance_time(Duration::MAX);
    world.emulator.advance_time(Duration::MAX);
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_shows_no_secret() {
    let world = World::new().await;
    world.rotate(SECRET);
    let options = Options { applications: vec![Application::new(CLIENT_ID, SECRET)], ..Options::default() };
    let shown = format!(
        "{options:?} {:?} {:?} {:?}",
        world.emulator,
        world.emulator.secrets(CLIENT_ID),
        world.emulator.calls()
    );
    for issued in world.emulator.secrets(CLIENT_ID) {
        assert!(!shown.contains(&issued.secret), "{shown}");
    }
    assert!(shown.contains(CLIENT_ID));
}
