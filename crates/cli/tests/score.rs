//! `ae score` and `ae eval --probe` from outside.
#![allow(clippy::unwrap_used)] // a test that unwraps an error fails, as it should

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// A folder with a table of machines, `machines.csv`, and a short model of it.
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        let mut table = "temperature,pressure,flow\n".to_owned();
        for row in 0..300u32 {
            table += &machine(row);
        }
        place.write("machines.csv", &table);
        place.ok(
            "train machines.csv --for anomalies --epochs 200 --members 2 -o machines.ae --quiet",
            "",
        );
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `ae` with words separated by blanks and gives what it prints: whether it went well,
    /// standard output and standard error.
    fn run(&self, words: &str, input: &str) -> (bool, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ae"))
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, words: &str, input: &str) -> String {
        let (good, out, err) = self.run(words, input);
        assert!(good, "ae {words}\n{out}\n{err}");
        out
    }

    fn fails(&self, words: &str) -> String {
        let (good, out, err) = self.run(words, "");
        assert!(!good, "ae {words}\n{out}");
        err
    }
}

/// The lines of JSON that a command wrote.
fn lines_of(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Numbers that only look drawn: the pressure follows the temperature.
fn machine(row: u32) -> String {
    let wave = |speed: f64| (f64::from(row) * speed).sin();
    let temperature = 60.0 + 5.0 * wave(1.7);
    format!(
        "{temperature:.3},{:.3},{:.3}\n",
        temperature / 10.0 + 0.1 * wave(5.3),
        10.0 + wave(2.9)
    )
}

#[test]
fn a_strange_row_is_first_in_the_summary_and_explained_in_the_table() {
    let place = Folder::new();
    // Other order, one column more.
    let mut table = "flow,pressure,temperature,note\n".to_owned();
    for row in 300..340 {
        let line = machine(row);
        let cells: Vec<&str> = line.trim().split(',').collect();
        let pressure = if row == 317 { "9.5" } else { cells[1] };
        table += &format!("{},{pressure},{},{row}\n", cells[2], cells[0]);
    }
    place.write("new.csv", &table);
    let (good, out, err) = place.run("score machines.ae new.csv -o scores.csv --drift --json", "");
    assert!(good, "{err}");
    assert!(err.contains("the model does not know them: \"note\""), "{err}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["highest"][0]["row"], "18");
    let why = &result["highest"][0]["reasons"][0];
    assert_eq!((why["column"].as_str(), why["observed"].as_f64()), (Some("pressure"), Some(9.5)));
    assert!(result["drift"]["chance"].as_f64().unwrap() > 1e-3, "{result}");
    let scores = place.read("scores.csv");
    let lines: Vec<&str> = scores.lines().collect();
    assert_eq!(
        lines[0],
        "row,score,probability,anomaly,column_1,observed_1,expected_1,column_2,observed_2,expected_2,column_3,observed_3,expected_3"
    );
    assert_eq!(lines.len(), 41);
    assert!(
        lines[18].starts_with("18,") && lines[18].contains(",1,pressure,9.5,"),
        "{}",
        lines[18]
    );
    assert!(place.fails("score machines.ae new.csv -o scores.csv").contains("exists already"));
}

#[test]
fn a_table_without_names_is_taken_in_the_order_of_the_training() {
    let place = Folder::new();
    let rows: String = (300..330).map(machine).collect();
    place.write("named.csv", &format!("temperature,pressure,flow\n{rows}"));
    place.write("bare.csv", &rows);
    place.ok("score machines.ae named.csv -o named-scores.csv", "");
    let (good, _, err) = place.run("score machines.ae bare.csv -o bare-scores.csv", "");
    assert!(good && err.contains("taken in the order of the training"), "{err}");
    assert_eq!(place.read("named-scores.csv"), place.read("bare-scores.csv"));
}

#[test]
fn a_table_without_names_keeps_its_columns_where_one_identifies_rows() {
    let place = Folder::new();
    let wave = |row: u32, speed: f64| 50.0 + 5.0 * (f64::from(row) * speed).sin();
    let line = |row: u32| {
        let last = if row % 10 == 3 { String::new() } else { format!("{:.3}", wave(row, 2.9)) };
        format!("{row},{:.3},{last}\n", wave(row, 1.7))
    };
    place.write("bare.csv", &(0..120).map(line).collect::<String>());
    place.ok("train bare.csv --id 1 --family denoising --latent 2 --epochs 20 -o bare.ae", "");
    let out = place.ok("score bare.ae bare.csv --id 1 --json --quiet", "");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert!(result["anomalies"].as_u64().unwrap() < 20, "{result}");
    let why = &result["highest"][0]["reasons"][0];
    assert!(["column 2", "column 3"].contains(&why["column"].as_str().unwrap()), "{why}");
    assert!(why["observed"].as_f64().unwrap() > 40.0, "{why}");
}

#[test]
fn labels_give_the_area_and_the_best_threshold() {
    let place = Folder::new();
    let rows: String = (300..330)
        .map(|row| machine(row).trim().to_owned() + if row < 303 { ",bad\n" } else { ",good\n" })
        .collect();
    let broken = rows.lines().map(|line| {
        if line.ends_with("bad") { "60,9.5,10,bad".to_owned() } else { line.to_owned() }
    });
    place.write(
        "labelled.csv",
        &("temperature,pressure,flow,state\n".to_owned()
            + &broken.collect::<Vec<_>>().join("\n")
            + "\n"),
    );
    let out = place.ok(
        "score machines.ae labelled.csv --label state --normal good --threshold f1 --json --quiet",
        "",
    );
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (result["auroc"].as_f64(), result["alarms"]["f1"].as_f64(), result["anomalies"].as_u64()),
        (Some(1.0), Some(1.0), Some(3))
    );
    assert!(place.fails("score machines.ae machines.csv --threshold f1").contains("labels"));
}

#[test]
fn rows_on_standard_input_are_answered_line_by_line_also_after_a_wrong_one() {
    let place = Folder::new();
    let input = "flow,temperature,pressure\n10,61,6.1\n10,60,9.5\n\n1,2\nx,60,6\n{\"temperature\":61,\"pressure\":6.1,\"flow\":10}\n{\"flow\":10}\n[61,6.1,10]\n";
    let out = place.ok("score machines.ae - --quiet", input);
    let answers = lines_of(&out);
    assert_eq!(answers.len(), 7);
    assert_eq!(
        (answers[0]["anomaly"].as_u64(), answers[1]["anomaly"].as_u64()),
        (Some(0), Some(1)),
        "{out}"
    );
    assert_eq!(answers[1]["reasons"][0]["column"], "pressure");
    assert!(
        answers[2]["error"].is_string() && answers[3]["error"].as_str().unwrap().contains("flow"),
        "{out}"
    );
    assert_eq!(
        (answers[4]["score"].clone(), answers[6]["score"].clone()),
        (answers[0]["score"].clone(), answers[0]["score"].clone())
    );
    assert!(answers[5]["error"].as_str().unwrap().contains("temperature"));
}

#[test]
fn what_comes_before_the_first_row_does_not_end_the_watch() {
    let place = Folder::new();
    let input = "starting up\nnull\nflow,temperature,pressure\n10,61,6.1\n";
    let out = place.ok("score machines.ae - --quiet", input);
    let answers = lines_of(&out);
    let wrong: Vec<bool> = answers.iter().map(|answer| answer["error"].is_string()).collect();
    assert_eq!(wrong, [true, true, false], "{out}");
    assert!(answers[2]["score"].is_number());
}

#[test]
fn rows_on_standard_input_keep_their_identifiers() {
    let place = Folder::new();
    // As programs of a spreadsheet write it, with a mark before the first name.
    let input = "\u{feff}machine,flow,temperature,pressure\n# by hand\nA 7,10,60,6\nA 8,hot,60,6\n";
    let out = place.ok("score machines.ae - --id machine --quiet", input);
    let answers = lines_of(&out);
    assert_eq!((answers.len(), &answers[0]["row"]), (2, &Value::from("A 7")), "{out}");
    assert!(answers[1]["error"].is_string() && answers[1]["row"] == "A 8", "{out}");
    // What Python writes for a number that is none.
    let input = "{\"flow\":10,\"temperature\":60,\"pressure\":NaN}\n[60,6,10]\n";
    let out = place.ok("score machines.ae - --quiet", input);
    let answers = lines_of(&out);
    assert!(answers[0]["error"].as_str().unwrap().contains("has no value"), "{out}");
    assert_eq!(answers[1]["row"], 2, "{out}");
}

#[test]
fn lines_of_a_log_are_scored_as_they_come() {
    let place = Folder(TempDir::new().unwrap());
    let words = ["INFO pump started", "INFO pump stopped", "INFO heartbeat ok"];
    let line =
        |at: usize| format!("2024-05-01 {:02}:{:02}:00,123 {}\n", at / 60, at % 60, words[at % 3]);
    place.write("plant.log", &(0..300).map(line).collect::<String>());
    place.ok("train plant.log --for anomalies --epochs 30 --members 1 -o log.ae --quiet", "");
    let strange = "[2024-05-01 05:01:00] ERROR valve stuck, call operator\n";
    let behind = "  at valve.rs, nobody knows why\n";
    let json = "{\"time\": \"2024-05-01 05:02:00\", \"line\": \"INFO heartbeat ok\"}\n";
    let out = place.ok("score log.ae - --quiet", &(line(300) + strange + json + behind));
    let answers = lines_of(&out);
    let score = |at: usize| answers[at]["score"].as_f64().unwrap();
    assert!(score(1) > score(0) + 1.0 && score(1) > score(2) + 1.0, "{out}");
    // A line without a stamp is of the time of the one before it.
    assert!(score(3) > score(0) + 1.0, "{out}");
    let reason = &answers[1]["reasons"][0];
    assert_eq!(reason["column"], "line", "{out}");
    assert!(reason.to_string().contains("stuck"), "{out}");
    // When it was written stands beside its number, live and in a file.
    assert!(answers[1]["time"].as_str().unwrap().contains("05:01:00"), "{out}");
    place.write("new.log", &(line(300) + strange));
    place.ok("score log.ae new.log -o scores.csv --quiet", "");
    let scores = place.read("scores.csv");
    // A column alone has none that it could fit.
    let said = place.ok("score log.ae new.log --json --quiet", "");
    let probes: Value = serde_json::from_str(&said).unwrap();
    let probes = probes["probes"].to_string();
    assert!(probes.contains("far") && !probes.contains("shuffled"), "{probes}");
    assert!(
        scores.starts_with("row,time,score,") && scores.contains("\n2,2024-05-01 05:01:00,"),
        "{scores}"
    );
}

#[test]
fn a_delimiter_that_is_said_parts_live_rows() {
    let place = Folder::new();
    for (sign, delimiter) in [("|", "pipe"), ("   ", "blanks")] {
        let input = format!("10{sign}60{sign}6\n");
        let out = place.ok(&format!("score machines.ae - --delimiter {delimiter} --quiet"), &input);
        let answer: Value = serde_json::from_str(out.trim()).unwrap();
        assert!(answer["score"].is_number(), "{out}");
    }
}

#[test]
fn rows_that_are_mostly_alarms_are_said_to_be_others() {
    let place = Folder::new();
    let rows: String =
        (0..40).map(|row| format!("{},90,{}\n", 80 + row % 3, 2 + row % 5)).collect();
    place.write("other.csv", &("temperature,pressure,flow\n".to_owned() + &rows));
    let run = |words: &str| {
        let mut ae = Command::new(env!("CARGO_BIN_EXE_ae"));
        let run = ae.args(words.split(' ')).current_dir(&place.0).output().unwrap();
        String::from_utf8_lossy(&run.stderr).into_owned()
    };
    let said = "100 % are above the threshold, where few are expected";
    assert!(run("score machines.ae other.csv").contains(said));
    assert!(!run("score machines.ae machines.csv").contains("are above the threshold, where"));
}

#[test]
fn probes_are_shown_by_kind_of_score() {
    let place = Folder::new();
    let out = place.ok("eval machines.ae machines.csv --probe --quiet", "");
    for word in
        ["above 99 % of normal rows", "far", "shuffled", "constant", "joined", "mahalanobis"]
    {
        assert!(out.contains(word), "{out}");
    }
    let result: Value =
        serde_json::from_str(&place.ok("eval machines.ae machines.csv --probe --json --quiet", ""))
            .unwrap();
    assert_eq!(result["probes"]["far"]["joined"].as_f64(), Some(1.0));
}

#[test]
fn a_series_is_cut_into_windows_and_its_points_are_scored() {
    let place = Folder(TempDir::new().unwrap());
    let point = |at: usize, value: f64| {
        format!("2024-01-{:02} {:02}:00:00,{value:.4}\n", at / 24 + 1, at % 24)
    };
    let value = |at: usize| (at as f64 * 0.5).sin() + 0.05 * (at as f64 * 7.3).sin();
    let series: String = (0..480).map(|at| point(at, value(at))).collect();
    place.write("sensor.csv", &("time,value\n".to_owned() + &series));
    let strange: String = (0..480)
        .map(|at| point(at, if (200..212).contains(&at) { 0.0 } else { value(at) }))
        .collect();
    place.write("strange.csv", &("time,value\n".to_owned() + &strange));
    place.ok("train sensor.csv --window 24 --for anomalies --epochs 100 --members 1 -o sensor.ae --quiet", "");
    // The model knows how windows were cut.
    let result: Value = serde_json::from_str(
        &place.ok("score sensor.ae strange.csv -o points.csv --json --quiet", ""),
    )
    .unwrap();
    let start = result["stretches"][0]["start"].as_str().unwrap();
    assert!(
        result["stretches"].as_array().unwrap().len() == 1
            && ("2024-01-08".."2024-01-10").contains(&start),
        "{result}"
    );
    let points = place.read("points.csv");
    assert!(
        points.starts_with(
            "time,score,probability,anomaly,stretch,column_1,observed_1,expected_1,column_2,observed_2,expected_2\n2024-01-01 00:00:00,"
        ),
        "{points}"
    );
    assert_eq!(points.lines().count(), 481);
    // Time and value in their order need no names; a gap begins a window anew, each time.
    let bare = place.ok("score sensor.ae - --quiet", &point(0, 0.5));
    assert!(bare.contains("waits_for"), "{bare}");
    let gaps: String = [0, 1, 2, 10, 30].map(|at| point(at, 0.5)).concat();
    let gaps = place.ok("score sensor.ae - --quiet", &gaps);
    assert_eq!(gaps.matches("after the point before, others 1h").count(), 2, "{gaps}");
    // The same points one by one: the newest window decides.
    let live = place.ok("score sensor.ae - --quiet", &place.read("strange.csv"));
    let answers = lines_of(&live);
    assert_eq!((answers.len(), answers[0]["waits_for"].as_u64()), (480, Some(23)));
    assert_eq!(answers[23]["row"], "2024-01-01 23:00:00");
    let alarms = |points: &[Value]| points.iter().filter(|point| point["anomaly"] == 1).count();
    let (before, within) = (alarms(&answers[..200]), alarms(&answers[206..224]));
    assert!(within >= 12 && before <= 20, "{before} of 200 before, {within} of 18 within");
    let gap = strange
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 100)
        .map(|(_, line)| line.to_owned() + "\n")
        .collect::<String>();
    place.write("gap.csv", &("time,value\n".to_owned() + &gap));
    assert!(place.fails("score sensor.ae gap.csv").contains("choose --gaps split"));
    place.ok("score sensor.ae gap.csv --window 24 --gaps split --quiet", "");
}

