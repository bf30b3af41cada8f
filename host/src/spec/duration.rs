//! Durations and sizes as people write them: `500ms`, `10s`, `64KiB`.

/// Units of time, in ns.
const TIME: [(&str, i64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Units of size, in bytes.
const SIZE: [(&str, i64); 10] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
];

/// A duration in ns, never less than 0. `1.5s` and `2h` are some.
///
/// # Errors
/// What is wrong with it, in words.
pub fn duration(text: &str) -> Result<i64, String> {
    quantity(
        text,
        &TIME,
        "a duration is a number and a unit, such as 500ms",
    )
}

/// A size in bytes, never less than 0; a bare number is one.
///
/// # Errors
/// What is wrong with it, in words.
pub fn size(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| format!("'{text}' is too much"));
    }
    quantity(text, &SIZE, "a size is a number and a unit, such as 64KiB")
}

/// What a unit of time (in ns) or of size (in bytes) multiplies by.
pub fn unit(name: &str) -> Option<i128> {
    let (_, factor) = TIME.iter().chain(&SIZE).find(|(known, _)| *known == name)?;
    Some(i128::from(*factor))
}

/// The names that [`unit`] knows.
pub fn units() -> Vec<&'static str> {
    TIME.iter().chain(&SIZE).map(|(name, _)| *name).collect()
}

fn quantity(text: &str, units: &[(&str, i64)], form: &str) -> Result<i64, String> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    if number.is_empty() {
        return Err(format!("'{text}': {form}"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        let wrong = if unit.is_empty() {
            format!("'{text}' has no unit")
        } else {
            format!("there is no unit '{unit}'")
        };
        return Err(format!("{wrong}: units are {}", names.join(" ")));
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let too_much = || format!("'{text}' is too much");
    let whole: i64 = whole.parse().map_err(|_| {
        if whole.is_empty() {
            format!("'{text}': {form}")
        } else {
            too_much()
        }
    })?;
    let mut part = 0;
    let mut weight = *factor;
    for digit in fraction.chars() {
        let digit = digit
            .to_digit(10)
            .ok_or_else(|| format!("'{text}': {form}"))?;
        weight /= 10;
        part += weight * i64::from(digit);
    }
    whole
        .checked_mul(*factor)
        .and_then(|value| value.checked_add(part))
        .ok_or_else(too_much)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_exactly() {
        assert_eq!(duration("1.5s"), Ok(1_500_000_000));
        assert_eq!(duration("10 ms"), Ok(10_000_000));
        assert_eq!(duration("2h"), Ok(7_200_000_000_000));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("4096"), Ok(4096));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        assert!(duration("1 fortnight").unwrap_err().contains("fortnight"));
        for wrong in ["-3s", "", "s", "5", "99999999999999h", "1.2.3s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(size("-1").is_err());
    }
}
