//! What was measured, beside what was possible, and whether that is as good as it should be.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

/// One figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// `sqlite`, `postgres`, or nothing where the store does not matter.
    pub(crate) store: &'static str,
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// What each run gave.
    pub(crate) runs: Vec<f64>,
    pub(crate) limit: Option<Limit>,
    pub(crate) goal: Option<Goal>,
    /// The answers that were not wanted: a figure with many of them means little.
    pub(crate) others: BTreeMap<u16, u64>,
}

/// What was possible.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) what: &'static str,
    /// What each run gave, just before the run of the figure: whatever else the machine does falls on both.
    pub(crate) runs: Vec<f64>,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// This part of the limit at least.
    Share(f64),
    /// Not more than this.
    Most(f64),
}

impl Figure {
    pub(crate) fn new(
        store: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        runs: Vec<f64>,
    ) -> Self {
        Self { store, name: name.into(), unit, runs, limit: None, goal: None, others: BTreeMap::new() }
    }

    pub(crate) fn of(mut self, what: &'static str, runs: Vec<f64>) -> Self {
        self.limit = Some(Limit { what, runs });
        self
    }

    pub(crate) fn asked(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    pub(crate) fn value(&self) -> f64 {
        median(&self.runs)
    }

    /// The middle one of the ratios of each run to its own limit.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let limits = &self.limit.as_ref()?.runs;
        let ratios: Vec<f64> = self.runs.iter().zip(limits).map(|(run, limit)| run / limit).collect();
        Some(median(&ratios))
    }

    /// Whether the goal is met; `None` where there is none.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.goal? {
            Goal::Share(least) => self.ratio().map(|ratio| ratio >= least),
            Goal::Most(most) => Some(self.value() <= most),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::Share(least) => json!({"share_at_least": least}),
            Goal::Most(most) => json!({"at_most": most}),
        });
        let others: BTreeMap<String, u64> =
            self.others.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        json!({
            "store": self.store, "name": self.name, "unit": self.unit, "median": self.value(), "runs": self.runs,
            "limit": self.limit.as_ref().map(|limit| json!({"what": limit.what, "median": median(&limit.runs), "runs": limit.runs})),
            "ratio": self.ratio(), "goal": goal, "met": self.is_met(), "other_answers": others,
        })
    }
}

/// The middle of these; of an even number the lower one.
pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_run_changes_nothing() {
        assert!((median(&[3.0, 900.0, 2.0]) - 3.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn each_run_is_compared_with_its_own_limit() {
        let figure =
            Figure::new("", "me", "1/s", vec![50.0, 5.0, 60.0]).of("trivial", vec![100.0, 10.0, 100.0]);
        assert_eq!(figure.ratio(), Some(0.5));
    }

    #[test]
    fn a_goal_is_met_or_not() {
        let figure =
            |goal| Figure::new("sqlite", "me", "1/s", vec![50.0]).of("trivial", vec![100.0]).asked(goal);
        assert_eq!(figure(Goal::Share(0.5)).is_met(), Some(true));
        assert_eq!(figure(Goal::Share(0.51)).is_met(), Some(false));
        assert_eq!(figure(Goal::Most(50.0)).is_met(), Some(true));
        assert_eq!(figure(Goal::Most(49.0)).is_met(), Some(false));
        assert_eq!(
            Figure::new("", "share without a limit", "", vec![1.0]).asked(Goal::Share(0.5)).is_met(),
            None
        );
    }
}
