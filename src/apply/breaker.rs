//! Notices that tenants fail for a reason they all share. Pure.

use crate::report::{Outcome, Status};

/// How many tenants in a row have to fail alike. At a failure rate of 5 %, which `max_failures` bears unless told
/// otherwise, five in a row come about by chance once in millions of tenants, three every few thousand.
pub const IN_A_ROW: usize = 5;

/// Counts tenants that end with the same SQLSTATE at the same place, one after the other.
#[derive(Debug, Default)]
pub struct Breaker {
    last: Option<Fault>,
    in_a_row: usize,
}

/// SQLSTATE, file and line.
type Fault = (String, Option<String>, Option<usize>);

impl Breaker {
    /// Takes in how a tenant ended; whether all others had better not be tried.
    ///
    /// A tenant that was applied proves that the files can be, and the count begins anew.
    pub fn trips(&mut self, outcome: &Outcome) -> bool {
        match (outcome.status, fault(outcome)) {
            (Status::Applied, _) => *self = Self::default(),
            (Status::Failed, Some(fault)) => self.failed(fault),
            _ => {}
        }
        self.in_a_row >= IN_A_ROW
    }

    fn failed(&mut self, fault: Fault) {
        if self.last.as_ref() != Some(&fault) {
            self.in_a_row = 0;
        }
        self.last = Some(fault);
        self.in_a_row += 1;
    }
}

fn fault(outcome: &Outcome) -> Option<Fault> {
    let failure = outcome.error.as_ref()?;
    let sqlstate = failure.sqlstate.clone()?;
    Some((sqlstate, failure.file.clone(), failure.line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::{ClusterName, TenantId};
    use crate::report::Failure;

    fn outcome(status: Status, sqlstate: Option<&str>, line: usize) -> Outcome {
        Outcome {
            tenant: TenantId::new("acme").unwrap(),
            cluster: ClusterName::new("main").unwrap(),
            status,
            steps: Vec::new(),
            took_ms: 0,
            retries: 0,
            notices: Vec::new(),
            error: Some(Failure {
                sqlstate: sqlstate.map(str::to_owned),
                line: Some(line),
                ..Failure::default()
            }),
        }
    }

    fn failed(sqlstate: &str) -> Outcome {
        outcome(Status::Failed, Some(sqlstate), 1)
    }

    /// After how many of these outcomes it trips.
    fn tripped(outcomes: &[Outcome]) -> Option<usize> {
        let mut breaker = Breaker::default();
        let at = outcomes.iter().position(|outcome| breaker.trips(outcome));
        at.map(|index| index + 1)
    }

    fn with_every(nth: usize, other: &Outcome) -> Vec<Outcome> {
        (1..=40)
            .map(|n| {
                if n % nth == 0 {
                    other.clone()
                } else {
                    failed("23505")
                }
            })
            .collect()
    }

    #[test]
    fn one_error_again_and_again_trips() {
        assert_eq!(tripped(&vec![failed("42P01"); 40]), Some(IN_A_ROW));
    }

    #[test]
    fn a_success_between_begins_anew() {
        let applied = outcome(Status::Applied, None, 1);
        assert_eq!(tripped(&with_every(IN_A_ROW, &applied)), None);
        assert_eq!(tripped(&with_every(IN_A_ROW + 1, &applied)), Some(IN_A_ROW));
    }

    #[test]
    fn another_error_or_place_begins_anew() {
        let elsewhere = outcome(Status::Failed, Some("23505"), 2);
        for other in [failed("42P01"), elsewhere] {
            assert_eq!(tripped(&with_every(IN_A_ROW, &other)), None);
        }
    }

    #[test]
    fn what_says_nothing_of_the_files_changes_nothing() {
        for status in [Status::Stale, Status::Unknown, Status::Unchanged] {
            let other = outcome(status, None, 1);
            assert_eq!(tripped(&with_every(2, &other)), Some(2 * IN_A_ROW - 1));
        }
        let internal = outcome(Status::Failed, None, 1);
        assert_eq!(tripped(&vec![internal; 40]), None);
    }
}
