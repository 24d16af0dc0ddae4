//! A reverse proxy that plays faults: real pods lose replies, hang and fail on demand.
//!
//! It stands in front of one service of a pod and speaks plain HTTP/1.1 over sockets of
//! its own, because the faults are about sockets: a connection that is reset in place of
//! an answer, or kept and never answered. The rules are the simulated pods' own
//! ([`Faults`]), so that one scenario plays on both.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use tricircle_pod_sim::{Fault, Faults, Service};

/// Headers that are between two neighbours only, or that the length of what is passed on
/// decides.
const NOT_PASSED_ON: [&str; 5] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "transfer-encoding",
];

/// A call that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The status of the service's answer; none where it was not asked.
    pub status: Option<u16>,
    /// The fault that was played.
    pub fault: Option<String>,
}

/// The proxy. It ends with this value.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    journal: Arc<Mutex<Vec<Passed>>>,
    _listening: AbortOnDropHandle<()>,
}

struct Way {
    service: Service,
    /// Scheme, host and port of the service.
    origin: String,
    http: reqwest::Client,
    faults: Faults,
    journal: Arc<Mutex<Vec<Passed>>>,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl FaultProxy {
    /// In front of the service at this URL (what follows its port is ignored).
    pub async fn before(service: Service, url: &str, faults: &Faults) -> Self {
        let url = url::Url::parse(&url.replace("$(", "").replace(")s", "")).unwrap();
        let origin = url.origin().ascii_serialization();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let journal = Arc::default();
        let way = Arc::new(Way {
            service,
            origin,
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            faults: faults.clone(),
            journal: Arc::clone(&journal),
        });
        let listening = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let way = Arc::clone(&way);
                tokio::spawn(async move {
                    // How a connection ends is between the two who have it.
                    let _ = serve(&way, socket).await;
                });
            }
        });
        Self {
            url: own,
            journal,
            _listening: AbortOnDropHandle::new(listening),
        }
    }

    /// Its scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The calls so far.
    pub fn journal(&self) -> Vec<Passed> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.clone()
    }
}

async fn serve(way: &Way, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::new(socket);
    while let Some(request) = read(&mut socket).await? {
        let path = request.target.split('?').next().unwrap_or_default();
        let fault = way.faults.take(way.service, &request.method, path);
        let status = |reply: &Option<Reply>| reply.as_ref().map(|reply| reply.status);
        let note = |status: Option<u16>| {
            let passed = Passed {
                method: request.method.clone(),
                target: request.target.clone(),
                status,
                fault: fault.as_ref().map(|fault| format!("{fault:?}")),
            };
            let mut journal = way.journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.push(passed);
        };
        let asked = match &fault {
            Some(Fault::Status(..) | Fault::ResetBefore | Fault::HangForever) => None,
            Some(Fault::DelayThen(time)) => {
                tokio::time::sleep(*time).await;
                Some(ask(way, &request).await)
            }
            _ => Some(ask(way, &request).await),
        };
        note(asked.as_ref().and_then(status));
        let reply = match fault {
            Some(Fault::Status(code, body) | Fault::CommitThenStatus(code, body)) => {
                Some(Reply::json(code, &body))
            }
            Some(Fault::ResetBefore | Fault::DropReplyAfterCommit) => None,
            Some(Fault::HangForever) => return std::future::pending().await,
            Some(Fault::CommitThenDelay(time)) => {
                tokio::time::sleep(time).await;
                asked.flatten()
            }
            _ => asked.flatten(),
        };
        let Some(reply) = reply else {
            // Dropped with data unread or lingering at zero, it is a reset.
            return socket.get_ref().set_zero_linger();
        };
        write(socket.get_mut(), &request, reply).await?;
    }
    Ok(())
}

/// What the service answers; none if it is not there.
async fn ask(way: &Way, request: &Request) -> Option<Reply> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).ok()?;
    let url = format!("{}{}", way.origin, request.target);
    let mut call = way.http.request(method, url);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let answer = call.body(request.body.clone()).send().await.ok()?;
    let passed_on = |name: &str| !NOT_PASSED_ON.contains(&name);
    Some(Reply {
        status: answer.status().as_u16(),
        headers: answer
            .headers()
            .iter()
            .filter(|(name, _)| passed_on(name.as_str()))
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body: answer.bytes().await.ok()?.to_vec(),
    })
}

impl Reply {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: body.to_string().into_bytes(),
        }
    }
}

/// The next request; none when the caller is done.
async fn read(socket: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let Some(first) = line(socket).await? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let (mut length, mut chunked) = (0, false);
    while let Some(header) = line(socket).await?.filter(|line| !line.is_empty()) {
        let Some((name, value)) = header.split_once(':') else {
            continue;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
        if !NOT_PASSED_ON.contains(&name.as_str()) {
            request.headers.push((name, value));
        }
    }
    if chunked {
        while let Some(size) = line(socket).await? {
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
            take(socket, size, &mut request.body).await?;
            line(socket).await?;
            if size == 0 {
                break;
            }
        }
    } else {
        take(socket, length, &mut request.body).await?;
    }
    Ok(Some(request))
}

async fn take(
    socket: &mut BufReader<TcpStream>,
    length: usize,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    let from = into.len();
    into.resize(from + length, 0);
    socket.read_exact(&mut into[from..]).await?;
    Ok(())
}

/// A line without its end; none at the end of the connection.
async fn line(socket: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if socket.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn write(socket: &mut TcpStream, request: &Request, reply: Reply) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {} -\r\n", reply.status).into_bytes();
    for (name, value) in &reply.headers {
        text.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    let bodiless = request.method == "HEAD" || [204, 304].contains(&reply.status);
    if !bodiless {
        text.extend(format!("content-length: {}\r\n", reply.body.len()).into_bytes());
    }
    text.extend(b"\r\n");
    if !bodiless {
        text.extend(reply.body);
    }
    socket.write_all(&text).await
}
