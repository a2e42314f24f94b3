//! Flags that take one of several words. The words and what is said of them are the command
//! line's: what they stand for knows nothing of it.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A word, and a few more about it.
#[derive(Clone, Copy)]
pub struct Word(pub &'static str, pub &'static str);

impl From<Word> for PossibleValue {
    fn from(Word(name, about): Word) -> Self {
        Self::new(name).help(about)
    }
}

/// Reads one of these words as what it stands for.
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
