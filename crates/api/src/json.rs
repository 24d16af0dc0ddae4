//! JSON request bodies, with each service's own words for broken ones.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde_json::{Map, Value};

use crate::site::Site;
use crate::{Fault, FaultKind, FaultStyle, body};

/// A request body that is a JSON object, read as a whole.
///
/// Handlers of POST and PUT take it as an argument. An empty body is an empty
/// object to Neutron's and the admin API's handlers; Nova and Cinder refuse it.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonBody(pub Map<String, Value>);

impl JsonBody {
    /// The one member a create or update is wrapped in, such as `network`,
    /// which must be an object.
    pub fn member(&self, name: &str) -> Result<&Map<String, Value>, Fault> {
        match self.0.get(name) {
            Some(Value::Object(member)) => Ok(member),
            _ => Err(Fault::bad_request(format!(
                "Unable to find '{name}' in request body"
            ))),
        }
    }

    /// The whole body as a value.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl FromRequest for JsonBody {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Fault>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let site = Site::of(request);
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let payload = payload.take();
        Box::pin(async move {
            let site = site?;
            let bytes = read(payload, site.max_body()).await?;
            parse(site.style(), &content_type, &bytes).map(Self)
        })
    }
}

/// Reads a body of at most `max` bytes.
pub async fn read(mut payload: Payload, max: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| match error {
            PayloadError::Overflow => body::too_large(),
            _ => Fault::bad_request("The request body could not be read.").with_detail(error),
        })?;
        if bytes.len().saturating_add(piece.len()) > max {
            return Err(body::too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Parses a body that must be an object.
pub fn parse(
    style: FaultStyle,
    content_type: &str,
    bytes: &[u8],
) -> Result<Map<String, Value>, Fault> {
    let lenient = matches!(style, FaultStyle::Neutron | FaultStyle::Admin);
    if bytes.is_empty() {
        return if lenient {
            Ok(Map::new())
        } else {
            Err(Fault::bad_request("None is not of type 'object'"))
        };
    }
    if style == FaultStyle::Cinder && !is_json(content_type) {
        return Err(Fault::new(
            FaultKind::UnsupportedMediaType,
            "Unsupported Content-Type",
        ));
    }
    let malformed = match style {
        FaultStyle::Nova | FaultStyle::Cinder | FaultStyle::Admin => "Malformed request body",
        FaultStyle::Neutron => "Body contains invalid data",
    };
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(match style {
            FaultStyle::Nova | FaultStyle::Cinder => {
                Fault::bad_request(format!("{} is not of type 'object'", python_repr(&other)))
            }
            FaultStyle::Neutron | FaultStyle::Admin => Fault::bad_request(malformed),
        }),
        Err(_) => Err(Fault::bad_request(malformed)),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.is_empty()
        || essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/vnd.openstack.volume") && essence.ends_with("json"))
}

/// A value as Python prints it: validation messages of the real services quote
/// values so.
pub fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => python_str(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", python_str(name), python_repr(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn python_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(style: FaultStyle, content_type: &str, bytes: &[u8]) -> (u16, String) {
        let fault = parse(style, content_type, bytes).unwrap_err();
        (fault.status().as_u16(), fault.message().to_owned())
    }

    #[test]
    fn broken_bodies_are_refused_in_each_services_words() {
        use FaultStyle::*;
        let json = "application/json";
        for (style, content_type, body, status, message) in [
            (Nova, json, "{bad", 400, "Malformed request body"),
            (Nova, "text/plain", "x", 400, "Malformed request body"),
            (Nova, json, "", 400, "None is not of type 'object'"),
            (Nova, json, "[]", 400, "[] is not of type 'object'"),
            (
                Nova,
                json,
                "[\"it's\"]",
                400,
                "[\"it's\"] is not of type 'object'",
            ),
            (Cinder, json, "{bad", 400, "Malformed request body"),
            (Cinder, "text/plain", "x", 415, "Unsupported Content-Type"),
            (Cinder, json, "[]", 400, "[] is not of type 'object'"),
            (Neutron, json, "{bad", 400, "Body contains invalid data"),
            (Neutron, json, "[]", 400, "Body contains invalid data"),
            (Admin, json, "{bad", 400, "Malformed request body"),
        ] {
            assert_eq!(
                refusal(style, content_type, body.as_bytes()),
                (status, message.to_owned()),
                "{style:?} {body}"
            );
        }
        assert_eq!(refusal(Nova, json, b"\xff\xfe").0, 400);
        let deep = "[".repeat(100_000);
        assert_eq!(refusal(Nova, json, deep.as_bytes()).0, 400);
    }

    #[test]
    fn an_object_passes_and_its_member_is_found_or_named() {
        let body =
            JsonBody(parse(FaultStyle::Neutron, "", br#"{"network": {"name": "n"}}"#).unwrap());
        assert_eq!(body.member("network").unwrap()["name"], json!("n"));
        assert_eq!(
            body.member("port").unwrap_err().message(),
            "Unable to find 'port' in request body"
        );
        assert!(parse(FaultStyle::Neutron, "", b"").unwrap().is_empty());
    }

    #[test]
    fn values_read_as_in_python() {
        assert_eq!(
            python_repr(&json!({"a": [1, null, true], "b": "x\ny"})),
            "{'a': [1, None, True], 'b': 'x\\ny'}"
        );
    }
}
