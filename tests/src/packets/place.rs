//! Places from which packets are sent: hosts of pods, and namespaces there.
//!
//! The environment names a command that runs another one inside a pod
//! (`pods inside POD [-n NAMESPACE] COMMAND` of deploy/sandbox). It replaces itself by
//! that command, so a child that is killed is the command itself.

use std::process::{Output, Stdio};

use tokio::process::Command;

/// The command that goes into pods; `sh`-like words in `TRICIRCLE_REAL_INSIDE`.
#[derive(Debug, Clone)]
pub struct Inside {
    words: Vec<String>,
}

impl Inside {
    /// What the environment names, if it names one.
    pub fn from_environment() -> Option<Self> {
        let words = std::env::var("TRICIRCLE_REAL_INSIDE").ok()?;
        Some(Self {
            words: words.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// The host of a pod, by the pod's place in the world.
    pub fn host(&self, pod: usize) -> Place {
        let name = format!("host of pod {}", pod + 1);
        self.place(name, &[&(pod + 1).to_string()])
    }

    /// A namespace on the host of a pod.
    pub fn namespace(&self, pod: usize, namespace: &str) -> Place {
        let name = format!("{namespace} in pod {}", pod + 1);
        self.place(name, &[&(pod + 1).to_string(), "-n", namespace])
    }

    /// The host that is in no pod, on the wire of the external networks.
    pub fn outside(&self) -> Place {
        self.place("outside".to_owned(), &["outside"])
    }

    fn place(&self, name: String, further: &[&str]) -> Place {
        let further = further.iter().map(|word| (*word).to_owned());
        let words = self.words.iter().cloned().chain(further).collect();
        Place { name, words }
    }
}

/// Where a command runs.
#[derive(Debug, Clone)]
pub struct Place {
    /// For messages.
    pub name: String,
    words: Vec<String>,
}

impl Place {
    /// Runs a command to its end and gives what it wrote, whatever its exit code.
    pub async fn run<W: AsRef<str>>(&self, command: &[W]) -> Output {
        let child = self.command(command);
        let answer = { child }.output().await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", self.words.join(" ")))
    }

    /// What a command wrote that has to succeed.
    pub async fn ask(&self, command: &[&str]) -> String {
        let done = self.run(command).await;
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "{command:?} on {}: {} {errors}",
            self.name,
            done.status
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// A command that is still to be started; it dies with its handle.
    pub fn command<W: AsRef<str>>(&self, command: &[W]) -> Command {
        let mut child = Command::new(&self.words[0]);
        child
            .args(&self.words[1..])
            .args(command.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        child
    }
}
