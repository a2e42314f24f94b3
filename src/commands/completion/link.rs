//! The link that kubectl runs to complete this plugin.

use crate::error::Error;
use std::path::{Path, PathBuf};

/// kubectl finds plugins by this name.
pub const PLUGIN: &str = "kubectl-redis_cluster";
/// The program that kubectl runs for completion; oc has its own prefix.
pub const PROGRAM: &str = "kubectl_complete-redis_cluster";

#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub path: PathBuf,
    /// This program, by the path that survives upgrades.
    pub program: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// The link was missing or had another target.
    Made,
    Nothing,
}

impl Link {
    /// The link next to this program, or in `folder`.
    ///
    /// Package managers such as krew keep programs in versioned directories, with a stable link on
    /// the PATH: that link is what the user called.
    ///
    /// # Errors
    /// If the path of this program is unknown.
    pub fn planned(called: &Path, folder: Option<&Path>) -> Result<Self, Error> {
        let program = found(called)?;
        let beside = program.parent().map(Path::to_owned).unwrap_or_default();
        let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
        Ok(Self { path: folder.map_or(beside, Path::to_owned).join(name), program })
    }

    /// # Errors
    /// If something else has its path, or the path is not writable.
    pub fn make(&self) -> Result<Done, Error> {
        if self.leads_to_the_program() {
            return Ok(Done::Nothing);
        }
        self.remove_old()?;
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.refused("make", &error))?;
        }
        place(&self.program, &self.path).map_err(|error| self.refused("make", &error))?;
        Ok(Done::Made)
    }

    /// # Errors
    /// If something else has its path, or it cannot be removed.
    pub fn remove(&self) -> Result<Done, Error> {
        match std::fs::symlink_metadata(&self.path) {
            Err(_) => Ok(Done::Nothing),
            Ok(_) => self.remove_old().map(|()| Done::Made),
        }
    }

    fn leads_to_the_program(&self) -> bool {
        std::fs::read_link(&self.path).is_ok_and(|target| target == self.program)
    }

    /// Removes an old link of this tool or a copy of this program.
    fn remove_old(&self) -> Result<(), Error> {
        let Ok(there) = std::fs::symlink_metadata(&self.path) else { return Ok(()) };
        let is_ours = match there.is_symlink() {
            true => std::fs::read_link(&self.path).is_ok_and(|target| is_plugin(&target)),
            // On Windows it is a copy, of this or an older version.
            false => cfg!(windows),
        };
        if !is_ours {
            return Err(Error::user(format!("{} already exists and belongs to something else", self.path.display()))
                .hint("choose another directory on your PATH with --dir, or remove it"));
        }
        std::fs::remove_file(&self.path).map_err(|error| self.refused("remove", &error))
    }

    fn refused(&self, what: &str, error: &std::io::Error) -> Error {
        Error::user(format!("cannot {what} {}: {error}", self.path.display()))
            .hint("choose a writable directory on your PATH with --dir DIRECTORY")
    }
}

fn is_plugin(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == PLUGIN)
}

/// The program as it was called: kubectl uses the path at which it found the plugin.
fn found(called: &Path) -> Result<PathBuf, Error> {
    let path = match called.components().count() {
        // By name, from a shell.
        1 => std::env::var_os("PATH")
            .and_then(|path| std::env::split_paths(&path).map(|folder| folder.join(called)).find(|path| path.exists())),
        _ => std::path::absolute(called).ok(),
    };
    let path = path.or_else(|| std::env::current_exe().ok());
    path.ok_or_else(|| Error::user("cannot determine the path of this program").hint("create the link manually"))
}

#[cfg(unix)]
fn place(program: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

/// Windows requires a privilege for links.
#[cfg(not(unix))]
fn place(program: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::copy(program, path).map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn made_once_moved_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = |version: &str| folder.path().join(version).join("kubectl-redis_cluster");
        let link = |version| Link::planned(&program(version), Some(folder.path())).expect("a link");
        assert_eq!(link("v1").make().expect("made"), Done::Made);
        assert_eq!(link("v1").make().expect("made"), Done::Nothing);
        assert_eq!(link("v2").make().expect("made"), Done::Made);
        assert_eq!(std::fs::read_link(folder.path().join(PROGRAM)).expect("a link"), program("v2"));
        assert_eq!(link("v2").remove().expect("removed"), Done::Made);
        assert_eq!(link("v2").remove().expect("removed"), Done::Nothing);
    }

    #[test]
    fn what_others_wrote_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(PROGRAM), "#!/bin/sh").expect("written");
        let link = Link::planned(Path::new("/bin/kubectl-redis_cluster"), Some(folder.path())).expect("a link");
        assert!(link.make().is_err() && link.remove().is_err());
        assert!(folder.path().join(PROGRAM).exists());
    }
}
