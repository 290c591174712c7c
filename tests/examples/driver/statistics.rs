//! Percentiles, and whether two samples differ.

use std::time::Duration;

/// The value below which `percent` of the samples are.
pub(crate) fn percentile(samples: &mut [Duration], percent: f64) -> Duration {
    if samples.is_empty() {
        return Duration::ZERO;
    }
    samples.sort_unstable();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = ((samples.len() - 1) as f64 * percent / 100.0).round() as usize;
    samples[index]
}

/// The probability of ranks at least as uneven as these if both samples came from one distribution:
/// Mann-Whitney's U, two-sided, by the normal approximation with correction for ties.
#[expect(clippy::cast_precision_loss, reason = "samples are few")]
pub(crate) fn mann_whitney(one: &[Duration], other: &[Duration]) -> f64 {
    let tagged = one.iter().map(|sample| (*sample, true)).chain(other.iter().map(|sample| (*sample, false)));
    let mut all: Vec<(Duration, bool)> = tagged.collect();
    all.sort_unstable();
    let (n, m, total) = (one.len() as f64, other.len() as f64, all.len() as f64);
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        let rank = before + f64::midpoint(size, 1.0);
        rank_sum += rank * group.iter().filter(|(_, first)| *first).count() as f64;
        ties += size.powi(3) - size;
        before += size;
    }
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let variance = n * m / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)));
    if variance == 0.0 {
        return 1.0;
    }
    let z = ((u - n * m / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    two_sided(z)
}

/// The probability that a normal variable is at least `z` away from its mean (Abramowitz and Stegun 7.1.26,
/// exact to seven digits).
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    factors.iter().fold(0.0, |sum, factor| (sum + factor) * t) * (-x * x).exp()
}
