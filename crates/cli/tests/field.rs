//! Files as people have them: each is read right, or refused with an option that then works.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What `ae data --json` tells of a file in the folder `field`, by the words that read it.
fn data(words: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field");
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args(["data", "--json", "--quiet"])
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "ae data {words}: {error}");
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Runs `ae` in a folder: what it prints and what it warns of.
fn ae(folder: &Path, words: &str) -> (String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "ae {words}: {}", text(&run.stderr));
    (text(&run.stdout), text(&run.stderr))
}

/// What is said to a command that is refused.
fn refused(folder: &Path, words: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(!run.status.success(), "ae {words}");
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// A folder with some of the files.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(file);
        std::fs::copy(from, folder.path().join(file)).unwrap();
    }
    folder
}

/// `name:kind` for each column, and how many rows.
fn columns(data: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let column = |column: &Value| format!("{}:{}", text(&column["name"]), text(&column["kind"]));
    let columns: Vec<String> = data["columns"].as_array().unwrap().iter().map(column).collect();
    format!("{} of {}", data["rows"], columns.join(", "))
}

#[test]
fn files_are_read_as_what_they_are() {
    for (words, wanted) in [
        (
            "01_nohdr_cat.csv",
            "100 of column 1:numeric, column 2:numeric, column 3:categorical, column 4:numeric",
        ),
        (
            "01_nohdr_cat.csv --id 1",
            "100 of column 2:numeric, column 3:categorical, column 4:numeric",
        ),
        ("05_no_header.csv", "200 of column 1:numeric, column 2:numeric, column 3:numeric"),
        ("06_duplicate_names.csv", "200 of a:numeric, b:numeric, a (2):numeric"),
        ("07_year_header.csv", "100 of country:categorical, 2019:numeric, 2020:numeric"),
        ("08_us_dates_refused.csv", "300 of when:date, x:numeric, y:numeric"),
        ("08_us_monthly_read_as_days.csv", "72 of month:date, sales:numeric"),
        ("08_two_digit_year.csv", "300 of when:date, x:numeric, y:numeric"),
        ("08_ampm_is_text.csv", "300 of when:date, x:numeric, y:numeric"),
        ("09_dash_is_missing.csv", "200 of v:numeric, w:numeric"),
        ("12_pipe.csv", "100 of a:numeric, b:numeric, c:numeric"),
        ("12_space.csv", "100 of a:numeric, b:numeric, c:numeric"),
        ("12_latin1_header.csv", "100 of größe:numeric, breite:numeric, länge:numeric"),
        ("12_log_lines_with_commas.log", "3 of time:date, line:categorical"),
        ("report03_pipe.csv", "40 of age:numeric, bp:numeric, bmi:numeric"),
        ("report03_blank.csv", "40 of age:numeric, bp:numeric, bmi:numeric"),
        (
            "report03_blank-no-header.txt",
            "40 of column 1:numeric, column 2:numeric, column 3:numeric",
        ),
        ("report03_blanks-and-tabs.data", "30 of mpg:numeric, weight:numeric, name:text"),
        ("report03_comma-decimals.csv", "40 of age:numeric, bp:numeric, bmi:numeric"),
        (
            "report03_pipe-with-words.csv",
            "40 of age:numeric, bp:numeric, bmi:numeric, note:categorical, day:date",
        ),
        ("report04_two-digit-years.csv", "120 of when:date, v:numeric"),
        ("report04_unseen-dates.csv", "200 of a:date, b:date, c:date, d:date, e:time, f:numeric"),
        ("report05_names.csv", "60 of name:categorical, v:numeric"),
        ("report06_backslash-n.csv", "300 of sensor:numeric, b:numeric"),
        ("report06_dash.csv", "300 of sensor:numeric, b:numeric"),
        ("report06_excel.csv", "300 of sensor:numeric, b:numeric"),
        ("report06_pandas-na.csv", "300 of sensor:numeric, b:numeric"),
        ("report06_infinity.csv --missing inf,-inf", "300 of sensor:numeric, b:numeric"),
        ("report12_blank-before-quotes.csv", "40 of a:categorical, b:numeric, c:numeric"),
        ("report12_comment-line.csv", "40 of a:numeric, b:numeric, c:numeric"),
        (
            "report12_repeated-names.csv --id Accession",
            "60 of Gene:text, 1:numeric, call:categorical, 2:numeric, call (2):categorical",
        ),
        ("09_euro_is_text.csv --column v=numeric", "200 of v:numeric, w:numeric"),
        ("09_thousands_integers.csv --column pop=numeric", "100 of pop:numeric, x:numeric"),
        ("13_train_int_category.csv --only pclass,sex", "891 of pclass:numeric, sex:categorical"),
        ("13_train_int_category.csv --drop sex --only pclass,sex", "891 of pclass:numeric"),
    ] {
        let data = data(words);
        assert_eq!(data["refused"], Value::Null, "{words}");
        assert_eq!(columns(&data), wanted, "{words}");
    }
}

