//! The configuration of every Tricircle program: `tricircle.conf` in the
//! dialect operators of OpenStack know, read into plain typed data.
//!
//! The way from file to data has four steps, a module each:
//!
//! 1. [`source`] reads oslo.config's INI dialect, line by line, and keeps for
//!    each assignment where it stood. [`environment`] does the same for
//!    `OS_<SECTION>__<OPTION>` variables. Both are sources of the `config`
//!    crate, which lays one over the other.
//! 2. `substitute` puts the values of other options where a value says
//!    `$name` or `${section.name}`.
//! 3. [`section`] turns the words into typed values, option by option, so that
//!    one start-up shows every mistake instead of the first one.
//! 4. [`Config`] is the result: plain data without I/O, whose `Default` is
//!    what an empty file gives. Nothing in the project reads a global.
//!
//! The options are declared once, in [`sections`]: name, type, default and
//! documentation. The sample file is made from that, and a test fails when the
//! committed one is stale.
//!
//! Unknown sections and options are warnings, as in oslo.config, since
//! operators share snippets between services. Values that can not be read
//! are errors that name section, option and expected type. Secrets are
//! [`secrecy::SecretString`]: neither `Debug` nor an error shows them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
pub mod environment;
mod error;
mod load;
pub mod logging;
pub mod sample;
pub mod section;
pub mod sections;
pub mod source;
pub mod startup;
mod substitute;
pub mod value;

pub use error::{ConfigError, Problem};
pub use load::{CommonArgs, DEFAULT_CONFIG_FILE, Loaded};
pub use secrecy::{ExposeSecret, SecretString};
pub use sections::{
    Client, Config, Database, General, Jobs, KeystoneAuthtoken, OpenTelemetry, OsloPolicy, Quota,
    Service, Tricircle,
};
pub use value::{BaseMac, Interface, PhysicalMapping, VlanRange};
