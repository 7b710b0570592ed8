//! What people see when they slip: words on stderr, and an exit code.

use std::path::Path;

use crate::support::cli::{Run, run, tenantry};

fn with_env(args: &[&str], env: &[(&str, &str)]) -> Run {
    let mut command = tenantry(Path::new(env!("CARGO_MANIFEST_DIR")), args);
    command.envs(env.iter().copied());
    run(command)
}

#[test]
fn a_wrong_value_from_the_environment_is_led_back_to_it() {
    for (variable, value) in [
        ("TENANTRY_COLOR", "maybe"),
        ("TENANTRY_LOG_FORMAT", "xml"),
        ("TENANTRY_FILE", ""),
    ] {
        let run = with_env(&["validate"], &[(variable, value)]).expect(64);
        let hint = format!("hint: The environment sets {variable};");
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
    }
    let run = with_env(&["validate", "--color", "maybe"], &[]).expect(64);
    assert!(!run.stderr.contains("environment"), "{}", run.stderr);
}

#[test]
fn a_password_in_the_wrong_place_is_not_quoted() {
    for args in [
        &["plan", "host=h password=hunter2 user=u"][..],
        &["plan", "--url", "postgres://u:hunter2@h/d"],
        &["plan", "--database-urll=postgres://h/d?password=hunter2"],
        &["plan", "--parallel", "postgres://u:hunter2@h/d"],
    ] {
        let run = with_env(args, &[]).expect(64);
        assert!(!run.all().contains("hunter2"), "{}", run.all());
    }
}