#[test]
fn dates_are_those_that_were_meant() {
    let days = |words: &str, column: usize| {
        let data = data(words);
        let of = |what: &str| data["columns"][column][what].as_f64().unwrap();
        [of("min"), of("max")]
    };
    // Days since 1970: 1 January and 29 March 2023, 1 January 2018 and 1 December 2023.
    assert_eq!(days("08_us_dates_refused.csv", 0), [19_358.0, 19_445.0]);
    assert_eq!(days("08_two_digit_year.csv", 0), [19_358.0, 19_445.0]);
    assert_eq!(days("08_us_monthly_read_as_days.csv --month-first", 0), [17_532.0, 19_692.0]);
    let format = "08_us_monthly_read_as_days.csv --date-format %m/%d/%Y";
    assert_eq!(days(format, 0), [17_532.0, 19_692.0]);
    // 7 in the morning and 2 in the afternoon.
    let [first, last] = days("08_ampm_is_text.csv", 0);
    assert_eq!((first, last > 19_445.0), (19_358.0, true));
    assert_eq!(days("report04_two-digit-years.csv", 0)[0], 18_628.0);
}

#[test]
fn what_cannot_be_decided_is_said_or_refused_with_options_that_work() {
    for (words, wanted) in [
        ("08_us_monthly_read_as_days.csv", "--month-first"),
        ("08_two_digit_year.csv", "years of two digits"),
        ("09_dash_is_missing.csv", "\"-\" is taken for a missing value"),
        ("09_euro_is_text.csv", "--column v=numeric"),
        // Other columns tell which mark stands before decimals.
        ("09_thousands_integers.csv", "take 886440 and its like with --column pop=numeric, or the"),
        ("report06_infinity.csv", "--missing inf,-inf"),
        ("12_latin1_header.csv", "read as windows-1252"),
        ("12_log_lines_with_commas.log", "one text"),
        ("04_fill_changes_known_cells.csv", "big has whole numbers too large to be told apart"),
        ("report04_unseen-dates.csv", "c is read as dates (20010101)"),
    ] {
        let data = data(words);
        let said = format!("{} {}", data["refused"], data["warnings"]).replace("\\\"", "\"");
        assert!(said.contains(wanted), "{words}: {said}");
    }
}

#[test]
fn what_is_worth_a_look_is_said() {
    let checks = |words: &str| data(words)["checks"].to_string();
    for (words, wanted) in [
        ("report06_marks.csv", "75 times exactly -200, far below the rest; --missing -200"),
        ("report04_unseen-dates.csv", "f looks like seconds since 1970 (from 2016-07-24 16:00:00)"),
        ("report13_flows.csv", "--column dst_bytes=count,count=count"),
        ("02_twice.csv", "1 of 502 rows is an exact copy of another"),
        ("03_one_typo_diverges.csv", "ten thousand times larger"),
    ] {
        let said = checks(words);
        assert!(said.contains(wanted), "{words}: {said}");
    }
    // Classes and codes are no codes for missing.
    let said = checks("13_train_int_category.csv");
    assert!(!said.contains("code for missing"), "{said}");
    let missing = data("report06_marks.csv --missing -200");
    assert_eq!(missing["columns"][0]["missing"], 75);
}

#[test]
fn series_are_read_with_the_options_that_are_advised() {
    for (file, advised) in [
        ("11_series_with_empty_cells.csv --window 12", "--gaps fill"),
        ("11_jitter_resample_ns.csv --window 12", "--resample 1min and --gaps fill"),
        ("11_panel_of_sensors.csv --window 12", "--group sensor"),
    ] {
        let refused = data(file)["refused"].to_string();
        assert!(refused.contains(advised), "{file}: {refused}");
        let advised = advised.replace(" and", "");
        let followed = data(&format!("{file} {advised}"));
        assert_eq!(followed["refused"], Value::Null, "{file} {advised}");
    }
}

