//! One call of the list, and how it is written down.

use serde_json::Value;

/// How much of an answer is compared with a real pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Code, version headers, key shape and fault text.
    Full,
    /// All but the text of a fault.
    Shape,
    /// Code and version headers.
    Code,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Step {
    pub who: &'static str,
    pub method: &'static str,
    pub url: String,
    pub version: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Option<String>,
    pub code: u16,
    pub check: Check,
    /// Keep the string at this place under this name.
    pub save: Option<(&'static str, &'static str)>,
    /// Repeat until the value at this place is this one; an empty place is the code.
    pub until: Option<(&'static str, Value)>,
}

impl Step {
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    pub fn raw(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub fn at(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn save(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.save = Some((name, pointer));
        self
    }

    pub fn until(mut self, pointer: &'static str, wanted: Value) -> Self {
        self.until = Some((pointer, wanted));
        self
    }

    /// Compares code and headers only.
    pub fn code_only(mut self) -> Self {
        self.check = Check::Code;
        self
    }

    /// Does not compare a fault's text.
    pub fn any_text(mut self) -> Self {
        self.check = Check::Shape;
        self
    }
}

pub fn call(who: &'static str, method: &'static str, url: &str, code: u16) -> Step {
    Step {
        who,
        method,
        url: url.to_owned(),
        version: "",
        headers: Vec::new(),
        body: None,
        code,
        check: Check::Full,
        save: None,
        until: None,
    }
}

pub fn get(who: &'static str, url: &str, code: u16) -> Step {
    call(who, "GET", url, code)
}

pub fn post(who: &'static str, url: &str, code: u16, body: Value) -> Step {
    call(who, "POST", url, code).body(body)
}

pub fn put(who: &'static str, url: &str, code: u16, body: Value) -> Step {
    call(who, "PUT", url, code).body(body)
}

pub fn delete(who: &'static str, url: &str, code: u16) -> Step {
    call(who, "DELETE", url, code)
}
