//! The inputs of `corpus/`, and what reads them without a service around it: each is
//! accepted or refused, in time, and nothing else.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tricircle_api::FaultStyle;
use tricircle_config::{CommonArgs, Config, KeystoneAuthtoken, SecretString};
use tricircle_keystone::Keystone;
use tricircle_network::resource::tables;
use tricircle_policy::{Enforcer, PolicyFile, defaults};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name)
}

/// The lines of a file that are no comments.
pub fn file_lines(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// The files of a folder: name and content, in order.
pub fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(path(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} is empty");
    let read = |file: PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(&file).unwrap())
    };
    files.into_iter().map(read).collect()
}

#[test]
fn bodies_are_objects_or_refused() {
    for (name, bytes) in folder("bodies") {
        for style in [
            FaultStyle::Nova,
            FaultStyle::Cinder,
            FaultStyle::Neutron,
            FaultStyle::Admin,
        ] {
            if let Err(fault) = tricircle_api::json::parse(style, "application/json", &bytes) {
                let status = fault.status().as_u16();
                assert!((400..500).contains(&status), "{name}: {status}");
            }
        }
        for resource in tables::ALL {
            for error in [
                resource.parse_create(&bytes, "p", false).err(),
                resource.parse_update(&bytes, "p", true).err(),
            ]
            .into_iter()
            .flatten()
            {
                assert!((400..500).contains(&error.status), "{name}: {error:?}");
            }
        }
    }
}

#[test]
fn configuration_files_are_read_or_refused() {
    for (name, bytes) in folder("ini") {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(&name);
        std::fs::write(&file, bytes).unwrap();
        let arguments = CommonArgs {
            config_file: vec![file],
            ..CommonArgs::default()
        };
        if let Err(error) = Config::load_with(&arguments, []) {
            let text = error.to_string();
            assert!(text.len() < 100_000, "{name}: {} bytes of text", text.len());
        }
    }
}

#[test]
fn policy_files_are_put_in_force_or_refused() {
    for (name, bytes) in folder("policy") {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(&name);
        std::fs::write(&file, bytes).unwrap();
        if let Ok(read) = PolicyFile::read(&file) {
            let _ = Enforcer::new(&defaults::all(), &read);
        }
    }
}

/// A Keystone that says one thing to everybody.
async fn keystone_that_says(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = body.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 65_536]).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Subject-Token: t\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn what_keystone_says_makes_nobody_an_user_by_accident() {
    for (name, body) in folder("tokens") {
        let config = KeystoneAuthtoken {
            auth_url: keystone_that_says(body).await,
            password: SecretString::from("secret"),
            http_request_max_retries: 0,
            ..KeystoneAuthtoken::default()
        };
        let keystone = Keystone::new(&config).unwrap();
        let asked = async { (keystone.validate("x").await, keystone.catalog().await) };
        let asked = tokio::time::timeout(Duration::from_secs(30), asked).await;
        let (token, catalog) = asked.unwrap_or_else(|_| panic!("{name}: hangs"));
        assert!(token.is_err(), "{name}: {token:?}");
        assert!(catalog.is_err(), "{name}: {catalog:?}");
    }
}
