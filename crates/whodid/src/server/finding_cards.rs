//! What a card of the Findings API names and shows.

use whodid_api::{CardElement, NoteWrite, ValueType};
use whodid_model::AccountName;

/// The name of a note with its account, which the cards of Security Advisor's manual leave out.
pub fn whole_name(account: &AccountName, name: &str) -> String {
    if name.starts_with("providers/") { format!("{account}/{name}") } else { name.to_owned() }
}

pub fn with_whole_names(account: &AccountName, mut note: NoteWrite) -> NoteWrite {
    let whole = |names: &mut Vec<String>| names.iter_mut().for_each(|name| *name = whole_name(account, name));
    let Some(card) = &mut note.card else { return note };
    whole(&mut card.finding_note_names);
    for element in &mut card.elements {
        let values = match element {
            CardElement::Numeric { value_type, .. } => std::slice::from_mut(value_type),
            CardElement::Breakdown { value_types, .. } | CardElement::TimeSeries { value_types, .. } => value_types,
        };
        for value in values {
            match value {
                ValueType::FindingCount { finding_note_names, .. } => whole(finding_note_names),
                ValueType::Kpi { kpi_note_names, .. } => whole(kpi_note_names),
            }
        }
    }
    note
}

fn value_text(value: &ValueType) -> &str {
    match value {
        ValueType::FindingCount { text, .. } | ValueType::Kpi { text, .. } => text,
    }
}

/// Four numbers, or two with one breakdown or one series.
pub fn wrong_elements(elements: &[CardElement]) -> Option<String> {
    let long = |what: &str, text: &str, max: usize| {
        (text.chars().count() > max).then(|| format!("`{what}` has more than {max} characters"))
    };
    let (mut numbers, mut breakdowns, mut series) = (0, 0, 0);
    for element in elements {
        let (text, max, range) = match element {
            CardElement::Numeric { text, default_time_range, .. } => {
                numbers += 1;
                (text, 60, default_time_range)
            }
            CardElement::Breakdown { text, default_time_range, .. } => {
                breakdowns += 1;
                (text, 65, default_time_range)
            }
            CardElement::TimeSeries { text, value_types, default_time_range, .. } => {
                series += 1;
                if value_types.is_empty() || value_types.len() > 3 {
                    return Some("a TIME_SERIES shows one to three `value_types`".to_owned());
                }
                if value_types.iter().any(|value| matches!(value, ValueType::Kpi { .. })) {
                    return Some("a TIME_SERIES counts findings only; use FINDING_COUNT".to_owned());
                }
                (text, 65, default_time_range)
            }
        };
        if let Some(wrong) = long("card.elements.text", text, max) {
            return Some(wrong);
        }
        if let CardElement::Breakdown { value_types, .. } | CardElement::TimeSeries { value_types, .. } = element
            && value_types.len() > 1
            && value_types.iter().any(|value| value_text(value).is_empty())
        {
            return Some("each of several `value_types` needs a `text`, or nobody can tell them apart".to_owned());
        }
        if range.as_ref().is_some_and(|range| !["1d", "2d", "3d", "4d"].contains(&range.as_str())) {
            return Some("`default_time_range` is 1d, 2d, 3d or 4d".to_owned());
        }
    }
    let fits = match (breakdowns, series) {
        (0, 0) => (1..=4).contains(&numbers),
        (1, 0) | (0, 1) => numbers <= 2,
        _ => false,
    };
    (!fits).then(|| "a card shows four NUMERIC, or two and one BREAKDOWN or one TIME_SERIES".to_owned())
}