/// A table of points, one for each line that `of` gives.
fn points(header: &str, count: usize, of: impl Fn(usize) -> String) -> String {
    let lines: Vec<String> = (0..count).map(of).collect();
    format!("{header}\n{}\n", lines.join("\n"))
}

/// What `ae info` tells of the series of a model.
fn series_of(folder: &Path, model: &str) -> Value {
    let (out, _) = ae(folder, &format!("info {model} --json"));
    serde_json::from_str::<Value>(&out).unwrap()["series"].clone()
}

#[test]
fn windows_hold_points_of_one_machine() {
    let place = folder(&["11_panel_of_sensors.csv"]);
    let train = "train 11_panel_of_sensors.csv --window 12 --group sensor --epochs 3";
    ae(place.path(), &format!("{train} --latent 2 -o m.ae --quiet"));
    assert_eq!(series_of(place.path(), "m.ae")["group"], serde_json::json!(["sensor"]));
    ae(place.path(), "encode m.ae 11_panel_of_sensors.csv -o codes.csv --quiet");
    let codes = std::fs::read_to_string(place.path().join("codes.csv")).unwrap();
    let of = |sensor: &str| codes.lines().filter(|line| line.starts_with(sensor)).count();
    // 500 points each.
    assert_eq!(["A 2023-", "B 2023-", "C 2023-"].map(of), [489; 3]);
}

#[test]
fn two_columns_may_tell_series_apart_together() {
    let place = folder(&[]);
    let point = |at: usize| {
        let (time, machine) = (at / 4, at % 4);
        let (site, machine) = (["A", "B"][machine / 2], machine % 2 + 1);
        format!("2024-01-01 {:02}:{:02},{site},{machine},{}.5", time / 60, time % 60, at % 7)
    };
    std::fs::write(place.path().join("two.csv"), points("when,site,machine,v", 800, point))
        .unwrap();
    let error = refused(place.path(), "train two.csv --window 8 --epochs 1 -o m.ae --quiet");
    assert!(error.contains("choose --group site --group machine, which together tell"), "{error}");
    let train = "train two.csv --window 8 --group site --group machine --epochs 1 --latent 2";
    ae(place.path(), &format!("{train} -o m.ae --quiet"));
    ae(place.path(), "encode m.ae two.csv -o codes.csv --quiet");
    let codes = std::fs::read_to_string(place.path().join("codes.csv")).unwrap();
    let of = |machine: &str| codes.lines().filter(|line| line.starts_with(machine)).count();
    // 200 points each.
    assert_eq!(["A 1 2024-", "A 2 2024-", "B 1 2024-", "B 2 2024-"].map(of), [193; 4]);
}

#[test]
fn a_year_and_a_quarter_in_two_columns_are_the_time() {
    let place = folder(&[]);
    let point = |at: usize| format!("{}.0,{}.0,{}.5,{}", 1959 + at / 4, at % 4 + 1, at % 7, at % 5);
    std::fs::write(place.path().join("q.csv"), points("year,quarter,v,w", 200, point)).unwrap();
    ae(
        place.path(),
        "train q.csv --window 8 --epochs 1 --latent 2 --for anomalies --members 1 -o m.ae --quiet",
    );
    assert_eq!(series_of(place.path(), "m.ae")["found"], serde_json::json!(["year", "quarter"]));
    ae(place.path(), "score m.ae q.csv -o s.csv --quiet");
    let scores = std::fs::read_to_string(place.path().join("s.csv")).unwrap();
    assert!(scores.contains("\n1959-04-01 00:00:00,"), "{scores}");
}

