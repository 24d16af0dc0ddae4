//! From command line, files and environment to a [`Config`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::environment;
use crate::error::{ConfigError, Problem};
use crate::sections::Config;
use crate::source::Layer;
use crate::substitute::{OptionName, Substitution};

/// Read when no file or directory is named on the command line, if it exists.
pub const DEFAULT_CONFIG_FILE: &str = "/etc/tricircle/tricircle.conf";
/// Its `*.conf` files are read after [`DEFAULT_CONFIG_FILE`], if it exists.
const DEFAULT_CONFIG_DIR: &str = "/etc/tricircle/tricircle.conf.d";

/// The options every program has on its command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// A configuration file; may be repeated, later ones win.
    /// [default: /etc/tricircle/tricircle.conf if it exists]
    #[arg(long, value_name = "PATH")]
    pub config_file: Vec<PathBuf>,
    /// A directory whose *.conf files are read in order of name, after the
    /// files; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
    /// Log at level debug.
    #[arg(long)]
    pub debug: bool,
    /// Append log lines to this file instead of standard error.
    #[arg(long, value_name = "PATH")]
    pub log_file: Option<PathBuf>,
}

/// A configuration and what the operator should know about it.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sections and options that nobody reads, one sentence each, to be
    /// logged once logging is set up.
    pub warnings: Vec<String>,
}

impl Config {
    /// Loads the configuration of this process.
    pub fn load(args: &CommonArgs) -> Result<Loaded, ConfigError> {
        Self::load_with(args, environment::of_this_process())
    }

    /// The same with the environment given, for tests.
    pub fn load_with(
        args: &CommonArgs,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut layers = Vec::new();
        for file in files(args)? {
            layers.push(Layer::from_file(&file)?);
        }
        let mut environment = environment::layer(variables);
        let known = known_options();
        // Other software's variables are none of our business.
        environment
            .entries
            .retain(|entry| known.contains_key(&entry.section));
        layers.push(environment);

        let warnings = take_unknown(&mut layers, &known);
        let mut config = assemble(layers)?;
        config.general_from(args);
        let problems = crate::check::problems(&config);
        if problems.is_empty() {
            Ok(Loaded { config, warnings })
        } else {
            Err(ConfigError::Values(problems))
        }
    }

    fn general_from(&mut self, args: &CommonArgs) {
        self.default.debug |= args.debug;
        if let Some(file) = &args.log_file {
            self.default.log_file = Some(file.clone());
        }
    }
}

/// The files to read, in order.
fn files(args: &CommonArgs) -> Result<Vec<PathBuf>, ConfigError> {
    let mut files = args.config_file.clone();
    let mut directories = args.config_dir.clone();
    if files.is_empty() && directories.is_empty() {
        let file = Path::new(DEFAULT_CONFIG_FILE);
        files.extend(file.exists().then(|| file.to_owned()));
        let directory = Path::new(DEFAULT_CONFIG_DIR);
        directories.extend(directory.is_dir().then(|| directory.to_owned()));
    }
    for directory in directories {
        let unreadable = |source| ConfigError::Unreadable {
            path: directory.clone(),
            source,
        };
        let mut found = Vec::new();
        for item in std::fs::read_dir(&directory).map_err(unreadable)? {
            let path = item.map_err(unreadable)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "conf")
            {
                found.push(path);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Normalized section name to the names of its options.
fn known_options() -> BTreeMap<String, BTreeSet<&'static str>> {
    Config::default()
        .sections()
        .into_iter()
        .map(|(name, section)| {
            let options = section.options().into_iter().map(|o| o.name).collect();
            (name.to_lowercase(), options)
        })
        .collect()
}

/// Removes what nobody reads and says so, each name once.
fn take_unknown(
    layers: &mut [Layer],
    known: &BTreeMap<String, BTreeSet<&'static str>>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut seen = BTreeSet::new();
    for layer in layers {
        layer.entries.retain(|entry| {
            let (name, warning) = match known.get(&entry.section) {
                Some(options) if options.contains(entry.option.as_str()) => return true,
                Some(_) => (
                    (entry.section.clone(), entry.option.clone()),
                    format!(
                        "unknown option {} in section [{}] is ignored ({})",
                        entry.option,
                        display_name(&entry.section),
                        entry.origin
                    ),
                ),
                None => (
                    (entry.section.clone(), String::new()),
                    format!(
                        "unknown section [{}] is ignored ({})",
                        entry.section, entry.origin
                    ),
                ),
            };
            if seen.insert(name) {
                warnings.push(warning);
            }
            false
        });
    }
    warnings
}

fn display_name(section: &str) -> String {
    if section == "default" {
        return "DEFAULT".to_owned();
    }
    section.to_owned()
}

/// Lays the layers over each other and reads every option.
fn assemble(layers: Vec<Layer>) -> Result<Config, ConfigError> {
    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let combined = builder.build()?;

    let mut config = Config::default();
    let mut raw: BTreeMap<OptionName, Vec<String>> = BTreeMap::new();
    let mut origins: BTreeMap<OptionName, String> = BTreeMap::new();
    for (section_name, section) in config.sections() {
        let key = section_name.to_lowercase();
        let mut given = match combined.get_table(&key) {
            Ok(table) => table,
            Err(config::ConfigError::NotFound(_)) => config::Map::new(),
            Err(error) => return Err(error.into()),
        };
        for option in section.options() {
            let name = (key.clone(), option.name.to_owned());
            let Some(value) = given.remove(option.name) else {
                raw.insert(name, vec![option.value]);
                continue;
            };
            let mut words = Vec::new();
            for word in value.into_array()? {
                if let Some(origin) = word.origin() {
                    origins.insert(name.clone(), origin.to_owned());
                }
                words.push(word.into_string()?);
            }
            raw.insert(name, words);
        }
    }

    let mut substitution = Substitution::new(&raw);
    let mut problems = Vec::new();
    for (section_name, section) in config.sections() {
        let key = section_name.to_lowercase();
        for option in section.options() {
            let name = (key.clone(), option.name.to_owned());
            // Defaults are values already.
            let Some(origin) = origins.get(&name) else {
                continue;
            };
            let outcome = substitution.resolve(&name).and_then(|words| {
                match section.set(option.name, &words) {
                    Some(Err(wrong)) if wrong.secret => Err(format!("expected a {}", wrong.kind)),
                    Some(Err(wrong)) => Err(format!(
                        "expected a {}, found '{}'",
                        wrong.kind,
                        words.join(",")
                    )),
                    Some(Ok(())) | None => Ok(()),
                }
            });
            if let Err(reason) = outcome {
                problems.push(Problem {
                    section: section_name.to_owned(),
                    option: option.name.to_owned(),
                    origin: Some(origin.clone()),
                    reason,
                });
            }
        }
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Values(problems))
    }
}
