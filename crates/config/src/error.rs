//! What can be wrong with a configuration. No variant carries the text of a
//! line or of a secret value: these messages end in logs and on terminals.

use std::fmt;
use std::path::PathBuf;

/// Why a configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or directory named on the command line can not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is none of what the INI dialect allows.
    #[error("{}:{line}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it, without its text.
        problem: &'static str,
    },
    /// The layers could not be put together.
    #[error("cannot combine the sources of configuration")]
    Layers(#[from] config::ConfigError),
    /// One or more options have values that can not be used.
    #[error("{}", list(.0))]
    Values(Vec<Problem>),
    /// Logging could not be set up.
    #[error("cannot set up logging: {0}")]
    Logging(String),
}

/// One option whose value can not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The section as written in the file, `DEFAULT` included.
    pub section: String,
    /// The option.
    pub option: String,
    /// File and line, or the environment variable, where known.
    pub origin: Option<String>,
    /// What is wrong; names the expected type, never a secret's value.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}: {}", self.section, self.option, self.reason)?;
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("; ")
}
