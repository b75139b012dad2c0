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
