//! Prints what the decoder makes of files: `cargo run -p whodid-decode --example decode -- FILE… [--format F] [--sentences]`.

use std::io::Write;

use whodid_decode::{Format, decode};
use whodid_model::{Field, Timestamp};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut format = Format::Auto;
    let mut sentences = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--sentences" {
            sentences = true;
            continue;
        }
        if argument == "--format" {
            let name = arguments.next().unwrap_or_default();
            format = Format::parse(&name).unwrap_or(Format::Auto);
            continue;
        }
        match std::fs::read(&argument) {
            Ok(body) if sentences => print_sentences(&mut out, format, &body)?,
            Ok(body) => print_file(&mut out, &argument, format, &body)?,
            Err(error) => writeln!(out, "{argument}: {error}")?,
        }
    }
    Ok(())
}

fn print_file(out: &mut impl Write, name: &str, format: Format, body: &[u8]) -> std::io::Result<()> {
    let items = decode(format, body, Timestamp::from_micros(0));
    let rejects = items.iter().filter(|item| item.event.is_err()).count();
    writeln!(out, "== {name}: {} events, {rejects} rejects", items.len() - rejects)?;
    for item in &items {
        match &item.event {
            Err(reject) => writeln!(
                out,
                "{:>5} {:<11} REJECT {}: {}",
                item.index,
                item.format.as_str(),
                reject.code.as_str(),
                reject.detail
            )?,
            Ok(event) => {
                let show = |field: Field| shorten(event.fields.get(field).unwrap_or("·"));
                writeln!(
                    out,
                    "{:>5} {:<11} {} | {:<7} {} | who {} <{}> {} | what {} = {} {} | to {} ({}) {} | {} {} {} | {} | {} {}",
                    item.index,
                    item.format.as_str(),
                    &event.event_time.to_string()[..19],
                    show(Field::Outcome),
                    show(Field::Severity),
                    show(Field::InitiatorName),
                    show(Field::InitiatorId),
                    show(Field::Address),
                    show(Field::Action),
                    show(Field::CadfAction),
                    show(Field::Access),
                    show(Field::TargetName),
                    show(Field::TargetType),
                    show(Field::TargetId),
                    show(Field::ReasonCode),
                    show(Field::ReasonType),
                    show(Field::ReasonText),
                    show(Field::Service),
                    show(Field::Region),
                    show(Field::Agent),
                )?;
            }
        }
    }
    Ok(())
}

fn print_sentences(out: &mut impl Write, format: Format, body: &[u8]) -> std::io::Result<()> {
    for item in decode(format, body, Timestamp::from_micros(0)) {
        match item.event {
            Ok(event) => writeln!(out, "{}", whodid_model::sentence::summary(&event.fields))?,
            Err(reject) => writeln!(out, "could not be read: {}", reject.detail)?,
        }
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(36).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace('\n', " ")
}
