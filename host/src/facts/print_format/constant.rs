//! C's constant expressions, as `print fmt` lines have them: numbers, enumerators, casts and the operators of flags.

/// Parentheses and operators within each other; the kernel's longest stay below 30.
const DEPTH: u32 = 64;

/// The value of an expression; `None` of what isn't one, or names what `enumerator` doesn't know.
pub(super) fn constant(text: &str, enumerator: &dyn Fn(&str) -> Option<i128>) -> Option<i128> {
    let mut parser = Parser {
        rest: text.trim_start(),
        enumerator,
    };
    let value = parser.binary(0, DEPTH)?;
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    enumerator: &'a dyn Fn(&str) -> Option<i128>,
}

/// Operators with their precedence, those first that others begin with.
const OPERATORS: [(&str, u8); 7] = [
    ("<<", 4),
    (">>", 4),
    ("|", 1),
    ("^", 2),
    ("&", 3),
    ("+", 5),
    ("-", 5),
];

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &str {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn binary(&mut self, least: u8, depth: u32) -> Option<i128> {
        let depth = depth.checked_sub(1)?;
        let mut left = self.unary(depth)?;
        while let Some((token, precedence)) = OPERATORS
            .into_iter()
            .find(|(token, precedence)| *precedence > least && self.rest.starts_with(token))
        {
            self.take(token);
            let right = self.binary(precedence, depth)?;
            left = apply(token, left, right)?;
        }
        Some(left)
    }

    fn unary(&mut self, depth: u32) -> Option<i128> {
        let depth = depth.checked_sub(1)?;
        if self.take("~") {
            return self.unary(depth).map(|value| !value);
        }
        if self.take("-") {
            return self.unary(depth)?.checked_neg();
        }
        if self.take("(") {
            if self.cast() {
                return self.unary(depth);
            }
            let value = self.binary(0, depth)?;
            return self.take(")").then_some(value);
        }
        let enumerator = self.enumerator;
        let word = self.word();
        number(word).or_else(|| enumerator(word))
    }

    /// Behind a parenthesis: `unsigned long)`, which says nothing that matters to flags.
    fn cast(&mut self) -> bool {
        let Some((inside, rest)) = self.rest.split_once(')') else {
            return false;
        };
        let is_type = |word: &str| {
            word.ends_with("_t")
                || matches!(
                    word,
                    "unsigned"
                        | "signed"
                        | "char"
                        | "short"
                        | "int"
                        | "long"
                        | "u8"
                        | "u16"
                        | "u32"
                        | "u64"
                        | "__u8"
                        | "__u16"
                        | "__u32"
                        | "__u64"
                        | "s32"
                        | "s64"
                )
        };
        let cast = !inside.trim().is_empty() && inside.split_whitespace().all(is_type);
        if cast {
            self.rest = rest.trim_start();
        }
        cast
    }
}

fn number(word: &str) -> Option<i128> {
    let digits = word.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(i128::from),
        None if digits.len() > 1 && digits.starts_with('0') => {
            u64::from_str_radix(digits, 8).ok().map(i128::from)
        }
        None => digits.parse::<u64>().ok().map(i128::from),
    }
}

fn apply(operator: &str, a: i128, b: i128) -> Option<i128> {
    let shift = || u32::try_from(b).ok().filter(|by| *by < 64);
    match operator {
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "&" => Some(a & b),
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "<<" => a.checked_mul(1i128 << shift()?),
        ">>" => Some(a >> shift()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_computed_as_c_does() {
        let of = |text| constant(text, &|name| (name == "THREE").then_some(3));
        assert_eq!(of("(1 << 3) | 0x1"), Some(9));
        assert_eq!(
            of("(( gfp_t)(((((1UL))) << (10))|((((1UL))) << (11))))"),
            Some(3 << 10)
        );
        assert_eq!(of("( unsigned long)((0x7 | 8) & ~(( gfp_t)1))"), Some(14));
        assert_eq!(of("10 - 3 - 2"), Some(5));
        assert_eq!(of("1 << 1 + 1"), Some(4));
        assert_eq!(of("THREE + 010"), Some(11));
        assert_eq!(of("-1"), Some(-1));
        for wrong in ["", "(", "1 +", "FOUR", "1 2", "((void *)0)", "1 << 99"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(of(&"(".repeat(100_000)), None);
    }
}
