//! Where a function's caller has put its arguments: the System V ABI for x86-64, section 3.2.3.

/// What decides where an argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// An integer or a pointer of up to 8 bytes.
    Word,
    /// A `float` or `double`.
    Float,
    /// Without a byte: it is not passed.
    Empty,
    /// What may be in several registers, or in memory: structs by value. With it in words.
    Unclear(String),
}

/// Where an argument is at the function's first instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the six registers of integers and pointers, counted from 0.
    Register(usize),
    /// Above the return address, in words of 8 bytes counted from 0.
    Stack(u32),
    /// Why it can't be read.
    Nowhere(String),
}

/// Registers of integers and pointers.
pub(super) const WORDS: usize = 6;
/// Registers of floating-point numbers.
const FLOATS: usize = 8;

/// The first register where the caller says where the result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    No,
    Yes,
    /// That can't be told, since it returns such a thing.
    Unclear(String),
}

/// The places of arguments of these classes, in their order.
pub(super) fn places(classes: &[Class], hidden: Hidden) -> Vec<Place> {
    let (mut words, mut floats, mut stack) = (0, 0, 0);
    let mut lost = None;
    match hidden {
        Hidden::No => {}
        Hidden::Yes => words = 1,
        Hidden::Unclear(what) => {
            lost = Some(format!(
                "it returns {what}, and its arguments may stand one register further"
            ));
        }
    }
    let mut place = |class: &Class| {
        if let Some(why) = &lost {
            return Place::Nowhere(why.clone());
        }
        match class {
            Class::Word if words < WORDS => {
                words += 1;
                Place::Register(words - 1)
            }
            Class::Word => {
                stack += 1;
                Place::Stack(stack - 1)
            }
            Class::Float => {
                if floats < FLOATS {
                    floats += 1;
                } else {
                    stack += 1;
                }
                Place::Nowhere("it is a floating-point number".to_owned())
            }
            Class::Empty => Place::Nowhere("it has no bytes".to_owned()),
            Class::Unclear(what) => {
                lost = Some(format!(
                    "it stands behind {what}, and where that is can't be told"
                ));
                Place::Nowhere(format!("it is {what}"))
            }
        }
    };
    classes.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_are_counted_apart() {
        let mut classes = vec![Class::Word, Class::Float, Class::Empty];
        classes.extend(vec![Class::Word; 7]);
        let placed = places(&classes, Hidden::No);
        assert_eq!(placed[0], Place::Register(0));
        assert!(matches!(placed[1], Place::Nowhere(_)) && matches!(placed[2], Place::Nowhere(_)));
        assert_eq!(placed[3], Place::Register(1));
        assert_eq!(placed[7], Place::Register(5));
        assert_eq!(placed[8..], [Place::Stack(0), Place::Stack(1)]);
        let floats = places(
            &[vec![Class::Float; 9], vec![Class::Word; 7]].concat(),
            Hidden::No,
        );
        assert_eq!(floats[15], Place::Stack(1), "the ninth float is there, too");
    }

    #[test]
    fn what_is_unclear_hides_what_follows() {
        let pair = Class::Unclear("struct pair by value".into());
        let placed = places(&[Class::Word, pair, Class::Word], Hidden::Yes);
        assert_eq!(placed[0], Place::Register(1));
        let why = |at: usize| match &placed[at] {
            Place::Nowhere(why) => why.as_str(),
            place => panic!("{place:?}"),
        };
        assert_eq!(why(1), "it is struct pair by value");
        assert!(why(2).contains("behind struct pair"));
        let unclear = places(&[Class::Word], Hidden::Unclear("a pair".into()));
        assert!(matches!(unclear[0], Place::Nowhere(_)));
    }
}
