//! How surprising a count is: tails of the negative binomial and the beta-binomial distribution.
//!
//! All functions of libm, so that the same counts give the same bits on every machine.

/// The most a surprise can be. Beyond it numbers tell people nothing more, and floats end.
pub const SURPRISE_MAX: f64 = 300.0;

const LN_10: f64 = std::f64::consts::LN_10;

/// Surprise of a count at least this high, or for [`lower_surprise`] at most this high.
///
/// `y` ≥ 0 was counted where `mean` > 0 was expected with a variance of `variance`; a variance at or under the mean is
/// taken for Poisson's. Returns `-log10` of the mid-p value `P(Y > y) + P(Y = y) / 2`, 0 to [`SURPRISE_MAX`].
///
/// A saddlepoint approximation: within 8 % of the exact tail probability from ten counts on (tested), in constant time for any size.
/// Source: Lugannani & Rice 1980; Daniels 1987, section 4, for lattices; mid-p after Lancaster 1961.
pub fn upper_surprise(y: f64, mean: f64, variance: f64) -> f64 {
    tail(y, mean, variance, Side::Upper)
}

/// See [`upper_surprise`]: the same of `P(Y < y) + P(Y = y) / 2`.
pub fn lower_surprise(y: f64, mean: f64, variance: f64) -> f64 {
    tail(y, mean, variance, Side::Lower)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Upper,
    Lower,
}

fn tail(y: f64, mean: f64, variance: f64, side: Side) -> f64 {
    let mean = mean.max(1e-9);
    // The size of the negative binomial; Poisson's is without bound.
    let size = mean * mean / (variance - mean).max(mean * 1e-6);
    if y <= 0.0 {
        let ln_zero = -size * libm::log1p(mean / size);
        return match side {
            Side::Upper => surprise_of_ln(libm::log1p(-libm::exp(ln_zero) / 2.0)),
            Side::Lower => surprise_of_ln(ln_zero - std::f64::consts::LN_2),
        };
    }
    if y <= FEW {
        return few(y, mean, size, side);
    }
    if size < SUMMED_BELOW && side == Side::Upper {
        return summed(y, mean, size);
    }
    // K(t) = -k ln(1 - (m/k)(e^t - 1)); the saddlepoint has K'(t) = y.
    let t = libm::log(y / mean) + libm::log((size + mean) / (size + y));
    let k_t = size * (libm::log1p(y / size) - libm::log1p(mean / size));
    // t y - K(t), half the squared deviance.
    let half = (t * y - k_t).max(0.0);
    let w = libm::sqrt(2.0 * half) * if t < 0.0 { -1.0 } else { 1.0 };
    // Half a unit of the lattice is within this: coth(t/2)/2 = 1/(1 - e^-t) - 1/2.
    let u = 2.0 * libm::tanh(t / 2.0) * libm::sqrt(y + y * y / size);
    let far = match side {
        Side::Upper => w,
        Side::Lower => -w,
    };
    let correction =
        if w.abs() < 1e-4 { 0.0 } else { (1.0 / u - 1.0 / w) * if side == Side::Upper { 1.0 } else { -1.0 } };
    // p = φ(w) (R(w) + 1/u - 1/w) with Mills' ratio R.
    let factor = mills(far) + correction;
    if factor <= 0.0 {
        return SURPRISE_MAX.min(half / LN_10);
    }
    surprise_of_ln(-half - 0.5 * libm::log(2.0 * std::f64::consts::PI) + libm::log(factor))
}

/// Of a size so small the tail is too heavy for the approximation.
const SUMMED_BELOW: f64 = 0.3;

/// The upper tail, term by term; what is beyond the last is bounded by a geometric series.
fn summed(y: f64, mean: f64, size: f64) -> f64 {
    let p = mean / (mean + size);
    let ln_first =
        libm::lgamma(y + size) - libm::lgamma(size) - libm::lgamma(y + 1.0) - size * libm::log1p(mean / size)
            + y * libm::log(p);
    // Relative to the first term, which counts half.
    let (mut sum, mut term, mut at) = (0.5, 1.0, y);
    for _ in 0..TERMS_MAX {
        term *= (at + size) / (at + 1.0) * p;
        sum += term;
        at += 1.0;
        if term < sum * 1e-9 {
            break;
        }
    }
    surprise_of_ln(ln_first + libm::log(sum + term * p / (1.0 - p).max(1e-12)))
}

/// Counts up to this are summed term by term: there the saddlepoint shows the lattice.
const FEW: f64 = 16.0;

