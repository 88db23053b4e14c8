//! Query parameters: read into the API's types; unknown and repeated names are refused.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::value::{Error as ReadError, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use whodid_api::Code;

use super::failure::Failure;

/// Longest query string in bytes.
const QUERY_BYTES_MAX: usize = 48 << 10;
/// Most parameters of a request; repeated ones count each time.
const PARAMETERS_MAX: usize = 64;

/// The query parameters of a request as the type `T`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Of routes that have no parameter.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The `{id}` or `{name}` of a path.
#[derive(Debug)]
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        let id = read.ok().map(|Path(id)| id).filter(|id| !id.contains('\0'));
        let id =
            id.ok_or_else(|| Failure::new(Code::InvalidRequest, "the id in the path is not UTF-8, or holds U+0000"))?;
        // Also what is refused is told of what it was about.
        if let Some(attempt) = parts.extensions.get::<super::audit::Attempt>() {
            attempt.is_about(&id, "");
        }
        Ok(Self(id))
    }
}

/// Several segments of a path, the last of which says what the request is about.
#[derive(Debug)]
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let wrong = || Failure::new(Code::InvalidRequest, "the path is not UTF-8, or holds U+0000");
        if parts.uri.path().contains("%00") {
            return Err(wrong());
        }
        let Path(segments) = Path::<T>::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        if let Some(attempt) = parts.extensions.get::<super::audit::Attempt>() {
            let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
            attempt.is_about(&percent_decode_str(last).decode_utf8_lossy(), "");
        }
        Ok(Self(segments))
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
    if query.len() > QUERY_BYTES_MAX {
        let detail = format!("the query string has {} bytes; at most {QUERY_BYTES_MAX} are read", query.len());
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let mut values: BTreeMap<String, Values> = BTreeMap::new();
    for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count == PARAMETERS_MAX {
            let detail = format!("the query string has more than {PARAMETERS_MAX} parameters");
            return Err(Failure::new(Code::BadParameter, detail));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        values.entry(decode(name)?).or_default().0.push(decode(value)?);
    }
    let names: Vec<String> = values.keys().cloned().collect();
    let pairs = values.into_iter().map(|(name, values)| (name.clone(), Named { name, values }));
    T::deserialize(MapDeserializer::new(pairs)).map_err(|error: ReadError| {
        let text = error.to_string();
        let unknown = names.iter().any(|name| text.starts_with(&format!("unknown field `{name}`")));
        if unknown {
            return Failure::new(Code::UnknownParameter, text.replacen("unknown field", "there is no parameter", 1));
        }
        Failure::new(Code::BadParameter, text)
    })
}

fn decode(text: &str) -> Result<String, Failure> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| Failure::new(Code::BadParameter, "the query string is not UTF-8, or holds U+0000"))
}

#[derive(Debug, Default)]
struct Values(Vec<String>);

/// The values of one parameter, for serde.
#[derive(Debug)]
struct Named {
    name: String,
    values: Values,
}

impl Named {
    fn one(self) -> Result<String, ReadError> {
        let Self { name, values: Values(mut values) } = self;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(ReadError::custom(format!("`{name}` is given more than once"))),
        }
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for Named {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Named {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_string(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // An empty value means the same as none, as forms send it.
        if self.values.0.iter().all(String::is_empty) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(SeqDeserializer::new(self.values.0.into_iter()))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let name = self.name.clone();
        let text = self.one()?;
        let number = text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            ReadError::custom(format!("`{name}` is {shown:?}; it must be a whole number"))
        })?;
        visitor.visit_u32(number)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let name = self.name.clone();
        match self.one()?.as_str() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => {
                let shown: String = text.chars().take(40).collect();
                Err(ReadError::custom(format!("`{name}` is {shown:?}; it must be true or false")))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let parameter = self.name.clone();
        let text = self.one()?;
        if !variants.contains(&text.as_str()) {
            let shown: String = text.chars().take(40).collect();
            let list = variants.join(", ");
            return Err(ReadError::custom(format!("`{parameter}` is {shown:?}; it must be one of {list}")));
        }
        let text: serde::de::value::StringDeserializer<ReadError> = text.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use whodid_api::{FacetParams, IngestFormat, IngestParams, Order, SearchParams};

    #[test]
    fn parameters_are_read_with_their_types() {
        let params: SearchParams = read("q=a%3Ab+c&limit=5&order=asc&from=&region=eu%2Dde").unwrap();
        assert_eq!(params.q.as_deref(), Some("a:b c"));
        assert_eq!((params.limit, params.order, params.from), (Some(5), Some(Order::Asc), None));
        let facets: FacetParams = read("field=a&field=b&limit=3").unwrap();
        assert_eq!(facets.field, ["a", "b"]);
        let ingest: IngestParams = read("format=ibm-at").unwrap();
        assert_eq!(ingest.format, Some(IngestFormat::IbmAt));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        fn check(query: &str, code: Code, words: &str) {
            let failure = read::<SearchParams>(query).unwrap_err();
            assert_eq!(failure.code(), code, "{query}");
            assert!(format!("{failure:?}").contains(words), "{query}: {failure:?}");
        }
        check("colour=red", Code::UnknownParameter, "`colour`");
        check("limit=ten", Code::BadParameter, "`limit` is");
        check("limit=-1", Code::BadParameter, "`limit` is");
        check("order=up", Code::BadParameter, "desc, asc");
        check("q=a&q=b", Code::BadParameter, "more than once");
        check("q=%ff", Code::BadParameter, "UTF-8");
        check("q=a%00b", Code::BadParameter, "U+0000");
        check(&"a&".repeat(20_000), Code::BadParameter, "64 parameters");
        check(&"q=&".repeat(65), Code::BadParameter, "64 parameters");
        check(&format!("q={}", "x".repeat(50_000)), Code::BadParameter, "at most");
        for (query, expected) in [("account_level=true", Some(true)), ("account_level=false", Some(false)), ("", None)]
        {
            assert_eq!(read::<whodid_api::DaysParams>(query).unwrap().account_level, expected);
        }
        assert_eq!(read::<whodid_api::DaysParams>("account_level=1").unwrap_err().code(), Code::BadParameter);
        assert_eq!(read::<IngestParams>("format=xml").unwrap_err().code(), Code::BadParameter);
    }
}
