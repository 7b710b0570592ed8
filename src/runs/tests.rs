use super::*;

fn run(id: u128, cluster: &str, state: RunState, started: &str) -> Run {
    Run {
        run: Uuid::from_u128(id),
        command: "apply".to_owned(),
        state,
        holder: None,
        exit: None,
        resumes: None,
        plan_id: None,
        tool_version: "0.1.0".to_owned(),
        actor: "deploy".to_owned(),
        started_at: started.to_owned(),
        finished_at: None,
        clusters: BTreeSet::from([ClusterName::new(cluster).unwrap()]),
        tenants: 5,
        counts: RunCounts {
            applied: 2,
            ..RunCounts::default()
        },
        age: Duration::from_secs(1),
        took: None,
    }
}

fn step(tenant: &str, status: Status) -> RunStep {
    RunStep {
        cluster: ClusterName::new("main").unwrap(),
        tenant: Some(TenantId::new(tenant).unwrap()).filter(|_| tenant != "database"),
        action: String::new(),
        status,
        at: String::new(),
        took_ms: None,
        error: None,
    }
}

fn planned() -> BTreeSet<String> {
    ["a", "b", "c", "d", "e", "f", "g"]
        .map(str::to_owned)
        .into()
}

fn steps() -> Vec<RunStep> {
    vec![
        step("database", Status::Failed),
        step("a", Status::Applied),
        step("b", Status::Unknown),
        step("b", Status::Applied),
        step("c", Status::Unknown),
        step("d", Status::Failed),
        step("e", Status::Skipped),
        step("f", Status::Unchanged),
    ]
}

fn ids(left: &BTreeSet<TenantId>) -> String {
    left.iter().map(TenantId::as_str).collect()
}

#[test]
fn what_is_left_is_what_was_not_done() {
    assert_eq!(ids(&left(&planned(), &steps(), false)), "cdeg");
    assert_eq!(ids(&left(&planned(), &steps(), true)), "cd");
    assert_eq!(unrecorded(&planned(), &steps()), ["g"]);
}

#[test]
fn a_run_over_several_databases_is_one_and_the_newest_comes_first() {
    let early = "2026-01-01T00:00:00.000000Z";
    let late = "2026-01-02T00:00:00.000000Z";
    let ended = Run {
        exit: Some(3),
        ..run(1, "one", RunState::Partial, late)
    };
    // The second database was gone when the run ended.
    let merged = merge([
        run(2, "one", RunState::Done, "2026-01-03T00:00:00.000000Z"),
        run(1, "two", RunState::Killed, early),
        ended,
    ]);
    let ids: Vec<u128> = merged.iter().map(|run| run.run.as_u128()).collect();
    assert_eq!(ids, [2, 1]);
    let one = &merged[1];
    assert_eq!((one.state, one.exit), (RunState::Partial, Some(3)));
    assert_eq!(one.started_at, early);
    assert_eq!(one.clusters.len(), 2);
    assert_eq!((one.counts.applied, one.unrecorded()), (4, 1));
}

#[test]
fn a_run_lives_while_it_holds_one_of_its_locks() {
    let living = Run {
        holder: Some("pid 7".to_owned()),
        ..run(1, "two", RunState::Running, "b")
    };
    for order in [[0, 1], [1, 0]] {
        let both = [run(1, "one", RunState::Killed, "a"), living.clone()];
        let merged = merge(order.map(|index: usize| both[index].clone()));
        assert_eq!(merged[0].state, RunState::Running);
        assert_eq!(merged[0].holder.as_deref(), Some("pid 7"));
    }
}

#[test]
fn runs_are_named_by_their_first_digits() {
    let digits = |text: &str| RunPrefix::from_str(text).map(|prefix| prefix.digits().to_owned());
    let id = Uuid::from_u128(0x41b2_d943_f760_46b1_b369_800b_6366_015f);
    assert_eq!(digits(&id.to_string()).unwrap(), id.simple().to_string());
    assert_eq!(digits("41B2").unwrap(), "41b2");
    for wrong in ["", "41b", "41b2%", "xyzw", "----", &"a".repeat(33)] {
        assert!(digits(wrong).is_err(), "{wrong}");
    }
}
