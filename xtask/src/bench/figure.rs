//! Figures: a line of JSON each, and the table in docs/benchmarks.md.

use serde_json::Value;

/// A measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// The run that came before the counted ones.
    pub first: Option<f64>,
    pub best: Option<f64>,
    /// CPU seconds of the server for one run.
    pub cpu: Option<f64>,
    /// Whether the answer was right; `None` where there is nothing to compare with.
    pub ok: Option<bool>,
    /// Among how many events, where that is not the number of the whole run.
    pub events: Option<u64>,
}

impl Figure {
    pub fn plain(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, first: None, best: None, cpu: None, ok: None, events: None }
    }

    pub fn checked(self, ok: bool) -> Self {
        Self { ok: Some(ok), ..self }
    }

    /// One line of JSON, its members in the order in which people read them.
    pub fn line(&self, events: u64) -> String {
        let events = self.events.unwrap_or(events);
        let mut line = format!(
            r#"{{"peer":"whodid","figure":{},"value":{},"unit":{},"events":{events}"#,
            Value::from(self.name.as_str()),
            rounded(self.value),
            Value::from(self.unit)
        );
        for (name, value) in [("first", self.first), ("best", self.best), ("cpu", self.cpu)] {
            if let Some(value) = value {
                line.push_str(&format!(r#","{name}":{}"#, rounded(value)));
            }
        }
        if let Some(ok) = self.ok {
            line.push_str(&format!(r#","ok":{ok}"#));
        }
        line.push('}');
        line
    }

    fn row(&self) -> String {
        let cell = |value: Option<f64>| value.map_or(String::new(), shown);
        let ok = match self.ok {
            Some(true) => "right",
            Some(false) => "**wrong: void**",
            None => "",
        };
        let (name, value, unit) = (&self.name, shown(self.value), self.unit);
        format!(
            "| {name} | {value} | {unit} | {} | {} | {} | {ok} |",
            cell(self.first),
            cell(self.best),
            cell(self.cpu)
        )
    }
}

/// Four figures say more than the measurement knows.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

fn shown(value: f64) -> String {
    let value = rounded(value);
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value}") }
}

const BEGIN: &str = "<!-- bench:begin (written by `cargo xtask bench --write`) -->";
const END: &str = "<!-- bench:end -->";

/// `document` with the table between its marks replaced; `None` when it has no marks.
pub fn in_document(document: &str, machine: &str, figures: &[Figure]) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let rows: Vec<String> = figures.iter().map(Figure::row).collect();
    let head = "| figure | value | unit | first | best | server CPU s | answer |\n| --- | ---: | --- | ---: | ---: | ---: | --- |";
    Some(format!("{before}{BEGIN}\n\n{machine}\n\n{head}\n{}\n\n{END}{after}", rows.join("\n")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_figure_is_one_line_of_json() {
        let figure = Figure {
            first: Some(0.09),
            best: Some(0.028),
            cpu: Some(0.03),
            ..Figure::plain("q6_histogram", 0.031_234_5, "s").checked(true)
        };
        let line: Value = serde_json::from_str(&figure.line(1000)).unwrap();
        assert_eq!(
            line,
            json!({"peer":"whodid","figure":"q6_histogram","value":0.03123,"unit":"s","events":1000,"first":0.09,"best":0.028,"cpu":0.03,"ok":true})
        );
    }

    #[test]
    fn the_table_is_replaced_between_its_marks_and_the_rest_stays() {
        let document = format!("# A\n\n{BEGIN}\nold\n{END}\n\nrest\n");
        let written =
            in_document(&document, "two cores", &[Figure::plain("rate", 12_345.6, "events/s").checked(false)]).unwrap();
        assert!(written.starts_with("# A\n") && written.ends_with("\n\nrest\n") && !written.contains("old"));
        assert!(written.contains("| rate | 12350 | events/s |  |  |  | **wrong: void** |"), "{written}");
        assert!(in_document("no marks", "", &[]).is_none());
    }
}