#[test]
fn a_point_without_a_value_stands_for_the_one_before_where_gaps_were_filled() {
    let place = Folder(TempDir::new().unwrap());
    let point = |machine: &str, at: usize, empty: bool| {
        let value = if empty { String::new() } else { format!("{:.3}", (at as f64 * 0.5).sin()) };
        format!("2024-01-{:02} {:02}:00,{machine},{value},{}\n", at / 24 + 1, at % 24, at % 3)
    };
    let names = "time,pump,value,state\n";
    let rows = |of: std::ops::Range<usize>, empty: &dyn Fn(usize) -> bool| -> String {
        of.flat_map(|at| ["a", "b"].map(|pump| point(pump, at, empty(at)))).collect()
    };
    place.write("pumps.csv", &(names.to_owned() + &rows(0..200, &|at| at % 50 == 7)));
    place.ok("train pumps.csv --window 6 --group pump --gaps fill --for anomalies --epochs 5 --members 1 -o pumps.ae --quiet", "");
    let live = |input: &str| -> Vec<Value> {
        let out = place.ok("score pumps.ae - --quiet", input);
        lines_of(&out)
    };
    let answers = live(&(names.to_owned() + &rows(0..9, &|at| at == 7)));
    let (carried, next) = (&answers[14], &answers[16]);
    assert!(carried["score"].is_number() && carried["carried"][0] == "value", "{carried}");
    assert!(!carried["reasons"].to_string().contains("\"value\""), "{carried}");
    assert!(next["score"].is_number() && next["carried"].is_null(), "{next}");
    // Points that are missing lie on the line between their neighbours, as in the training.
    let gap = live(&(names.to_owned() + &rows(0..9, &|_| false) + &rows(11..12, &|_| false)));
    let (behind, anew) = (&gap[18], &gap[18]["begins_anew"]);
    assert!(behind["score"].is_number() && behind["filled"] == 2 && anew.is_null(), "{behind}");
    let long = live(&(names.to_owned() + &rows(0..9, &|_| false) + &rows(30..31, &|_| false)));
    assert!(long[18]["begins_anew"].is_string() && long[18]["filled"].is_null(), "{}", long[18]);
    let nameless = live(&(names.to_owned() + &point("", 0, false)));
    assert!(nameless[0]["error"].as_str().unwrap().contains("pump: has no value"), "{nameless:?}");
    // What is no number begins a window anew, and says so; a point that comes twice is one, if asked.
    let odd = rows(0..9, &|_| false) + "2024-01-01 09:00,a,high,0\n";
    let answers = live(&(names.to_owned() + &odd));
    assert!(answers[18]["error"].is_string() && answers[18]["begins_anew"].is_string(), "{odd}");
    let twice = rows(0..9, &|_| false) + &point("b", 8, false) + &rows(9..10, &|_| false);
    let input = names.to_owned() + &twice;
    let out = place.ok("score pumps.ae - --duplicates first --quiet", &input);
    let answers = lines_of(&out);
    assert!(answers[18..].iter().all(|answer| answer["score"].is_number()), "{out}");
    // Without names, what parts the cells is told by their number.
    let other = rows(0..9, &|_| false).replace(',', ";");
    let out = place.ok("score pumps.ae - --quiet", &other);
    assert!(!out.contains("error") && out.contains("\"score\":"), "{out}");
    // A sensor that is dead is told, and by which machine.
    let answers = live(&(names.to_owned() + &rows(0..20, &|at| at > 7)));
    let dead = answers.last().unwrap();
    assert!(dead["error"].as_str().unwrap().contains("value: has no value"), "{dead}");
    assert_eq!((&dead["group"], &dead["row"]), (&"b".into(), &"2024-01-01 19:00".into()), "{dead}");
}

