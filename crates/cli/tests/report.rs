//! The report: what is in the page, and that nothing in it runs.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use html5gum::{Token, Tokenizer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

fn ae(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ae")).current_dir(folder).args(words).output().unwrap()
}

fn done(folder: &Path, words: &[&str]) -> Output {
    let output = ae(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// One tag of a page, with its attributes.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// The tags of a page in their order; each that opens is closed, in the right order.
fn tags(page: &str) -> Vec<Tag> {
    const VOID: [&str; 4] = ["meta", "img", "br", "hr"];
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut all, mut open) = (Vec::new(), Vec::new());
    for token in Tokenizer::new(page) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                if !VOID.contains(&name.as_str()) && !tag.self_closing {
                    open.push(name.clone());
                }
                let attributes =
                    tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                all.push(Tag { name, attributes });
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(text(&tag.name))),
            Token::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
    assert_eq!(open, Vec::<String>::new(), "tags left open");
    all
}

/// Nothing runs, nothing comes from elsewhere, and each picture says what it shows.
fn assert_harmless(page: &str) {
    for tag in tags(page) {
        assert_ne!(tag.name, "script");
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on"), "{name}={value}");
            if ["src", "href"].contains(&name.as_str()) {
                assert!(
                    value.starts_with("data:image/png;base64,") || value.starts_with('#'),
                    "{name}={}",
                    &value[..value.len().min(80)]
                );
            }
        }
        if tag.name == "img" {
            assert!(tag.attributes.get("alt").is_some_and(|alt| !alt.is_empty()));
        }
    }
}

fn headings(page: &str) -> Vec<String> {
    tags(page)
        .into_iter()
        .filter(|tag| tag.name == "section")
        .filter_map(|tag| tag.attributes.get("id").cloned())
        .collect()
}

#[test]
fn a_report_has_the_numbers_of_an_evaluation_and_its_sections() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["train", "digits", "--epochs", "5", "-o", "digits.ae", "--quiet"]);
    let eval: Value =
        serde_json::from_slice(&done(folder, &["eval", "digits.ae", "digits", "--json"]).stdout)
            .unwrap();
    done(folder, &["report", "digits.ae", "digits", "-o", "digits.html", "--png", "figures"]);
    let page = std::fs::read_to_string(folder.join("digits.html")).unwrap();
    assert_harmless(&page);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let shown: BTreeMap<String, f64> = tags(&page)
        .into_iter()
        .filter_map(|tag| {
            Some((
                tag.attributes.get("data-key")?.clone(),
                tag.attributes.get("data-value")?.parse().unwrap(),
            ))
        })
        .collect();
    assert_eq!(Some(shown["pca_mse"]), eval["pca"]["mse"].as_f64(), "{eval}");
    for key in ["mse", "mae", "explained_variance", "active_units", "rows"] {
        assert_eq!(Some(shown[key]), eval[key].as_f64(), "{key} of {eval}");
    }
    assert_eq!(
        headings(&page),
        [
            "training",
            "reconstructions",
            "anomalies",
            "the-code",
            "the-filters",
            "what-the-decoder-draws"
        ]
    );
    let figures = std::fs::read_dir(folder.join("figures")).unwrap().count();
    assert_eq!(figures, tags(&page).iter().filter(|tag| tag.name == "figure").count());
}

#[test]
fn the_same_model_and_rows_give_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["train", "digits", "--epochs", "2", "-o", "digits.ae", "--quiet", "--report"]);
    done(folder, &["report", "digits.ae", "digits", "-o", "again.html"]);
    done(folder, &["report", "digits.ae", "digits", "-o", "one.html", "--threads", "1"]);
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(page("digits.html") == page("again.html"));
    assert!(page("one.html") == page("again.html"), "on one thread");
}