/// The tails of a small count, by the ratio of neighbouring terms.
fn few(y: f64, mean: f64, size: f64, side: Side) -> f64 {
    let share = mean / (size + mean);
    let y = libm::round(y);
    let ln_first = libm::lgamma(y + size) - libm::lgamma(size) - libm::lgamma(y + 1.0)
        + size * libm::log1p(-share)
        + y * libm::log(share);
    // The terms below it are as few, and nothing cancels where they are most of all.
    let (mut below, mut term, mut at) = (0.0, 1.0, y);
    while at > 0.0 {
        term *= at / ((at - 1.0 + size) * share);
        below += term;
        at -= 1.0;
    }
    let first = libm::exp(ln_first);
    if side == Side::Lower {
        return surprise_of_ln(ln_first + libm::log(below + 0.5));
    }
    let left = 1.0 - first * (below + 0.5);
    if left > 0.05 {
        return surprise_of_ln(libm::log(left));
    }
    let (mut sum, mut term, mut at) = (0.5, 1.0, y);
    while term > sum * 1e-9 && at < y + TERMS_MAX as f64 {
        term *= (at + size) * share / (at + 1.0);
        sum += term;
        at += 1.0;
    }
    surprise_of_ln(ln_first + libm::log(sum))
}

fn surprise_of_ln(ln: f64) -> f64 {
    (-ln / LN_10).clamp(0.0, SURPRISE_MAX)
}

/// Mills' ratio `Q(x) / φ(x)`.
fn mills(x: f64) -> f64 {
    if x < 6.0 {
        let half_square = (x * x / 2.0).min(700.0);
        return libm::sqrt(std::f64::consts::FRAC_PI_2)
            * libm::erfc(x / std::f64::consts::SQRT_2)
            * libm::exp(half_square);
    }
    // Laplace's continued fraction; twelve steps are exact to double precision from 6 on.
    let mut below = x;
    for step in (1..=24).rev() {
        below = x + f64::from(step) / below;
    }
    1.0 / below
}

/// The count that a sample stays at or under with a probability of 95 %, about: a whole number, not under the mean.
///
/// Of the negative binomial by the inverse of Anscombe's transform, which is accurate to a unit where it matters.
pub fn quantile_95(mean: f64, variance: f64) -> f64 {
    libm::floor(quantile(mean, variance, 1.644_853_6)).max(libm::ceil(mean))
}

/// The count at so many standard deviations above (or below) the mean, with the skewness of counts.
pub fn quantile(mean: f64, variance: f64, z: f64) -> f64 {
    let mean = mean.max(1e-9);
    let spread = libm::sqrt((variance / mean).max(1.0));
    let root = libm::cbrt(mean);
    // Wilson and Hilferty's cube for a gamma of the same mean and variance.
    let share = (variance / (9.0 * mean * mean)).min(4.0);
    let cube = 1.0 - share + z * libm::sqrt(share);
    if variance > mean * 1.5 {
        return (mean * (cube * cube * cube).max(0.0)).max(0.0);
    }
    // (y^(2/3) - m^(2/3)) / ((2/3) s m^(1/6)) = z
    let sixth = libm::sqrt(root);
    let moved = (root * root + z * spread * sixth * 2.0 / 3.0).max(0.0);
    libm::pow(moved, 1.5)
}

/// Anscombe's residual of a count whose variance is `dispersion` times its mean: about standard normal.
///
/// Source: Noufaily et al. 2013, section 2.3, with the exponent 2/3.
pub fn residual(y: f64, mean: f64, dispersion: f64) -> f64 {
    let mean = mean.max(0.5);
    let (y_root, m_root) = (libm::cbrt(y.max(0.0)), libm::cbrt(mean));
    (y_root * y_root - m_root * m_root) * 1.5 / (libm::sqrt(dispersion) * libm::sqrt(m_root))
}

/// Terms of the beta-binomial tail that are summed; what is beyond is bounded by a geometric series.
const TERMS_MAX: usize = 4000;

