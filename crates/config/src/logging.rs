//! Log lines: where they go, which are written, and that every line written
//! while a request is handled carries the request's id.
//!
//! The id is the field `req.id` of the span around a request. Spans pass the
//! filter up to level info whatever level the operator chose for messages:
//! with `log_level = warn` the one warning that is written must still say to
//! which request it belongs.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::ConfigError;
use crate::sections::General;

/// Our own crates, for `debug = true`: debug lines of HTTP and AMQP libraries
/// help nobody and may hold headers.
const OWN: [&str; 7] = [
    "tricircle",
    "nova_apigw",
    "cinder_apigw",
    "neutron_api",
    "admin_api",
    "xjob",
    "allinone",
];

/// Whatever else is to see the spans of a process, such as an exporter of traces.
pub type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// Sets up logging for the whole process; once, from `main`.
pub fn init(options: &General, listener: Option<Listener>) -> Result<(), ConfigError> {
    let failed = |reason: String| ConfigError::Logging(reason);
    let outcome = match &options.log_file {
        None => subscriber(options, std::io::stderr, listener)?.try_init(),
        Some(path) => {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map_err(|error| failed(format!("{}: {error}", path.display())))?;
            subscriber(options, Mutex::new(file), listener)?.try_init()
        }
    };
    outcome.map_err(|error| failed(error.to_string()))
}

/// What `init` installs, with any writer.
pub fn subscriber<W>(
    options: &General,
    writer: W,
    listener: Option<Listener>,
) -> Result<impl Subscriber + Send + Sync + use<W>, ConfigError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let chosen = filter(options).map_err(ConfigError::Logging)?;
    let spans = filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO)
        .with_max_level_hint(LevelFilter::INFO);
    // The default timer writes RFC 3339 in UTC.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(writer);
    let lines = match options.log_json {
        true => lines.json().flatten_event(true).boxed(),
        false => lines.boxed(),
    };
    let lines = lines.with_filter(chosen.or(spans));
    Ok(Registry::default().with(listener).with(lines))
}

/// The filter for messages, or why the option can not be read.
pub(crate) fn filter(options: &General) -> Result<EnvFilter, String> {
    let mut directives = options.log_level.clone();
    if options.debug {
        for own in OWN {
            directives.push_str(&format!(",{own}=debug"));
        }
    }
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(options: &General, log: impl FnOnce()) -> Vec<String> {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(options, move || writer.clone(), None).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = captured.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn in_a_request() {
        let request = tracing::info_span!("request", req.id = "req-1234");
        request.in_scope(|| {
            let inner = tracing::info_span!("realize", pod.name = "Pod1");
            inner.in_scope(|| tracing::info!("an information"));
            tracing::warn!("a warning");
            tracing::debug!(target: "tricircle_network", "a detail");
            tracing::debug!(target: "h2", "a frame");
        });
    }

    #[test]
    fn every_line_of_a_request_carries_its_id() {
        let lines = lines(&General::default(), in_a_request);
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.contains("req-1234"), "{line}");
            let year = &line[..4];
            assert!(year.parse::<u16>().is_ok() && line.contains("Z "), "{line}");
        }
    }

    #[test]
    fn a_line_of_json_has_message_fields_and_request() {
        let options = General {
            log_json: true,
            ..General::default()
        };
        let lines = lines(&options, in_a_request);
        let warning: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(warning["message"], "a warning");
        assert_eq!(warning["level"], "WARN");
        assert_eq!(warning["spans"][0]["req.id"], "req-1234");
    }

    #[test]
    fn a_stricter_level_does_not_cost_the_id() {
        let options = General {
            log_level: "warn".to_owned(),
            ..General::default()
        };
        let lines = lines(&options, in_a_request);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("req-1234") && lines[0].contains("a warning"));
    }

    #[test]
    fn debug_is_for_our_own_messages() {
        let options = General {
            debug: true,
            ..General::default()
        };
        let lines = lines(&options, in_a_request);
        assert!(lines.iter().any(|line| line.contains("a detail")));
        assert!(!lines.iter().any(|line| line.contains("a frame")));
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        let options = General {
            log_level: "info,tricircle=loud".to_owned(),
            ..General::default()
        };
        assert!(filter(&options).is_err());
    }
}
