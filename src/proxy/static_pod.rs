//! Changes the mode in the manifest of kube-proxy's static pod.
//!
//! The text is edited, not regenerated: the provider's comments and order stay, and the change can
//! be shown as a diff.

use super::evidence::flag;
use super::mode::Mode;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotEdit {
    /// Not YAML, or not a pod.
    #[error("it is not a pod manifest")]
    NoPod,
    /// kube-proxy ignores its flags.
    #[error("kube-proxy reads its mode from the file {0}, not from its command line")]
    ConfigFile(String),
    #[error("its command line has a form that this tool cannot edit")]
    UnknownForm,
}

pub const MODE_FLAG: &str = "--proxy-mode";

/// Changes only the mode in kube-proxy's command line.
///
/// # Errors
/// If it cannot be edited safely.
pub fn with_mode(text: &str, mode: Mode) -> Result<String, CannotEdit> {
    let line = command_line(text)?;
    if let Some(file) = flag(&line, "--config") {
        return Err(CannotEdit::ConfigFile(file.to_owned()));
    }
    let wanted = format!("{MODE_FLAG}={mode}");
    let edited = match line.split_ascii_whitespace().filter(|word| word.starts_with(MODE_FLAG)).collect::<Vec<_>>()[..]
    {
        [] => added(text, &wanted),
        [word] if word.starts_with("--proxy-mode=") => replaced(text, word, &wanted),
        _ => None,
    }
    .ok_or(CannotEdit::UnknownForm)?;
    let differs_only_in_mode = without_mode(&command_line(&edited)?) == without_mode(&line)
        && flag(&command_line(&edited)?, MODE_FLAG) == Some(mode.as_str())
        && without_command(&edited)? == without_command(text)?;
    if differs_only_in_mode { Ok(edited) } else { Err(CannotEdit::UnknownForm) }
}

/// The value of [`MODE_FLAG`] in kube-proxy's command line.
pub fn mode_flag(text: &str) -> Option<String> {
    flag(&command_line(text).ok()?, MODE_FLAG).map(str::to_owned)
}

pub fn is_kube_proxy(text: &str) -> bool {
    let is_program = |word: &str| word.rsplit('/').next() == Some("kube-proxy");
    command_line(text).is_ok_and(|line| line.split_ascii_whitespace().any(is_program))
}

/// The changed lines, prefixed with `-` and `+`.
pub fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let ahead = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let room = old.len().min(new.len()) - ahead;
    let behind = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(old, new)| old == new).count();
    let removed = old[ahead..old.len() - behind].iter().map(|line| format!("-{line}"));
    let added = new[ahead..new.len() - behind].iter().map(|line| format!("+{line}"));
    removed.chain(added).collect()
}

fn parsed(text: &str) -> Result<Value, CannotEdit> {
    let pod: Value = serde_saphyr::from_str(text).map_err(|_| CannotEdit::NoPod)?;
    if pod["kind"] == "Pod" { Ok(pod) } else { Err(CannotEdit::NoPod) }
}

const PARTS: [&str; 2] = ["command", "args"];

/// The first container's command line, including shell strings.
fn command_line(text: &str) -> Result<String, CannotEdit> {
    let pod = parsed(text)?;
    let container = &pod["spec"]["containers"][0];
    let words = PARTS.iter().filter_map(|part| container[part].as_array()).flatten();
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    if words.is_empty() { Err(CannotEdit::NoPod) } else { Ok(words.join(" ")) }
}

fn without_command(text: &str) -> Result<Value, CannotEdit> {
    let mut pod = parsed(text)?;
    PARTS.iter().for_each(|part| pod["spec"]["containers"][0][part] = Value::Null);
    Ok(pod)
}

fn without_mode(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().filter(|word| !word.starts_with(MODE_FLAG)).collect()
}

/// None unless the flag occurs exactly once.
fn replaced(text: &str, word: &str, wanted: &str) -> Option<String> {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\n', '\r', '"', '\'', ',', ']', '\\']);
    let places: Vec<usize> =
        text.match_indices(word).filter(|(at, _)| ends(&text[at + word.len()..])).map(|(at, _)| at).collect();
    let [at] = places[..] else { return None };
    Some(format!("{}{wanted}{}", &text[..at], &text[at + word.len()..]))
}

