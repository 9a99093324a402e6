//! Medians and ranges of interleaved runs.

use std::time::{Duration, Instant};

/// What several runs have taken.
#[derive(Clone, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted[sorted.len() / 2]
    }

    /// The median with the range: `1.25 ms (1.10 to 1.93)`.
    pub fn spread(&self, unit: &str) -> String {
        let sorted = self.sorted();
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        format!("{} {unit} ({} to {})", figure(self.median()), figure(least), figure(most))
    }

    /// How much more it is than another, run by run.
    pub fn ratio(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }
}

/// Three digits are more than a noisy machine tells.
pub fn figure(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Runs two things in turns, a batch of each at a time, and answers the microseconds of one.
pub fn in_turns(
    rounds: usize,
    batch: u32,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> (Sample, Sample) {
    let (mut firsts, mut seconds) = (Sample::default(), Sample::default());
    // The first round finds nothing in any cache.
    for round in 0..=rounds {
        let one = |run: &mut dyn FnMut() -> Duration| {
            let took: Duration = (0..batch).map(|_| run()).sum();
            took.as_secs_f64() * 1e6 / f64::from(batch)
        };
        let took = (one(&mut first), one(&mut second));
        if round > 0 {
            firsts.push(took.0);
            seconds.push(took.1);
        }
    }
    (firsts, seconds)
}

pub fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    std::hint::black_box(run());
    began.elapsed()
}
