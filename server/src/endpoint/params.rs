//! Query parameters as Plug reads them.

use serde_json::{Map, Value};

/// How deep `a[b][c]…` may nest. A key that goes deeper is dropped.
const MAX_DEPTH: usize = 32;

/// Decodes a query string: `a=1&b[c]=2&d[]=3&d[]=4` is `{"a": "1", "b": {"c": "2"}, "d": ["3", "4"]}`.
///
/// Every value is a string. Of two values for the same key the later one stays, also if they are of
/// different shape. Bytes that are no UTF-8 become U+FFFD, where Plug refuses the request.
pub(super) fn parse(query: &str) -> Map<String, Value> {
    let mut params = Map::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let (name, path) = split(&key);
        if path.len() < MAX_DEPTH {
            let place = params.entry(name).or_insert(Value::Null);
            put(place, &path, value.into_owned());
        }
    }
    params
}

/// Splits `a[b][]` into `a` and `["b", ""]`. A key whose brackets do not match is a name as a whole.
fn split(key: &str) -> (&str, Vec<&str>) {
    let whole = (key, Vec::new());
    let Some(open) = key.find('[') else {
        return whole;
    };
    let Some(inner) = key[open..]
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    else {
        return whole;
    };
    let path: Vec<&str> = inner.split("][").collect();
    if path.iter().any(|part| part.contains(['[', ']'])) {
        return whole;
    }
    (&key[..open], path)
}

fn put(place: &mut Value, path: &[&str], value: String) {
    match path {
        [] => *place = Value::String(value),
        ["", rest @ ..] => {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            if let Value::Array(elements) = place {
                let mut element = Value::Null;
                put(&mut element, rest, value);
                elements.push(element);
            }
        }
        [name, rest @ ..] => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Value::Object(entries) = place {
                put(entries.entry(*name).or_insert(Value::Null), rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn assert_parses(query: &str, expected: Value) {
        assert_eq!(Value::Object(parse(query)), expected);
    }

    #[test]
    fn flat_parameters_are_strings_and_the_last_one_stays() {
        assert_parses("", json!({}));
        assert_parses("a=1&b=x%20y+z&c", json!({"a": "1", "b": "x y z", "c": ""}));
        assert_parses("a=1&a=2", json!({"a": "2"}));
    }

    #[test]
    fn brackets_nest() {
        assert_parses(
            "a[b]=1&a[c][d]=2",
            json!({"a": {"b": "1", "c": {"d": "2"}}}),
        );
        assert_parses("a%5Bb%5D=1", json!({"a": {"b": "1"}}));
    }

    #[test]
    fn empty_brackets_make_lists() {
        assert_parses("a[]=1&a[]=2", json!({"a": ["1", "2"]}));
        assert_parses("a[b][]=1&a[b][]=2", json!({"a": {"b": ["1", "2"]}}));
        assert_parses("a[][b]=1&a[][b]=2", json!({"a": [{"b": "1"}, {"b": "2"}]}));
    }

    #[test]
    fn a_value_of_another_shape_replaces_the_earlier_one() {
        assert_parses("a=1&a[b]=2", json!({"a": {"b": "2"}}));
        assert_parses("a[b]=2&a=1", json!({"a": "1"}));
        assert_parses("a[]=1&a[b]=2", json!({"a": {"b": "2"}}));
    }

    #[test]
    fn brackets_that_do_not_match_are_part_of_the_name() {
        for name in ["a[", "a]", "a[b", "a[b]c", "a[[b]]", "a[b]]"] {
            assert_parses(&format!("{name}=1"), json!({name: "1"}));
        }
    }

    #[test]
    fn what_nests_too_deep_is_dropped() {
        let deep = "[b]".repeat(100_000);
        assert_parses(&format!("a{deep}=1&c=2"), json!({"c": "2"}));
    }

    #[test]
    fn names_of_object_internals_are_ordinary_names() {
        assert_parses("__proto__[a]=1", json!({"__proto__": {"a": "1"}}));
    }
}
