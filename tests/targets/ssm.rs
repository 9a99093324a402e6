//! `kind = "ssm"`.

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, SECRET};
use crate::services::{Kind, Server};
use crate::{BOTH, SAMPLE_NAMES, parameter, shop, start, target, world};

fn create(server: &Server, kind: &str, value: &str) {
    let input = json!({ "Name": "/shop/lwa", "Type": kind, "Value": value, "KeyId": "alias/aws/ssm" });
    server.post("AmazonSSM.PutParameter", &input);
}

#[test]
fn a_rotation_writes_a_parameter_and_everything_else_in_it_stays() {
    for kind in BOTH {
        let server = start(kind);
        create(&server, "SecureString", &shop());
        let world = world(&server, &target("ssm", &format!("parameter = \"/shop/lwa\"\n{SAMPLE_NAMES}")));
        world.enroll();

        world.run(&["rotate", "shop"]).done();

        let parameter = parameter(&server, "/shop/lwa");
        let document: Value = serde_json::from_str(parameter["Value"].as_str().unwrap()).unwrap();
        assert_eq!(document["AppClientSecret"], world.newest(), "{kind:?}");
        assert_eq!((&document["AppClientId"], &document["note"]), (&CLIENT_ID.into(), &"é".into()));
        assert_eq!((&parameter["Type"], &parameter["Version"]), (&"SecureString".into(), &3.into()), "{kind:?}");
    }
}

#[test]
fn a_parameter_that_does_not_exist_is_made_secure_and_one_that_holds_it_is_not_written_again() {
    for kind in BOTH {
        let server = start(kind);
        let world = world(&server, &target("ssm", "parameter = \"/shop/lwa\"\nformat = \"value\""));

        world.enroll();
        world.enroll();

        let parameter = parameter(&server, "/shop/lwa");
        assert_eq!(parameter["Value"], SECRET);
        assert_eq!((&parameter["Type"], &parameter["Version"]), (&"SecureString".into(), &1.into()), "{kind:?}");
    }
}

#[test]
fn an_existing_parameter_keeps_its_type_tier_and_key() {
    let server = start(Kind::MiniStack);
    let input = json!({
        "Name": "/shop/lwa", "Type": "SecureString", "Value": "{}", "KeyId": "alias/mine", "Tier": "Advanced",
    });
    server.post("AmazonSSM.PutParameter", &input);
    let world = world(&server, &target("ssm", "parameter = \"/shop/lwa\""));

    world.enroll();

    let filter = json!([{ "Key": "Name", "Option": "Equals", "Values": ["/shop/lwa"] }]);
    let described = server.post("AmazonSSM.DescribeParameters", &json!({ "ParameterFilters": filter }));
    let described = &described["Parameters"][0];
    assert_eq!(
        [&described["Type"], &described["Tier"], &described["KeyId"], &described["Version"]],
        [&json!("SecureString"), &json!("Advanced"), &json!("alias/mine"), &json!(2)]
    );
}

#[test]
fn a_parameter_without_room_or_without_json_is_left_as_it_is_with_the_remedy() {
    for kind in BOTH {
        let server = start(kind);
        let full = format!("{{\"other\":\"{}\"}}", "x".repeat(4050));
        create(&server, "SecureString", &full);
        let world = world(&server, &target("ssm", "parameter = \"/shop/lwa\""));

        world.run_with(&["enroll", "shop"], SECRET).exits(3).says("/shop/lwa").says("advanced tier");
        assert_eq!(parameter(&server, "/shop/lwa")["Value"], full, "{kind:?}");

        let world = crate::world(&server, &target("ssm", "parameter = \"/shop/other\""));
        let input = json!({ "Name": "/shop/other", "Type": "SecureString", "Value": "no json" });
        server.post("AmazonSSM.PutParameter", &input);
        world.run_with(&["enroll", "shop"], SECRET).exits(3).says("/shop/other").says("left as it is");
        assert_eq!(parameter(&server, "/shop/other")["Value"], "no json", "{kind:?}");
    }
}