#[test]
fn a_spike_that_comes_live_does_not_ring_for_as_long_as_it_is_in_the_window() {
    let place = Folder(TempDir::new().unwrap());
    let mut noise = 1u64;
    let mut value = |at: usize| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = (noise >> 33) as f64 / (1u64 << 31) as f64 - 0.5;
        20.0 + 5.0 * (at as f64 * std::f64::consts::TAU / 24.0).sin() + noise
    };
    // Milliseconds since 1970 are told by their size.
    let stamp = |at: usize| 1_704_067_200_000 + 3_600_000 * at;
    let mut rows = |of: std::ops::Range<usize>, spike: usize| -> String {
        let row = |at: usize| (at, value(at) + if at == spike { 12.0 } else { 0.0 });
        let mode = |at: usize| if at % 24 < 12 { "day" } else { "night" };
        of.map(row).map(|(at, value)| format!("{},{value:.2},{}\n", stamp(at), mode(at))).collect()
    };
    place.write("sensor.csv", &("time,value,mode\n".to_owned() + &rows(0..1500, usize::MAX)));
    place.ok(
        "train sensor.csv --window 24 --for anomalies --epochs 30 --members 1 -o sensor.ae --quiet",
        "",
    );
    // A mode that training never had is the first of the reasons.
    let unknown = format!("{},{:.2},service\n", stamp(1600), 26.0);
    let input = "time,value,mode\n".to_owned() + &rows(1500..1600, 1550) + &unknown;
    let live = place.ok("score sensor.ae - --quiet", &input);
    let answers = lines_of(&live);
    let rings = |of: std::ops::Range<usize>| -> Vec<usize> {
        of.filter(|at| answers[*at]["anomaly"] == 1).collect()
    };
    assert_eq!(answers[50]["anomaly"], 1, "{}", answers[50]);
    assert!(rings(51..75).len() <= 4, "{:?}", rings(0..100));
    assert_eq!(answers[100]["reasons"][0]["column"], "mode", "{}", answers[100]);
    // Nor does it where all points are there.
    place.write("later.csv", &input);
    place.ok("score sensor.ae later.csv -o points.csv --quiet", "");
    let points = place.read("points.csv");
    let alarm = |line: &str| line.split(',').nth(3) == Some("1");
    let alarms: Vec<usize> =
        (0..101).filter(|at| alarm(points.lines().nth(at + 1).unwrap())).collect();
    assert!(alarms.contains(&50) && alarms.contains(&100), "{alarms:?}");
    assert!(alarms.iter().filter(|at| (27..=73).contains(*at)).count() <= 3, "{alarms:?}");
}