/// In a shell string after the program's name; in a list as an item after the program, or before
/// the first flag.
fn added(text: &str, wanted: &str) -> Option<String> {
    let after_program = text.match_indices("kube-proxy --").map(|(at, _)| at + "kube-proxy ".len());
    if let [at] = after_program.collect::<Vec<_>>()[..] {
        return Some(format!("{}{wanted} {}", &text[..at], &text[at..]));
    }
    let is_flag = |line: &&str| {
        line.trim_start().strip_prefix("- ").is_some_and(|item| item.trim_matches(['"', '\'']).starts_with("--"))
    };
    let line = text.split_inclusive('\n').find(is_flag)?;
    let at = text.find(line)?;
    let indentation = &line[..line.len() - line.trim_start().len()];
    Some(format!("{}{indentation}- {wanted}\n{}", &text[..at], &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After cluster/gce/manifests/kube-proxy.manifest of Kubernetes 1.20.
    const GKE: &str = "\
# Please keep kube-proxy configuration in-sync with:
apiVersion: v1
kind: Pod
metadata:
  name: kube-proxy
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
  - name: kube-proxy
    image: k8s.gcr.io/kube-proxy-amd64:v1.20.2
    command:
    - /bin/sh
    - -c
    - exec kube-proxy --master=https://198.51.100.1 --kubeconfig=/var/lib/kube-proxy/kubeconfig --v=2 1>>/var/log/kube-proxy.log 2>&1
    volumeMounts:
    - mountPath: /var/log
";

    #[test]
    fn gkes_manifest() {
        let edited = with_mode(GKE, Mode::Ipvs).expect("edited");
        assert_eq!(
            difference(GKE, &edited),
            [
                "-    - exec kube-proxy --master=https://198.51.100.1 --kubeconfig=/var/lib/kube-proxy/kubeconfig --v=2 1>>/var/log/kube-proxy.log 2>&1",
                "+    - exec kube-proxy --proxy-mode=ipvs --master=https://198.51.100.1 --kubeconfig=/var/lib/kube-proxy/kubeconfig --v=2 1>>/var/log/kube-proxy.log 2>&1",
            ]
        );
        let again = with_mode(&edited, Mode::Iptables).expect("edited");
        assert!(again.contains("exec kube-proxy --proxy-mode=iptables --master"));
        assert_eq!(with_mode(&again, Mode::Iptables).as_deref(), Ok(&*again));
        assert!(is_kube_proxy(GKE));
    }

    #[test]
    fn a_list_of_flags() {
        let list =
            GKE.replace("- /bin/sh\n    - -c\n    - exec kube-proxy", "- /usr/local/bin/kube-proxy\n    - --v=2 #");
        let edited = with_mode(&list, Mode::Nftables).expect("edited");
        assert_eq!(difference(&list, &edited), ["+    - --proxy-mode=nftables"]);
        let quoted = edited.replace("- --proxy-mode=nftables", "- \"--proxy-mode=nftables\"");
        let edited = with_mode(&quoted, Mode::Iptables).expect("edited");
        assert!(edited.contains("- \"--proxy-mode=iptables\"\n"));
    }

    #[test]
    fn what_is_not_edited() {
        let with = |flags: &str| GKE.replace("--v=2", flags);
        assert_eq!(with_mode(&with("--config=/etc/x"), Mode::Ipvs), Err(CannotEdit::ConfigFile("/etc/x".into())));
        assert_eq!(with_mode(&with("--proxy-mode iptables"), Mode::Ipvs), Err(CannotEdit::UnknownForm));
        let twice = with("--proxy-mode=iptables --proxy-mode=ipvs");
        assert_eq!(with_mode(&twice, Mode::Ipvs), Err(CannotEdit::UnknownForm));
        let comment = with("--proxy-mode=ipvs").replace("# Please", "# --proxy-mode=ipvs\n# Please");
        assert_eq!(with_mode(&comment, Mode::Iptables), Err(CannotEdit::UnknownForm), "which of the two?");
        assert_eq!(with_mode("kind: Service", Mode::Ipvs), Err(CannotEdit::NoPod));
        assert_eq!(with_mode("{", Mode::Ipvs), Err(CannotEdit::NoPod));
        assert!(!is_kube_proxy(&GKE.replace("exec kube-proxy", "exec other")));
    }
}
