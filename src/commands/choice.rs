//! Flags with a fixed set of values. The values and their help belong to the command line: the
//! types that they stand for do not depend on it.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A value and its help.
#[derive(Clone, Copy)]
pub struct Word(pub &'static str, pub &'static str);

impl From<Word> for PossibleValue {
    fn from(Word(name, about): Word) -> Self {
        Self::new(name).help(about)
    }
}

pub fn one_of<W: Into<PossibleValue>, T: Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (W, T)>,
) -> impl TypedValueParser<Value = T> {
    let choices = choices.into_iter().map(|(word, meaning)| (word.into(), meaning));
    let (words, meanings): (Vec<PossibleValue>, Vec<T>) = choices.unzip();
    PossibleValuesParser::new(words.clone()).try_map(move |given| {
        let place = words.iter().position(|word| word.get_name() == given);
        place.and_then(|place| meanings.get(place)).cloned().ok_or("no such word")
    })
}