/// One line of a log of machines: the kind follows the temperature, the switch too; every seventh
/// pressure is missing.
fn entry(row: u32) -> String {
    let warm = (f64::from(row) * 1.7).sin();
    let kind = ["fan", "pump", "valve"][if warm < -0.4 { 0 } else { usize::from(warm > 0.4) + 1 }];
    let pressure = if row % 7 == 3 {
        String::new()
    } else {
        format!("{:.3}", 3.0 + warm + 0.05 * (f64::from(row) * 5.3).sin())
    };
    let (day, hour) = (row / 4, row % 4 * 6);
    format!(
        "2024-{:02}-{:02} {hour:02}:00,{kind},{:.2},{pressure},{}\n",
        day / 28 + 1,
        day % 28 + 1,
        60.0 + 5.0 * warm,
        warm > 0.0
    )
}

const LOG: &str = "seen,kind,temperature,pressure,open\n";

fn log(place: &Folder) {
    place.write("log.csv", &(LOG.to_owned() + &(0..600).map(entry).collect::<String>()));
    place.ok("train log.csv --for anomalies --epochs 150 --members 2 -o log.ae --quiet", "");
}

#[test]
fn a_table_of_words_and_dates_with_gaps_is_explained_in_words() {
    let place = Folder(TempDir::new().unwrap());
    log(&place);
    let mut rows: Vec<String> = (600..700).map(entry).collect();
    let warm =
        (0..100).find(|row| rows[*row].contains("valve") && !rows[*row].contains(",,")).unwrap();
    rows[warm] = rows[warm].replace("valve", "turbine");
    place.write("new.csv", &(LOG.to_owned() + &rows.concat()));
    let result: Value =
        serde_json::from_str(&place.ok("score log.ae new.csv -o scores.csv --json", "")).unwrap();
    let highest = &result["highest"][0];
    assert_eq!(highest["row"], (warm + 1).to_string(), "{result}");
    let why = &highest["reasons"][0];
    assert_eq!(
        (why["column"].as_str(), why["observed"].as_str()),
        (Some("kind"), Some("turbine")),
        "{why}"
    );
    let expected = why["expected"].as_str().unwrap();
    assert!(["fan", "pump", "valve"].contains(&expected), "{why}");
    let scores = place.read("scores.csv");
    assert!(
        scores.lines().nth(warm + 1).unwrap().contains(&format!(",kind,turbine,{expected},")),
        "{scores}"
    );
}

