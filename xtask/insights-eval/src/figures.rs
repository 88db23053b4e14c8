//! Figures with what chance makes of them.

/// A share of trials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    pub hits: usize,
    pub trials: usize,
}

/// 97.5 % of a standard normal lie below.
const Z: f64 = 1.959_964;

impl Share {
    pub fn value(self) -> f64 {
        self.hits as f64 / (self.trials.max(1)) as f64
    }

    /// Wilson's interval of 95 %.
    pub fn interval(self) -> (f64, f64) {
        if self.trials == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (self.trials as f64, self.value());
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// The interval of 95 % of a Poisson mean of which so many were counted: exact limits are quantiles of chi squared, these
/// by Wilson and Hilferty's cube.
pub fn poisson_interval(count: usize) -> (f64, f64) {
    let cube = |k: f64, z: f64| k * (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
    let low = if count == 0 { 0.0 } else { cube(count as f64, -Z) };
    (low, cube(count as f64 + 1.0, Z))
}

/// A quantile of values in any order; `None` of none.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().checked_sub(1)?);
    values.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_that_of_the_tables() {
        let (low, high) = Share { hits: 8, trials: 10 }.interval();
        assert!((low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001, "{low} {high}");
    }

    #[test]
    fn a_poisson_mean_of_ten_counted_is_between_5_and_18() {
        let (low, high) = poisson_interval(10);
        assert!((low - 4.795).abs() < 0.02 && (high - 18.39).abs() < 0.02, "{low} {high}");
        assert_eq!(poisson_interval(0).0, 0.0);
        assert!((poisson_interval(0).1 - 3.69).abs() < 0.1);
    }
}
