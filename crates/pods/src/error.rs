//! What can go wrong with a call to a pod.

/// A call to a pod that did not give what was wanted.
#[derive(Debug, thiserror::Error)]
pub enum PodError {
    /// No pod with this id or region is registered, or it is disabled.
    #[error("pod {0} is not known or is disabled")]
    Unknown(String),
    /// The pod's region has no endpoint of this service in Keystone's catalog.
    #[error("pod {pod} has no {service} endpoint")]
    NoEndpoint {
        /// Region of the pod.
        pod: String,
        /// Service type.
        service: &'static str,
    },
    /// The connection could not be made: the call surely had no effect.
    #[error("pod {pod} can not be reached")]
    Unreachable {
        /// Region of the pod.
        pod: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke, or no answer came in time: the call may have taken effect.
    #[error("pod {pod} gave no answer")]
    NoAnswer {
        /// Region of the pod.
        pod: String,
    },
    /// The service did not answer the last calls and is not asked until a probe finds it
    /// well: the call was not made.
    #[error("pod {pod} is not asked: its {service} service did not answer lately")]
    Down {
        /// Region of the pod.
        pod: String,
        /// Service type.
        service: &'static str,
    },
    /// This process has as many calls under way in the pod, or as much of its answers in
    /// memory, as it may: the call was not made, or its answer not read.
    #[error("too much is under way in pod {pod}")]
    Busy {
        /// Region of the pod.
        pod: String,
    },
    /// The pod answered with an error status.
    #[error("pod {pod} answered {code}: {message}")]
    Status {
        /// Region of the pod.
        pod: String,
        /// HTTP status.
        code: u16,
        /// The fault's message, or the first part of the body.
        message: String,
        /// The name of the fault (`itemNotFound`, a Neutron exception, …); may be empty.
        fault: String,
        /// The whole body when it was JSON, to pass a fault on as it is.
        body: serde_json::Value,
        /// `Retry-After` in seconds, where the pod sent one.
        retry_after: Option<u64>,
    },
    /// The answer is not what the API says.
    #[error("pod {pod} gave a malformed answer: {why}")]
    Malformed {
        /// Region of the pod.
        pod: String,
        /// What was wrong.
        why: String,
    },
    /// No token that is good in the pod could be had.
    #[error("no token for pod {pod}")]
    Auth {
        /// Region of the pod.
        pod: String,
        /// Why.
        #[source]
        source: tricircle_keystone::KeystoneError,
    },
    /// How this pod knows users is not supported yet.
    #[error("pod {0} uses an authentication mode that is not supported yet")]
    AuthMode(String),
}

impl PodError {
    /// What the HTTP client says when there is no answer.
    pub(crate) fn of_transport(pod: &str, error: reqwest::Error) -> Self {
        let pod = pod.to_owned();
        if error.is_connect() || error.is_builder() {
            let source = error.without_url();
            return Self::Unreachable { pod, source };
        }
        Self::NoAnswer { pod }
    }

    /// Region of the pod that it is about.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Unknown(_) => None,
            Self::NoEndpoint { pod, .. }
            | Self::Unreachable { pod, .. }
            | Self::NoAnswer { pod }
            | Self::Down { pod, .. }
            | Self::Busy { pod }
            | Self::Status { pod, .. }
            | Self::Malformed { pod, .. }
            | Self::Auth { pod, .. }
            | Self::AuthMode(pod) => Some(pod),
        }
    }

    /// HTTP status that the pod gave, if it gave one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// 404.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// 409.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// 400, 403, 404, 409, …: the pod understood and refused; asking again is no use.
    pub fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(code) if (400..500).contains(&code) && code != 429 && code != 401)
    }

    /// Nobody knows whether the call took effect: look before doing it again.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Malformed { .. } => true,
            Self::Status { code, .. } => *code >= 500,
            _ => false,
        }
    }

    /// The pod is away or unwell, and may be back later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Down { .. }
            | Self::Busy { .. }
            | Self::Auth { .. } => true,
            Self::Status { code, .. } => *code >= 500 || matches!(*code, 401 | 429),
            _ => false,
        }
    }

    /// Nothing can be had from the pod at all.
    pub fn is_down(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Down { .. } | Self::Unknown(_)
        )
    }
}