#[test]
fn words_dates_and_gaps_are_answered_line_by_line() {
    let place = Folder(TempDir::new().unwrap());
    log(&place);
    let lines = "seen,kind,temperature,pressure,open\n2024-06-01 06:00,valve,64,,true\n2024-06-01,turbine,64,3.8,yes\n2024-06-01,valve,hot,3.8,true\n\
        {\"seen\":\"2024-06-01 12:00\",\"kind\":\"fan\",\"temperature\":55,\"pressure\":null,\"open\":false}\n2024-13-01,fan,55,2,false\n";
    let (good, out, err) = place.run("score log.ae - --reasons 1", lines);
    assert!(good, "{err}");
    let answers = lines_of(&out);
    assert_eq!(answers.len(), 5, "{out}");
    assert!(answers[0]["score"].as_f64().unwrap() < answers[1]["score"].as_f64().unwrap(), "{out}");
    let why = &answers[1]["reasons"][0];
    assert_eq!(
        (why["column"].as_str(), why["observed"].as_str()),
        (Some("kind"), Some("turbine")),
        "{why}"
    );
    assert!(
        answers[2]["error"]
            .as_str()
            .unwrap()
            .contains("temperature: is \"hot\"; wanted a finite number"),
        "{out}"
    );
    assert!(answers[3]["score"].is_number(), "{out}");
    assert!(
        answers[4]["error"].as_str().unwrap().contains("seen: is \"2024-13-01\"; wanted a date"),
        "{out}"
    );
}