#[test]
fn the_parts_of_a_date_in_several_columns_are_the_time() {
    let place = folder(&[]);
    let day = |at: usize| format!("2024,{},{},{}", 1 + at / 24 / 28, 1 + at / 24 % 28, at % 24);
    let parts = |at: usize| format!("{},{}.5,{}", day(at), at % 7, at % 5);
    let hours = |at: usize| {
        let day = 1 + at / 24 % 28;
        format!("2024-{:02}-{day:02},{},{}.5,{}", 1 + at / 24 / 28, 1 + at % 24, at % 7, at % 5)
    };
    let files = [
        ("p.csv", points("year,month,day,hour,v,w", 300, parts)),
        ("h.csv", points("Date,Hour,v,w", 300, hours)),
    ];
    for (name, text) in files {
        std::fs::write(place.path().join(name), text).unwrap();
        ae(
            place.path(),
            &format!(
                "train {name} --window 8 --epochs 1 --latent 2 --for anomalies --members 1 -o m.ae --quiet --force"
            ),
        );
        ae(place.path(), &format!("score m.ae {name} -o s.csv --quiet --force"));
        let scores = std::fs::read_to_string(place.path().join("s.csv")).unwrap();
        // The hours of the second file are counted from 1 to 24.
        assert!(scores.contains("\n2024-01-02 00:00:00,"), "{name}: {scores}");
        assert!(scores.contains("\n2024-01-02 01:00:00,"), "{name}: {scores}");
    }
}

#[test]
fn milliseconds_of_several_machines_are_their_time_and_a_row_belongs_to_one() {
    let place = folder(&[]);
    let point = |at: usize| {
        let stamp = 1_704_067_200_000 + 60_000 * (at / 2);
        format!("{stamp},{},{}.5,{}", ["A", "B"][at % 2], at % 7, at % 3)
    };
    let text = points("ts,machine,v,load", 400, point);
    std::fs::write(place.path().join("ms.csv"), &text).unwrap();
    let train = "train ms.csv --window 8 --group machine --epochs 1 --latent 2";
    ae(place.path(), &format!("{train} -o m.ae --quiet"));
    let series = series_of(place.path(), "m.ae");
    assert_eq!(series["found"][0], "ts", "{series}");
    let refuses = |text: &str, wanted: &str| {
        std::fs::write(place.path().join("odd.csv"), text).unwrap();
        let error = refused(place.path(), "score m.ae odd.csv --quiet");
        assert!(error.contains(wanted), "{error}");
    };
    refuses(&text.replacen(",A,", ",,", 2), "row 1 has no value in machine (such rows in all: 2)");
    // Each hour is no minute.
    let hourly = |at: usize| {
        let stamp = 1_704_067_200_000 + 3_600_000 * (at / 2);
        format!("{stamp},{},{}.5,{}", ["A", "B"][at % 2], at % 7, at % 3)
    };
    let text = points("ts,machine,v,load", 400, hourly);
    refuses(&text, "points are 1h apart, those of the training 1min");
}

