//! Numbers that are stored and read back to the last bit, also those that JSON has no word for. Field
//! attributes of serde: `#[serde(with = "exact::number")]`.

/// One number, as the shortest decimal text that means it.
pub mod number {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Stores.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:?}"))
    }

    /// Reads back.
    ///
    /// # Errors
    /// If it is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Several numbers, with spaces between them.
pub mod numbers {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Stores.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        to.serialize_str(&texts.join(" "))
    }

    /// Reads back.
    ///
    /// # Errors
    /// If one is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let text = String::deserialize(from)?;
        text.split_whitespace()
            .map(|word| word.parse().map_err(D::Error::custom))
            .collect()
    }
}

/// A trace hash, in hexadecimal digits.
pub mod hash {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Stores.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:032x}"))
    }

    /// Reads back.
    ///
    /// # Errors
    /// If these are no such digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// An instant, in nanoseconds.
pub mod instant {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use swarmbed_engine::Instant;

    /// Stores.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(at.as_nanos())
    }

    /// Reads back.
    ///
    /// # Errors
    /// If it is no count of nanoseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        u64::deserialize(from).map(Instant::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use swarmbed_engine::Instant;

    #[derive(Serialize, Deserialize)]
    struct All {
        #[serde(with = "super::number")]
        one: f64,
        #[serde(with = "super::numbers")]
        many: Vec<f64>,
        #[serde(with = "super::hash")]
        trace: u128,
        #[serde(with = "super::instant")]
        at: Instant,
    }

    #[test]
    fn every_bit_comes_back() {
        let odd = [
            0.1 + 0.2,
            -0.0,
            f64::MIN_POSITIVE / 3.0,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
            1e22,
        ];
        let all = All {
            one: f64::NEG_INFINITY,
            many: odd.into(),
            trace: u128::MAX - 7,
            at: Instant::from_nanos(u64::MAX),
        };
        let text = serde_json::to_string(&all).unwrap();
        let read: All = serde_json::from_str(&text).unwrap();
        let bits = |values: &[f64]| values.iter().map(|one| one.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read.many), bits(&odd));
        assert_eq!(read.one.to_bits(), all.one.to_bits());
        assert_eq!((read.trace, read.at), (all.trace, all.at));
        assert!(serde_json::from_str::<All>(&text.replace("NaN", "NoN")).is_err());
    }
}