#[test]
fn gaps_are_filled_and_what_is_there_stays() {
    let place = Folder(TempDir::new().unwrap());
    log(&place);
    let result: Value = serde_json::from_str(
        &place.ok("reconstruct log.ae log.csv --fill -o filled.csv --json", ""),
    )
    .unwrap();
    assert_eq!(result["filled"], 86);
    assert!(result["median_ratio"].as_f64().unwrap() < 0.5, "{result}");
    let filled = place.read("filled.csv");
    for (row, (was, is)) in place.read("log.csv").lines().zip(filled.lines()).enumerate().skip(1) {
        let (was, is): (Vec<&str>, Vec<&str>) = (was.split(',').collect(), is.split(',').collect());
        for column in 0..5 {
            match was[column] {
                "" => assert!(
                    (2.0..4.0).contains(&is[column].parse::<f64>().unwrap()),
                    "row {row}: {is:?}"
                ),
                // Numbers need not keep their last zeros, nor dates a midnight.
                _ if column == 2 || column == 3 => {
                    assert_eq!(was[column].parse::<f64>(), is[column].parse::<f64>(), "row {row}")
                }
                _ => assert!(was[column].starts_with(is[column]), "row {row}: {was:?} {is:?}"),
            }
        }
    }
    assert!(
        place.fails("reconstruct log.ae log.csv --fill -o filled.npy").contains("ends in .csv")
    );
    place.write(
        "complete.csv",
        &("a,b\n".to_owned()
            + &(0..40).map(|row| format!("{row},{}\n", row * row % 7)).collect::<String>()),
    );
    place.ok("train complete.csv --epochs 2 -o complete.ae --quiet", "");
    assert!(
        place
            .fails("reconstruct complete.ae complete.csv --fill -o c.csv")
            .contains("--hidden 0.2")
    );
    let out = place.ok("train complete.csv --epochs 2 --hidden 0.2 -o knows.ae", "");
    let next = "ae reconstruct knows.ae complete.csv --fill -o knows-filled.csv";
    assert!(out.contains(next), "{out}");
    place.ok("reconstruct knows.ae complete.csv --fill -o c.csv --quiet", "");
}

