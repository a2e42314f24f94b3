//! Usage errors in kubectl's words.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

/// The usage error in kubectl's format. Errors without an equivalent in kubectl keep clap's format.
///
/// `command` is the subcommand, and `spoken` how the user types it.
pub fn complaint(error: &Error, command: &Command, spoken: &str) -> String {
    let see = format!("See '{spoken} --help' for usage.");
    let Some(sentence) = sentence(error, command, spoken) else { return error.to_string().trim_end().to_owned() };
    match suggestions(error)[..] {
        [] => format!("error: {sentence}\n{see}"),
        ref similar => format!("error: {sentence}\n\nDid you mean this?\n\t{}\n\n{see}", similar.join("\n\t")),
    }
}

fn sentence(error: &Error, command: &Command, spoken: &str) -> Option<String> {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    Some(match error.kind() {
        ErrorKind::UnknownArgument => unknown(&argument),
        ErrorKind::InvalidSubcommand => {
            format!("unknown command \"{}\" for \"{spoken}\"", text(error, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => bad_value(error, command, flag(&argument))?,
        ErrorKind::MissingRequiredArgument => missing(&argument),
        ErrorKind::ArgumentConflict => {
            let prior = text(error, ContextKind::PriorArg)?;
            format!("{} and {} cannot be specified together", flag(&argument), flag(&prior))
        }
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => {
            format!("unexpected value \"{}\" for {}", text(error, ContextKind::InvalidValue)?, flag(&argument))
        }
        ErrorKind::NoEquals => format!("flag needs an argument after \"=\": {}", flag(&argument)),
        _ => return None,
    })
}

fn unknown(argument: &str) -> String {
    match argument.strip_prefix("--") {
        Some(_) => format!("unknown flag: {argument}"),
        None => match argument.strip_prefix('-').and_then(|rest| rest.chars().next()) {
            Some(letter) => format!("unknown shorthand flag: '{letter}' in {argument}"),
            None => format!("unexpected argument \"{argument}\""),
        },
    }
}

/// The standard library's message for text that is not an integer.
const NOT_A_NUMBER: &str = "invalid digit found in string";

fn bad_value(error: &Error, command: &Command, flag: &str) -> Option<String> {
    let value = text(error, ContextKind::InvalidValue)?;
    if value.is_empty() {
        return Some(format!("flag needs an argument: {flag}"));
    }
    let allowed = list(error, ContextKind::ValidValue);
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let reason = reason.map(|reason| if reason == NOT_A_NUMBER { "not a whole number".to_owned() } else { reason });
    if !flag.starts_with('-') {
        let reason = reason.unwrap_or_else(|| format!("must be one of: {}", allowed.join(", ")));
        return Some(format!("invalid {flag} \"{value}\": {reason}"));
    }
    Some(match (flag, reason) {
        ("--output", _) => {
            let mut allowed = allowed;
            allowed.sort_unstable();
            format!(
                "unable to match a printer suitable for the output format \"{value}\", allowed formats are: {}",
                allowed.join(",")
            )
        }
        ("--dry-run", _) => format!("Invalid dry-run value ({value}). Must be \"none\", \"server\", or \"client\"."),
        // The reason is kubectl's whole message.
        ("--request-timeout", Some(reason)) => reason,
        (flag, Some(reason)) => {
            format!("invalid argument \"{value}\" for \"{}\" flag: {reason}", with_letter(command, flag))
        }
        (flag, None) => format!(
            "invalid argument \"{value}\" for \"{}\" flag: must be one of: {}",
            with_letter(command, flag),
            allowed.join(", ")
        ),
    })
}

/// `--v` becomes `-v, --v` if the flag has a short form.
fn with_letter(command: &Command, flag: &str) -> String {
    let is_it = |arg: &&Arg| flag.strip_prefix("--").is_some_and(|name| arg.get_long() == Some(name));
    let letter = command.get_arguments().find(is_it).and_then(Arg::get_short);
    letter.map_or(flag.to_owned(), |letter| format!("-{letter}, {flag}"))
}

fn missing(arguments: &str) -> String {
    match arguments.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        Some(name) if !name.contains('>') => format!("exactly one {name} is required, got 0"),
        _ => format!("required and not given: {arguments}"),
    }
}

/// `--output <FORMAT>` is the flag `--output`, and `<NAME>` the argument `NAME`.
fn flag(argument: &str) -> &str {
    let word = argument.split([' ', '=', '[']).next().unwrap_or(argument);
    word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or(word)
}

fn suggestions(error: &Error) -> Vec<String> {
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .flat_map(|kind| list(error, kind))
        .collect()
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    Some(list(error, kind).join(", ")).filter(|text| !text.is_empty() || error.get(kind).is_some())
}

fn list(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(all)) => all.clone(),
        Some(ContextValue::StyledStr(one)) => vec![one.to_string()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli;

    fn said(line: &str) -> String {
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let page = cli::parse(&words).expect_err("a page");
        assert!(page.is_complaint, "{}", page.text);
        let (text, see) = page.text.rsplit_once('\n').expect("two lines");
        assert!(see.starts_with("See 'kubectl redis-cluster") && see.ends_with("--help' for usage."), "{see}");
        text.trim_end().to_owned()
    }

    #[test]
    fn kubectls_words() {
        let formats = "allowed formats are: json,name,wide,yaml";
        for (line, text) in [
            ("kubectl list --bogus", "error: unknown flag: --bogus".into()),
            ("kubectl list -z", "error: unknown shorthand flag: 'z' in -z".into()),
            ("kubectl list x", "error: unexpected argument \"x\"".into()),
            ("kubectl list --kubeconfig", "error: flag needs an argument: --kubeconfig".into()),
            (
                "kubectl list -o foo",
                format!("error: unable to match a printer suitable for the output format \"foo\", {formats}"),
            ),
            (
                "kubectl delete x --dry-run bad",
                "error: Invalid dry-run value (bad). Must be \"none\", \"server\", or \"client\".".into(),
            ),
            ("kubectl create", "error: exactly one NAME is required, got 0".into()),
            ("kubectl list -A -l x", "error: --all-namespaces and --selector cannot be specified together".into()),
            ("kubectl logs --tail a", "error: invalid argument \"a\" for \"--tail\" flag: not a whole number".into()),
            (
                "kubectl list -v loud",
                "error: invalid argument \"loud\" for \"-v, --v\" flag: not a whole number".into(),
            ),
            (
                "kubectl set-gke-proxy-mode fast",
                "error: invalid MODE \"fast\": must be one of: userspace, iptables, ipvs, nftables, kernelspace".into(),
            ),
            ("kubectl xyz", "error: unknown command \"xyz\" for \"kubectl redis-cluster\"".into()),
            (
                "kubectl inf",
                "error: unknown command \"inf\" for \"kubectl redis-cluster\"\n\nDid you mean this?\n\tinfo".into(),
            ),
            ("kubectl logs --followw", "error: unknown flag: --followw\n\nDid you mean this?\n\t--follow".into()),
        ] {
            assert_eq!(said(line), text, "{line}");
        }
    }

    #[test]
    fn the_last_of_two_counts() {
        let line = "kubectl list -o json -o wide --server a --server b --as u --as-group a --as-group b";
        let words: Vec<_> = line.split(' ').map(Into::into).collect();
        let cli = cli::parse(&words).ok().expect("a command");
        let shown = format!("{cli:?}");
        assert!(
            shown.contains("Some(Wide)") && shown.contains("Some(\"b\")") && shown.contains("[\"a\", \"b\"]"),
            "{shown}"
        );
    }

    #[test]
    fn nothing_asked_is_no_mistake() {
        let page = cli::parse(&["kubectl".into()]).expect_err("a page");
        assert!(!page.is_complaint && page.text.contains("Basic commands:"), "{}", page.text);
    }
}
