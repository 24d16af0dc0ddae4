//! Options of the processes themselves: logging, limits, state, listening.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::section::section;

section! {
    /// Options of every program.
    General {
        /// The message broker that wakes the job workers, as
        /// `rabbit://user:password@host:port/vhost`; several brokers of a
        /// cluster are separated by commas. Empty: no broker, workers in other
        /// processes find new jobs by polling.
        transport_url: SecretString = SecretString::from(""),
        /// Log Tricircle's own messages at level debug.
        debug: bool = false,
        /// Which messages are logged: a level (error, warn, info, debug,
        /// trace), or levels per module such as `info,tricircle_network=debug`.
        log_level: String = "info".to_owned(),
        /// The file that log lines are appended to. Empty: standard error.
        log_file: Option<PathBuf> = None,
        /// Write each log line as one JSON object.
        log_json: bool = false,
        /// The largest request body in bytes that is read into memory; larger
        /// ones are refused with code 413.
        max_request_body_size: usize = 114_688,
        /// How long a stopping process waits for requests and jobs under way.
        shutdown_timeout: Duration = Duration::from_secs(30),
        /// Take the client's address and the scheme of links from the
        /// X-Forwarded-* headers. Only behind a proxy that sets them itself.
        use_forwarded_headers: bool = false,
    }
}

section! {
    /// Where the state is kept. MariaDB or MySQL for anything that matters,
    /// SQLite for trying out in one process.
    Database {
        /// The database as a URL: `mysql://user:password@host:port/name` (the
        /// forms `mysql+pymysql://` and `mariadb+pymysql://` and a `?charset=`
        /// are accepted too) or `sqlite:///path`.
        connection: SecretString =
            SecretString::from("sqlite:////var/lib/tricircle/tricircle.sqlite"),
        /// The most connections one process opens.
        max_pool_size: usize = 8,
        /// How long an operation may take, the wait for a free connection, for
        /// locks and for the answer included, before a request is answered
        /// with code 503.
        pool_timeout: Duration = Duration::from_secs(5),
    }
}

section! {
    /// Who may do what.
    OsloPolicy {
        /// A file with rules that replace defaults, one `"rule": "check"` a
        /// line. If it does not exist the defaults are in force.
        policy_file: PathBuf = PathBuf::from("/etc/tricircle/policy.yaml"),
    }
}

section! {
    /// Traces for a collector of OpenTelemetry's protocol.
    OpenTelemetry {
        /// Where OTLP over HTTP is taken, for example
        /// `http://collector:4318`. Empty: nothing is sent.
        endpoint: String = String::new(),
        /// Of how many requests in a hundred the trace is sent.
        sample_percent: u32 = 100,
    }
}

section! {
    /// The job engine: how the work that outlives a request is carried out.
    Jobs {
        /// How many jobs one process runs at a time.
        workers: usize = 4,
        /// How long a worker owns a job without a sign of life. After that
        /// another worker takes it over.
        lease: Duration = Duration::from_secs(30),
        /// How often workers look for jobs without being woken.
        poll_interval: Duration = Duration::from_secs(5),
        /// How long a create may stay unfinished before a worker finishes it or
        /// undoes it. More than the longest create.
        create_grace: Duration = Duration::from_secs(120),
        /// The wait before the first retry of a failed job; it doubles with
        /// each further one.
        retry_base: Duration = Duration::from_secs(1),
        /// The longest wait between two tries.
        retry_max: Duration = Duration::from_secs(300),
        /// How long finished jobs are kept for the operator to see.
        keep_finished: Duration = Duration::from_secs(86_400),
        /// How long it is remembered where deleted servers and volumes were.
        keep_deleted: Duration = Duration::from_secs(604_800),
    }
}

section! {
    /// Where this service listens.
    Service {
        /// The address to listen on.
        bind_host: String = "0.0.0.0".to_owned(),
        /// The port to listen on. For xjob, which answers health and metrics
        /// only, 0 means not to listen.
        bind_port: u16 = 0,
        /// The number of worker threads. 0: one per core.
        workers: usize = 0,
        /// The URL users see in front of this service, put into links. Empty:
        /// taken from each request.
        public_endpoint: String = String::new(),
    }
}

impl Service {
    /// A service with defaults on the given port.
    pub fn on_port(bind_port: u16) -> Self {
        Self {
            bind_port,
            ..Self::default()
        }
    }
}
