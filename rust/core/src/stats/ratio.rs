//! The mean of exact sums, rounded once.

/// `sum / (weight * 2^24)` to the nearest double, half to even; NaN where `weight` is 0.
///
/// `weight` is not negative, and both are less than 2^127 in size.
pub(super) fn mean(sum: i128, weight: i128) -> f64 {
    if weight == 0 {
        return f64::NAN;
    }
    let size = divide(sum.unsigned_abs(), weight.unsigned_abs());
    let mean = scale(size, -24);
    if sum < 0 {
        -mean
    } else {
        mean
    }
}

/// `above / below` to the nearest double, half to even.
#[allow(clippy::cast_precision_loss, reason = "each cast is of at most 53 bits, hence exact")]
fn divide(above: u128, below: u128) -> f64 {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    if above <= EXACT && below <= EXACT {
        return above as f64 / below as f64; // IEEE 754 rounds a quotient of exact operands once
    }
    if above == 0 {
        return 0.0;
    }
    let (mut quotient, mut rest, mut exponent) = (above / below, above % below, 0);
    // At least one bit below the last that a double keeps, so that rounding sees the half.
    while quotient < 2 * EXACT {
        rest <<= 1;
        let bit = rest >= below;
        quotient = quotient << 1 | u128::from(bit);
        rest -= if bit { below } else { 0 };
        exponent -= 1;
    }
    let spare = 128 - f64::MANTISSA_DIGITS - quotient.leading_zeros();
    let (kept, lost) = (quotient >> spare, quotient & ((1 << spare) - 1));
    let half = 1 << (spare - 1);
    let up = lost > half || (lost == half && (rest > 0 || kept & 1 == 1));
    scale((kept + u128::from(up)) as f64, exponent + spare.cast_signed())
}

/// `value * 2^exponent`, exact: neither leaves the range of normal doubles.
fn scale(value: f64, exponent: i32) -> f64 {
    let biased = u64::from((f64::MAX_EXP - 1 + exponent).cast_unsigned());
    value * f64::from_bits(biased << (f64::MANTISSA_DIGITS - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mean;

    /// The size of `mean` is the nearest double if no neighbour is nearer: compared as fractions
    /// of integers, for sums and weights so small that those fit 128 bits.
    fn distance(sum: u64, weight: u64, double: f64) -> i128 {
        let bits = double.to_bits();
        let exponent = i32::try_from(bits >> 52).expect("positive") - 1075 + 24;
        let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
        assert!(exponent <= 0, "the quotients of this test are small");
        let shift = exponent.unsigned_abs();
        (i128::from(sum) << shift) - mantissa * i128::from(weight)
    }

    proptest! {
        #[test]
        fn no_neighbour_is_nearer(weight in 1u64 << 53..1 << 56, times in 1u64..200, off in any::<u64>()) {
            let sum = weight * times + off % weight;
            let double = mean(sum.into(), weight.into());
            let own = distance(sum, weight, double).abs();
            prop_assert!(own <= distance(sum, weight, double.next_up()).abs());
            prop_assert!(own <= distance(sum, weight, double.next_down()).abs());
            prop_assert_eq!(mean(-i128::from(sum), weight.into()).to_bits(), (-double).to_bits());
        }

        #[test]
        fn one_side_past_what_a_double_holds_is_rounded_once_too(
            (sum, weight) in prop_oneof![
                (1u64 << 53..1 << 56, 1u64 << 8..1 << 30),
                (1u64 << 40..1 << 53, 1u64 << 53..1 << 58),
            ],
        ) {
            let double = mean(sum.into(), weight.into());
            let own = distance(sum, weight, double).abs();
            prop_assert!(own <= distance(sum, weight, double.next_up()).abs());
            prop_assert!(own <= distance(sum, weight, double.next_down()).abs());
        }

        #[test]
        fn a_common_factor_changes_no_bit(sum in any::<i64>(), weight in 1i64.., factor in 1i64..) {
            let [sum, weight] = [sum, weight].map(i128::from);
            let (times, factor) = (i128::from(factor), mean(sum, weight));
            prop_assert_eq!(mean(sum * times, weight * times).to_bits(), factor.to_bits());
        }
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        let unit = 1i128 << 24;
        let double = |odd: i128| mean(((1 << 54) + odd) * unit, 1);
        assert_eq!(double(2).to_bits(), 2f64.powi(54).to_bits());
        assert_eq!(double(6).to_bits(), (2f64.powi(54) + 8.0).to_bits());
        assert_eq!(double(3).to_bits(), (2f64.powi(54) + 4.0).to_bits());
        assert_eq!(mean(unit, 3).to_bits(), (1.0f64 / 3.0).to_bits());
        assert_eq!(mean(0, i128::MAX).to_bits(), 0);
        assert_eq!(mean(-1, 1).to_bits(), (-(2f64.powi(-24))).to_bits());
        assert!(mean(1, 0).is_nan());
        assert_eq!(mean(i128::MAX, i128::MAX).to_bits(), 2f64.powi(-24).to_bits());
    }
}