/// Surprise of at least `x` errors among `n` calls, when the share of errors is Beta(`alpha`, `beta`).
///
/// Returns `-log10` of the mid-p value. Summed exactly from `x` up by the ratio of neighbouring terms.
pub fn error_surprise(x: f64, n: f64, alpha: f64, beta: f64) -> f64 {
    let (x, n) = (libm::round(x.max(0.0)), libm::round(n.max(0.0)));
    if n <= 0.0 || x <= 0.0 {
        return 0.0;
    }
    let x = x.min(n);
    let ln_choose = libm::lgamma(n + 1.0) - libm::lgamma(x + 1.0) - libm::lgamma(n - x + 1.0);
    let ln_beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let ln_first = ln_choose + ln_beta(x + alpha, n - x + beta) - ln_beta(alpha, beta);
    // Relative to the first term, which counts half.
    let (mut sum, mut term, mut at) = (0.5, 1.0, x);
    for _ in 0..TERMS_MAX {
        if at >= n {
            break;
        }
        let ratio = (n - at) / (at + 1.0) * (at + alpha) / (n - at - 1.0 + beta);
        term *= ratio;
        sum += term;
        at += 1.0;
        if term < sum * 1e-12 {
            break;
        }
        if term > 1e200 {
            // Far below the mean: no surprise at all.
            return 0.0;
        }
    }
    surprise_of_ln(ln_first + libm::log(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `P(Y > y) + P(Y = y) / 2` by summing.
    fn exact(y: u32, mean: f64, variance: f64) -> f64 {
        let size = mean * mean / (variance - mean);
        let ln_p = |at: f64| {
            libm::lgamma(at + size) - libm::lgamma(size) - libm::lgamma(at + 1.0)
                + size * libm::log(size / (size + mean))
                + at * libm::log(mean / (size + mean))
        };
        let start = f64::from(y);
        let mut sum = libm::exp(ln_p(start)) / 2.0;
        for more in 1..20_000 {
            sum += libm::exp(ln_p(start + f64::from(more)));
        }
        sum
    }

    #[test]
    fn the_tail_is_within_some_hundredths_of_the_exact_one() {
        for mean in [0.05, 0.5, 3.0, 40.0, 900.0] {
            for dispersion in [1.05, 2.0, 8.0] {
                let variance = mean * dispersion;
                for above in [1.0, 2.0, 4.0, 7.0, 12.0] {
                    let y = libm::ceil(mean + above * libm::sqrt(variance));
                    // Of a handful of calls where almost none was expected the lattice shows: no alarm rests on it.
                    if y < 5.0 {
                        continue;
                    }
                    let expected = exact(y as u32, mean, variance);
                    let got = libm::pow(10.0, -upper_surprise(y, mean, variance));
                    let ratio = got / expected;
                    let allowed = if y < 10.0 { 0.3 } else { 0.08 };
                    assert!((ratio - 1.0).abs() < allowed, "{y} of {mean} x{dispersion}: {got:e} and not {expected:e}");
                }
            }
        }
    }

    #[test]
    fn the_two_tails_add_up() {
        for (y, mean, variance) in [(3.0, 5.0, 9.0), (12.0, 5.0, 9.0), (0.0, 2.0, 3.0), (5.0, 5.0, 5.0)] {
            let both = libm::pow(10.0, -upper_surprise(y, mean, variance))
                + libm::pow(10.0, -lower_surprise(y, mean, variance));
            assert!((both - 1.0).abs() < 0.02, "{y} of {mean}: {both}");
        }
    }

    #[test]
    fn the_more_the_more_surprising_and_never_beyond_the_bound() {
        let mut last = 0.0;
        for y in 0..3000 {
            let surprise = upper_surprise(f64::from(y), 10.0, 25.0);
            assert!(surprise >= last - 1e-9 && surprise <= SURPRISE_MAX, "{y}: {surprise} after {last}");
            last = surprise;
        }
        assert_eq!(upper_surprise(1e12, 0.001, 0.001), SURPRISE_MAX);
    }

    #[test]
    fn errors_are_as_surprising_as_the_exact_sum_says() {
        // Beta(1, 1): every number of errors is equally likely.
        let surprise = error_surprise(8.0, 9.0, 1.0, 1.0);
        assert!((libm::pow(10.0, -surprise) - 0.15).abs() < 1e-9, "{surprise}");
        assert!(error_surprise(60.0, 100.0, 2.0, 98.0) > 12.0);
        assert!(error_surprise(2.0, 100.0, 2.0, 98.0) < 0.5);
        assert_eq!(error_surprise(0.0, 100.0, 2.0, 98.0), 0.0);
    }

    #[test]
    fn one_count_in_twenty_is_above_the_quantile() {
        for (mean, variance) in [(3.0, 6.0), (50.0, 200.0), (200.0, 200.0)] {
            let cut = quantile_95(mean, variance);
            let share = libm::pow(10.0, -upper_surprise(cut, mean, variance));
            assert!((0.03..0.075).contains(&share), "{mean} {variance}: {cut} leaves {share}");
        }
    }
}
