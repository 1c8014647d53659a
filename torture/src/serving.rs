//! Whoever asks the explorer's server.

use crate::program::memory;
use crate::tally::Tally;
use crate::{Outcome, Torture, World};
use autoencoders::Rng;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::time::Duration;

pub(crate) const TITLE: &str = "requests to the explorer's server, right and wrong (other hosts, two hosts, other methods, paths that climb, headers without end, requests that break off), while others read nothing of what they asked for: its own page is answered, all else refused, and memory does not grow";

/// The server may grow by so much.
const GROWTH: u64 = 64 << 20;
/// Connections that ask and do not read: more than the server keeps open.
const SILENT: usize = 100;

pub(crate) fn run(torture: &Torture) -> Outcome<Tally> {
    let world = World::new(torture.world.program.clone())?.with_models()?;
    let words = ["explore", "digits.ae", "digits", "--no-browser"];
    let mut command = world.program.command(world.root(), &words, "");
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let Some(out) = server.stdout.take() else { return Err("the server says nothing".into()) };
    let mut line = String::new();
    let mut out = BufReader::new(out);
    out.read_line(&mut line)?;
    let address = line.split_whitespace().next().unwrap_or_default();
    let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut tally = Tally::default();
    let asked = asked(torture, &address, &mut tally, server.id());
    server.kill()?;
    server.wait()?;
    asked?;
    Ok(tally)
}

fn asked(torture: &Torture, address: &str, tally: &mut Tally, process: u32) -> Outcome<()> {
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    // Everything once, so that it is there.
    for path in ["/", "/scene.json", "/rows.bin", "/codes.bin", "/model.ae"] {
        let wrong = expected(answer(address, &get(path))?, "200");
        tally.add(format!("GET {path}"), wrong);
    }
    let early = memory(process, "VmRSS:");
    let mut silent = Vec::new();
    for at in 0..SILENT {
        let mut stream = TcpStream::connect(address)?;
        // What nobody takes is not waited for.
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        let path = ["/model.ae", "/rows.bin", "/scene.json"][at % 3];
        // Many questions at once, and no answer is read.
        let asked = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(50);
        stream.write_all(asked.as_bytes())?;
        silent.push(stream);
    }
    let mut rng = Rng::new(torture.seed).split("serving");
    let long = "x".repeat(20_000);
    while torture.goes_on(tally.tried) {
        let port = address.rsplit_once(':').map_or("", |(_, port)| port);
        let (request, wanted) = match rng.below(12) {
            0 => (get("/"), "200"),
            1 => (get("/codes.bin"), "200"),
            2 => (get("/").replace(address, &format!("evil.example:{port}")), "403"),
            3 => (
                get("/").replace("Host:", &format!("Host: evil.example\r\nHost: {address}\r\nX:")),
                "403",
            ),
            4 => (get("/").replacen("GET", "POST", 1), "405"),
            5 => (get("/../../../../etc/passwd"), "404"),
            6 => (get("/%2e%2e/%2e%2e/etc/passwd"), "404"),
            7 => (get(&format!("/{long}")), "4"),
            8 => (get("/").replace("Connection", &format!("X: {long}\r\nConnection")), "4"),
            9 => ("GET / HTTP/1.1\r\n\r\n".to_owned(), "403"),
            10 if rng.below(2) == 0 => (get("/")[..20].to_owned(), "4"),
            10 => ("\0\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
            _ => (get("/no-such-file"), "404"),
        };
        let first: String = request.chars().take(60).collect();
        let wrong = expected(answer(address, &request)?, wanted);
        tally.add(first, wrong);
    }
    let now = memory(process, "VmRSS:");
    if now > early + GROWTH {
        tally.found(format!("grew from {} to {} MB", early >> 20, now >> 20));
    }
    tally.note(format!("{} MB early on, {} MB at the end", early >> 20, now >> 20));
    drop(silent);
    Ok(())
}

/// The beginning of an answer; empty where the connection was closed without one.
fn answer(address: &str, request: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    // It may be closed before all is said.
    let _ = stream.write_all(request.as_bytes());
    if !request.ends_with("\r\n\r\n") {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut head = Vec::new();
    match stream.take(16).read_to_end(&mut head) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            return Ok("no answer in time".to_owned());
        }
        // A connection that is reset was closed.
        _ => {}
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn expected(answer: String, wanted: &str) -> Option<String> {
    let status = answer.strip_prefix("HTTP/1.1 ").unwrap_or_default();
    // A refusal may be a closed door.
    let closed = wanted.starts_with('4') && answer.is_empty();
    (!status.starts_with(wanted) && !closed)
        .then(|| format!("answered {answer:?}, wanted {wanted}"))
}
