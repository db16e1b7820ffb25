//! How numbers are written: 6 significant digits, the same on every machine.

/// `value` with 6 significant digits and no more zeros than needed; `""` if it is not a number.
#[must_use]
pub fn six(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{value:.5e}")
        .parse()
        .expect("a number that was just written");
    if rounded == 0.0 {
        "0".into()
    } else {
        rounded.to_string()
    }
}

/// A value rounded to 6 significant digits, for JSON; `null` if it is not a number.
#[must_use]
pub fn json(value: f64) -> serde_json::Value {
    six(value)
        .parse::<f64>()
        .map_or(serde_json::Value::Null, |value| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be whole and small"
            )]
            if libm::floor(value) == value && libm::fabs(value) < 1e15 {
                serde_json::Value::from(value as i64)
            } else {
                serde_json::Value::from(value)
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_and_no_more() {
        assert_eq!(six(0.123_456_789), "0.123457");
        assert_eq!(six(1_234_567.0), "1234570");
        assert_eq!(six(2.0), "2");
        assert_eq!(six(-0.0), "0");
        assert_eq!(six(f64::NAN), "");
    }
}