#[test]
fn rows_of_words_are_written_as_words_in_every_format() {
    let place = Folder(TempDir::new().unwrap());
    log(&place);
    for format in ["csv", "parquet"] {
        place.ok(&format!("reconstruct log.ae log.csv -o rows.{format} --quiet"), "");
        let described: Value =
            serde_json::from_str(&place.ok(&format!("data rows.{format} --id row --json"), ""))
                .unwrap();
        let kinds: Vec<&str> = described["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["date", "categorical", "numeric", "numeric", "boolean"], "{format}");
        place.ok(&format!("score log.ae rows.{format} --quiet"), "");
    }
    place.ok("generate log.ae -n 5 -o new.csv --quiet", "");
    assert!(
        place.read("new.csv").lines().nth(1).unwrap().contains("20"),
        "{}",
        place.read("new.csv")
    );
}

#[test]
fn texts_score_the_same_line_by_line_as_from_a_file() {
    let place = Folder(TempDir::new().unwrap());
    let line = |row: u32| match row % 3 {
        0 => format!("disk {} is {} percent full", row % 2, row % 97),
        1 => format!("user {} logged in after {} minutes", row % 5, row % 89),
        _ => format!("backup {} finished in {} seconds", row % 2, row % 83),
    };
    let table = |rows: std::ops::Range<u32>| {
        rows.map(|row| format!("{},{}\n", line(row), row % 3)).collect::<String>()
    };
    place.write("log.csv", &("message,sort\n".to_owned() + &table(0..300)));
    place.ok("train log.csv --epochs 20 --members 2 --family denoising -o log.ae --quiet", "");
    let rows =
        "message,sort\n".to_owned() + &table(300..310) + "kernel panic in interrupt handler,1\n";
    place.write("new.csv", &rows);
    place.ok("score log.ae new.csv -o scores.jsonl --quiet", "");
    let scores = |text: &str| -> Vec<f64> {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["score"].as_f64().unwrap())
            .collect()
    };
    assert_eq!(
        scores(&place.ok("score log.ae - --quiet", &rows)),
        scores(&place.read("scores.jsonl"))
    );
}