#[test]
fn the_command_on_the_page_makes_the_same_model_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let words = [
        "--family",
        "sparse",
        "--latent",
        "12",
        "--set",
        "rho=0.1",
        "--epochs",
        "3",
        "--lr",
        "0.002",
        "--schedule",
        "step:2,0.5",
    ];
    done(
        folder,
        &[&["train", "digits", "-o", "first.ae", "--quiet", "--tied", "--report"], &words[..]]
            .concat(),
    );
    let page = std::fs::read_to_string(folder.join("first.html")).unwrap();
    let from = page.find("<code class=\"command\">").unwrap() + "<code class=\"command\">".len();
    let command = &page[from..from + page[from..].find('<').unwrap()];
    let mut again: Vec<&str> = command.split(' ').skip(1).collect();
    again.extend(["-o", "again.ae", "--quiet"]);
    done(folder, &again);
    assert!(
        std::fs::read(folder.join("first.ae")).unwrap()
            == std::fs::read(folder.join("again.ae")).unwrap(),
        "{command}"
    );
}

#[test]
fn models_are_compared_on_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["train", "digits", "--epochs", "2", "-o", "a.ae", "--quiet"]);
    done(folder, &["train", "digits", "--epochs", "2", "--latent", "3", "-o", "b.ae", "--quiet"]);
    done(folder, &["report", "a.ae", "b.ae", "digits", "-o", "both.html"]);
    let page = std::fs::read_to_string(folder.join("both.html")).unwrap();
    assert_harmless(&page);
    assert_eq!(headings(&page), ["side-by-side"]);
    assert!(page.contains("a.ae") && page.contains("b.ae"));
}

#[test]
fn text_from_data_is_never_markup() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let evil = "<script>alert(1)</script>";
    let mut table = format!("{evil},b\"&'><img src=x onerror=alert(2)>,c,kind\n");
    for row in 0..40 {
        table += &format!(
            "{},{},{},{}\n",
            row % 7,
            (row * row) % 11,
            row % 3,
            if row % 2 == 0 { "</figure><script>x</script>" } else { "b" }
        );
    }
    std::fs::write(folder.join("table.csv"), table).unwrap();
    done(
        folder,
        &[
            "train",
            "table.csv",
            "--label",
            "kind",
            "--latent",
            "2",
            "--epochs",
            "3",
            "-o",
            "m.ae",
            "--quiet",
        ],
    );
    done(folder, &["report", "m.ae", "table.csv", "--label", "kind", "-o", "m.html"]);
    let page = std::fs::read_to_string(folder.join("m.html")).unwrap();
    assert_harmless(&page);
    assert!(page.contains("&lt;script&gt;alert(1)"), "the column is named");
    assert_eq!(
        headings(&page),
        ["training", "reconstructions", "anomalies", "the-code", "the-filters"]
    );
}

#[test]
fn a_report_of_other_rows_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["train", "digits", "--epochs", "1", "-o", "digits.ae", "--quiet"]);
    std::fs::write(folder.join("table.csv"), "a,b\n1,2\n3,4\n5,6\n").unwrap();
    let refused = |words: &[&str], wanted: &str| {
        let output = ae(folder, words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(wanted), "{error}");
    };
    refused(&["report", "digits.ae", "table.csv"], "8x8");
    refused(&["report", "digits.ae", "digits", "-o", "page.pdf"], ".html");
    refused(&["report", "digits.ae", "table.csv", "--label", "species"], "species");
    done(folder, &["report", "digits.ae", "digits"]);
    refused(&["report", "digits.ae", "digits"], "--force");
    done(folder, &["report", "digits.ae", "digits", "--force"]);
    std::fs::create_dir(folder.join("mine")).unwrap();
    std::fs::write(folder.join("mine/map.png"), "mine").unwrap();
    refused(&["report", "digits.ae", "digits", "-o", "other.html", "--png", "mine"], "holds files");
    assert_eq!(std::fs::read(folder.join("mine/map.png")).unwrap(), b"mine");
}