#[test]
fn stamps_of_months_and_of_two_columns_are_those_of_a_series() {
    let place = folder(&[]);
    let path = |name: &str| place.path().join(name);
    let value = |at: usize| (at as f64 * 0.5).sin();
    let month = |at: usize| {
        let (year, month) = (1949 + at / 12, at % 12 + 1);
        let last = [31, 28 + usize::from(year % 4 == 0), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        format!("{year}-{month:02}-{},{:.3}", last[month - 1], value(at))
    };
    std::fs::write(path("month.csv"), points("month,people", 144, month)).unwrap();
    let quarter = |at: usize| format!("{}Q{},{:.3}", 1960 + at / 4, at % 4 + 1, value(at));
    std::fs::write(path("quarter.csv"), points("quarter,product", 120, quarter)).unwrap();
    let hour = |at: usize| {
        let (day, hour) = (at / 24 + 1, at % 24);
        let value = format!("{:.3}", value(at)).replace('.', ",");
        format!("{day:02}/03/2004;{hour:02}.00.00;{value}")
    };
    std::fs::write(path("air.csv"), points("Date;Time;CO", 30 * 24, hour)).unwrap();
    for (name, calendar) in [("month", "year"), ("quarter", "year"), ("air", "day")] {
        let train = format!("train {name}.csv --window 12 --epochs 1 --latent 2 -o {name}.ae");
        ae(place.path(), &format!("{train} --quiet"));
        assert_eq!(series_of(place.path(), &format!("{name}.ae"))["calendar"], calendar);
    }
}

#[test]
fn a_clock_that_was_put_back_is_told_with_options_that_work() {
    let place = folder(&[]);
    // March to November 2023 in Berlin: 2 to 3 is left out in the one, and comes twice in the other.
    let local = |at: usize| {
        let summer = (601..5641).contains(&at);
        let hour = at + usize::from(summer);
        let (day, hour) = (hour / 24, hour % 24);
        let months = [31, 30, 31, 30, 31, 31, 30, 31, 30];
        let (mut month, mut left) = (0, day);
        while left >= months[month] {
            (month, left) = (month + 1, left - months[month]);
        }
        format!("2023-{:02}-{:02} {hour:02}:00,{:.3}", month + 3, left + 1, hour as f64)
    };
    std::fs::write(place.path().join("local.csv"), points("time,v", 6000, local)).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args("train local.csv --window 12 --epochs 1 -o m.ae --quiet".split(' '))
        .current_dir(place.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(error.contains("as where a clock was put back"), "{error}");
    assert!(error.contains("--duplicates mean, and --gaps fill"), "{error}");
    let advised = "--duplicates mean --gaps fill";
    ae(place.path(), &format!("train local.csv --window 12 {advised} --epochs 1 -o m.ae --quiet"));
}

#[test]
fn a_series_of_states_with_labels_is_judged_by_points_and_by_events() {
    let place = folder(&[]);
    // On from 8 to 18, and warm then; once in the night.
    let line = |odd: bool| {
        move |at: usize| {
            let (day, hour) = (at / 24, at % 24);
            let strange = odd && (1010..1016).contains(&at);
            let on = (8..18).contains(&hour) != strange;
            let warm = 20.0 + 5.0 * f64::from(u8::from(on)) + 0.3 * (at as f64 * 7.3).sin();
            let (state, label) = (if on { "run" } else { "idle" }, u8::from(strange));
            let (month, day) = if day < 31 { (1, day + 1) } else { (2, day - 30) };
            format!("2024-{month:02}-{day:02} {hour:02}:00,{warm:.2},{state},{on},{label}")
        }
    };
    let header = "time,temperature,state,on,fault";
    for (name, odd) in [("train.csv", false), ("test.csv", true)] {
        let text = points(header, 24 * 59, line(odd));
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let train = "train train.csv --window 12 --label fault --for anomalies --epochs 40 --members 1";
    ae(place.path(), &format!("{train} -o m.ae --quiet"));
    let (out, _) = ae(place.path(), "score m.ae test.csv --label fault --json --quiet");
    let scored: Value = serde_json::from_str(&out).unwrap();
    let events = &scored["events"];
    assert_eq!((&events["events"], &events["found"]), (&1.into(), &1.into()), "{scored}");
    assert!(scored["auroc"].as_f64().unwrap() > 0.95, "{scored}");
    assert_eq!(events["adjusted"]["recall"], 1.0, "{scored}");
    let stretch = &scored["stretches"][0];
    assert!(stretch["points"].as_u64().unwrap() >= 6, "{scored}");
    let reasons = stretch["peak"]["reasons"].to_string();
    assert!(reasons.contains("\"run\"") || reasons.contains("time of day"), "{reasons}");
}

#[test]
fn one_wild_cell_is_an_anomaly_and_ends_no_training() {
    let place = folder(&["03_one_typo_diverges.csv"]);
    let text = std::fs::read_to_string(place.path().join("03_one_typo_diverges.csv")).unwrap();
    for (name, wild) in [("a.csv", "1000000"), ("b.csv", "1e39")] {
        std::fs::write(place.path().join(name), text.replace("1000000", wild)).unwrap();
        ae(place.path(), &format!("train {name} --for anomalies --epochs 20 -o {name}.ae --quiet"));
        ae(place.path(), &format!("score {name}.ae {name} -o {name}.s.csv --quiet"));
        let text = std::fs::read_to_string(place.path().join(format!("{name}.s.csv"))).unwrap();
        let cell = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
        let scores: Vec<f64> = text.lines().skip(1).map(cell).collect();
        let score = |row: usize| scores[row];
        assert!((0..500).all(|row| score(row) < score(500)), "{wild}");
        ae(place.path(), &format!("reconstruct {name}.ae {name} -o {name}.r.csv --quiet"));
        let rebuilt = std::fs::read_to_string(place.path().join(format!("{name}.r.csv"))).unwrap();
        assert!(!rebuilt.contains("inf") && !rebuilt.contains("NaN"), "{wild}");
    }
}

#[test]
fn levels_are_known_by_what_they_mean() {
    let place = folder(&["13_train_int_category.csv", "13_same_with_one_gap_3.0.csv"]);
    let train = "train 13_train_int_category.csv --column pclass=categorical --for anomalies";
    ae(place.path(), &format!("{train} --epochs 3 -o m.ae --quiet"));
    let (out, warned) = ae(place.path(), "score m.ae 13_same_with_one_gap_3.0.csv");
    assert!(!warned.contains("pclass") && !out.contains("pclass 3.0"), "{out}{warned}");
    let text = std::fs::read_to_string(place.path().join("13_train_int_category.csv")).unwrap();
    let other = text.replace(",male,", ",m,").replace(",female,", ",f,");
    std::fs::write(place.path().join("other.csv"), other).unwrap();
    let (_, warned) = ae(place.path(), "score m.ae other.csv");
    assert!(warned.contains("no value of sex was there in training"), "{warned}");
}

#[test]
fn rows_without_values_have_no_score_and_generated_rows_are_like_the_table() {
    let place = folder(&["report10_gaps.csv", "report10_one-empty-row.csv", "report13_flows.csv"]);
    ae(place.path(), "train report10_gaps.csv --for anomalies --epochs 3 -o g.ae --quiet");
    let (_, warned) = ae(place.path(), "score g.ae report10_one-empty-row.csv -o s.csv");
    assert!(warned.contains("1 row has no value in any column and no score"), "{warned}");
    let kinds = "--column src_bytes=count,dst_bytes=count,count=poisson";
    let train = format!("train report13_flows.csv --family vae --latent 3 --epochs 5 {kinds}");
    ae(place.path(), &format!("{train} -o f.ae --quiet"));
    // Numbers that nobody called counts are as whole, and in the range of the training rows.
    let plain = train.replace(&format!(" {kinds}"), "");
    ae(place.path(), &format!("{plain} -o n.ae --quiet"));
    for model in ["f.ae", "n.ae"] {
        ae(place.path(), &format!("generate {model} -n 200 -o new.csv --force --quiet"));
        let text = std::fs::read_to_string(place.path().join("new.csv")).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("protocol,src_bytes,dst_bytes,count"));
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(["tcp", "udp"].contains(&cells[0]), "{line}");
            let whole = |cell: &&str| cell.parse().is_ok_and(|n: f64| n >= 0.0 && n.fract() == 0.0);
            assert!(cells[1..].iter().all(whole), "{line}");
        }
    }
}

#[test]
fn offsets_keep_their_digits_and_a_bernoulli_likelihood_its_range() {
    let place = folder(&[]);
    let row = |row: u32| f64::from(row * 37 % 101) / 8.0;
    let rows: String =
        (0..300).map(|at| format!("{},{}\n", 1e15 + row(at), row(at) * 2.0)).collect();
    std::fs::write(place.path().join("t.csv"), format!("a,b\n{rows}")).unwrap();
    ae(place.path(), "train t.csv --latent 1 --epochs 60 -o m.ae --quiet");
    ae(place.path(), "reconstruct m.ae t.csv -o r.csv --quiet");
    let text = std::fs::read_to_string(place.path().join("r.csv")).unwrap();
    let worst = text.lines().skip(1).enumerate().map(|(at, line)| {
        let number: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        (number - 1e15 - row(at as u32)).abs()
    });
    // In single precision numbers of this size lie 67108864 apart.
    assert!(worst.fold(0.0, f64::max) < 12.0);
    let unit = "train t.csv --family vae --likelihood bernoulli --scale minmax --latent 1";
    ae(place.path(), &format!("{unit} --epochs 2 -o b.ae --quiet"));
    std::fs::write(place.path().join("far.csv"), "a,b\n1e16,1000000\n1e15,3\n").unwrap();
    let (out, warned) = ae(place.path(), "eval b.ae far.csv --json");
    assert!(warned.contains("1 row lies outside of the range of the training"), "{warned}");
    // Rows of another width are refused, whatever their numbers.
    std::fs::write(place.path().join("wide.csv"), "1,2,3,4\n5,6,7,9\n").unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_ae"))
        .args(["eval", "b.ae", "wide.csv"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(error.contains("error: rows of wide.csv"), "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(told["terms"]["reconstruction"].as_f64().unwrap() > 0.0, "{out}");
}