#[test]
fn columns_that_the_model_does_not_know_may_hold_anything() {
    let place = Folder::new();
    for extra in ["", "inf", "oops", "2024-13-01"] {
        let rows: String =
            (300..340).map(|row| format!("{},{extra}\n", machine(row).trim())).collect();
        place.write("new.csv", &("temperature,pressure,flow,extra\n".to_owned() + &rows));
        let (good, _, err) = place.run("score machines.ae new.csv", "");
        assert!(good && err.contains("the model does not know them: \"extra\""), "{extra}: {err}");
    }
}

#[test]
fn labels_without_a_normal_one_are_said() {
    let place = Folder::new();
    let rows: String = (300..340).map(|row| format!("{},good\n", machine(row).trim())).collect();
    place.write("new.csv", &("temperature,pressure,flow,state\n".to_owned() + &rows));
    let (_, _, err) = place.run("score machines.ae new.csv --label state", "");
    assert!(
        err.contains("no row has the label of a normal one; labels are good, and --normal LABEL"),
        "{err}"
    );
}

#[test]
fn remedies_of_a_series_work_as_they_are_named() {
    let place = Folder(TempDir::new().unwrap());
    let points = |hours: &[usize]| -> String {
        let point = |hour: &usize| {
            format!(
                "2024-01-{:02} {:02}:00:00,{:.4}\n",
                hour / 24 + 1,
                hour % 24,
                (*hour as f64 / 3.0).sin()
            )
        };
        "time,value\n".to_owned() + &hours.iter().map(point).collect::<String>()
    };
    let hours: Vec<usize> = (0..300).collect();
    place.write("series.csv", &points(&hours));
    place.ok("train series.csv --window 12 --epochs 5 --latent 3 -o series.ae --quiet", "");
    place.write("again.csv", &points(&[&hours[..100], &hours[99..]].concat()));
    assert!(place.fails("score series.ae again.csv").contains("--duplicates mean"));
    place.ok("score series.ae again.csv --duplicates mean --quiet", "");
    assert!(
        place
            .fails("train series.csv --duplicates mean -o x.ae")
            .contains("--window POINTS beside it")
    );
    let text = points(&hours).replacen(&format!("{:.4}", (50f64 / 3.0).sin()), "", 1);
    place.write("hole.csv", &text);
    let error = place.fails("score series.ae hole.csv");
    assert!(
        error.contains("row 51, value has no value") && error.contains("--gaps split"),
        "{error}"
    );
}
