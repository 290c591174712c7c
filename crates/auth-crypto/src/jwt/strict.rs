//! JSON read strictly: an object whose names are unique at every depth (RFC 8725 §3.10, RFC 7515 §4).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

/// A JSON value, as far as tokens use it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Text(String),
    Integer(u64),
    List(Vec<Json>),
    Object(Object),
    /// Null, a truth value, or a number that is negative, fractional or too large: no member of a
    /// token may be one, so they need not be told apart.
    Unusable,
}

/// An object, its members in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object(Vec<(String, Json)>);

impl Object {
    /// Reads one object and nothing after it.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object, A::Error> {
                members(map)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Integer(number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Unusable)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Unusable)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Unusable)
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Unusable)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Json, A::Error> {
                members(map).map(Json::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Most members one object may have: our own tokens have 13, and comparing each name with all others
/// must stay cheap.
const MAX_MEMBERS: usize = 64;

fn members<'de, A: MapAccess<'de>>(mut map: A) -> Result<Object, A::Error> {
    let mut object = Object::default();
    while let Some((name, value)) = map.next_entry::<String, Json>()? {
        if object.0.len() == MAX_MEMBERS || object.get(&name).is_some() {
            return Err(A::Error::custom("a name occurs twice, or there are too many"));
        }
        object.0.push((name, value));
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_object_with_unique_names() {
        let object = Object::parse(br#" {"a":"x","b":[1,{"c":2}],"n":null} "#).unwrap();
        assert_eq!(object.get("a"), Some(&Json::Text("x".to_owned())));
        assert_eq!(object.get("n"), Some(&Json::Unusable));
        assert_eq!(object.names().collect::<Vec<_>>(), ["a", "b", "n"]);
    }

    #[test]
    fn refuses_everything_else() {
        let bad: [&[u8]; 11] = [
            b"",
            b"[]",
            b"\"a\"",
            b"null",
            br#"{"a":1}{"b":2}"#,
            br#"{"a":1,"a":1}"#,
            br#"{"a":1,"\u0061":1}"#,
            br#"{"a":{"b":1,"b":1}}"#,
            br#"{"a":1,}"#,
            br#"{"a":1e400}"#,
            b"{\"a\":\"\xff\"}",
        ];
        for text in bad {
            assert_eq!(Object::parse(text), None, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(Object::parse(&[b"{\"a\":".repeat(200), b"1".to_vec(), b"}".repeat(200)].concat()), None);
    }

    #[test]
    fn only_whole_numbers_from_zero_up_count() {
        for text in ["-1", "1.0", "1e3", "1e300", "-0", "true", "null", "18446744073709551616"] {
            let object = Object::parse(format!("{{\"n\":{text}}}").as_bytes());
            assert_eq!(object.unwrap().get("n"), Some(&Json::Unusable), "{text}");
        }
    }
}
