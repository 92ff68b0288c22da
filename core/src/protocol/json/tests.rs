use super::*;

fn kind_of(text: &str) -> Result<(), ErrorKind> {
    validate(text).map_err(|error| error.kind)
}

fn error(text: &str) -> (usize, ErrorKind) {
    let error = validate(text).expect_err(text);
    (error.offset, error.kind)
}

#[test]
fn every_kind_of_value_is_valid_with_whitespace_around_it() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10.5e-3",
        "1E+2",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":[1,2,{\"b\":null}],\"\":\"x\"}",
    ] {
        assert_eq!(validate(text), Ok(()), "{text}");
        let spaced = [" \t\r\n", text, " \t\r\n"].concat();
        assert_eq!(validate(&spaced), Ok(()), "{spaced}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    use ErrorKind::*;
    assert_eq!(error(""), (0, UnexpectedEnd));
    assert_eq!(error("[1,"), (3, UnexpectedEnd));
    assert_eq!(error("[1,]"), (3, ExpectedValue));
    assert_eq!(error("[1 2]"), (3, ExpectedCommaOrEnd));
    assert_eq!(error("[1}"), (2, ExpectedCommaOrEnd));
    assert_eq!(error("{1:2}"), (1, ExpectedKey));
    assert_eq!(error("{\"a\" 1}"), (5, ExpectedColon));
    assert_eq!(error("{\"a\":1,}"), (7, ExpectedKey));
    assert_eq!(error("nul"), (3, UnexpectedEnd));
    assert_eq!(error("nuLl"), (2, InvalidLiteral));
    assert_eq!(error("-"), (1, UnexpectedEnd));
    assert_eq!(error("-x"), (1, InvalidNumber));
    assert_eq!(error("1.x"), (2, InvalidNumber));
    assert_eq!(error("01"), (1, TrailingCharacters));
    assert_eq!(error("\"\\x\""), (2, InvalidEscape));
    assert_eq!(error("\"\\u12g4\""), (5, InvalidEscape));
    assert_eq!(error("\"a\nb\""), (2, ControlCharacter));
    assert_eq!(error("\"a"), (2, UnexpectedEnd));
    assert_eq!(error("1 2"), (2, TrailingCharacters));
    assert_eq!(error("\u{feff}1"), (0, ExpectedValue));
}

#[test]
fn special_bytes_end_a_plain_run_at_every_offset_of_a_word() {
    for len in 0..40 {
        let plain = "é".repeat(len / 2) + &"x".repeat(len % 2);
        for special in ['"', '\\', '\u{0}', '\u{1f}'] {
            let text = [&plain, special.to_string().as_str(), "\"\\ tail"].concat();
            assert_eq!(strings::plain_len(text.as_bytes()), plain.len(), "{text:?}");
        }
        assert_eq!(strings::plain_len(plain.as_bytes()), plain.len());
    }
    assert_eq!(strings::plain_len("\u{20}\u{7f}\u{80}!#[]".as_bytes()), 8);
}

#[test]
fn nesting_is_limited_to_max_depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |levels: usize| {
            let inner = if open == "[" { "" } else { "1" };
            [&open.repeat(levels), inner, &close.repeat(levels)].concat()
        };
        let deepest = usize::from(MAX_DEPTH);
        assert_eq!(kind_of(&nested(deepest)), Ok(()));
        let too_deep = Err(ErrorKind::TooDeep(MAX_DEPTH));
        assert_eq!(kind_of(&nested(deepest + 1)), too_deep);
        assert_eq!(kind_of(&open.repeat(100_000)), too_deep);
    }
}

#[test]
fn a_cursor_counts_the_levels_it_has_entered() {
    let mut cursor = Cursor::with_max_depth("[[[]]]", 2);
    cursor.enter_array().unwrap();
    assert!(cursor.next_element().unwrap());
    let error = cursor.clone().value().unwrap_err();
    assert_eq!((error.offset, error.kind), (2, ErrorKind::TooDeep(2)));
    cursor.enter_array().unwrap();
    assert!(cursor.next_element().unwrap());
    let error = cursor.enter_array().unwrap_err();
    assert_eq!((error.offset, error.kind), (2, ErrorKind::TooDeep(2)));
}

#[test]
fn a_level_that_was_left_no_longer_counts() {
    let text = ["[", &"[[]],".repeat(9), "[[]]]"].concat();
    let mut cursor = Cursor::with_max_depth(&text, 3);
    cursor.enter_array().unwrap();
    while cursor.next_element().unwrap() {
        cursor.enter_array().unwrap();
        assert!(cursor.next_element().unwrap());
        assert_eq!(cursor.value(), Ok("[]"));
        assert!(!cursor.next_element().unwrap());
    }
    assert_eq!(cursor.end(), Ok(()));
}

#[test]
fn skipping_a_value_passes_what_reading_it_passes() {
    for text in [
        " \"a\\u0022b\" ]",
        "\"\"",
        "-1.5e3 }",
        "[{\"a\":\"b\"}] ,",
        "\"open",
        "\"\\x\"",
        "nil",
        "",
    ] {
        let (mut read, mut skipped) = (Cursor::new(text), Cursor::new(text));
        let read = read.value().map(drop).map(|()| read.offset());
        assert_eq!(skipped.skip().map(|()| skipped.offset()), read, "{text}");
    }
}

#[test]
fn entries_give_exact_value_texts_in_order_with_duplicates() {
    let text = " { \"a\" : [ 1 ] , \"b\\n\":{ } ,\"a\":\t\"x\"\n} ";
    let found: Vec<_> = entries(text)
        .map(|entry| entry.map(|(key, value)| (key.decode().into_owned(), value)))
        .collect::<Result<_, _>>()
        .unwrap();
    let expected = [("a", "[ 1 ]"), ("b\n", "{ }"), ("a", "\"x\"")];
    assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(get(text, "a"), Some("\"x\""));
    assert_eq!(get(text, "c"), None);
    assert_eq!(get("[]", "a"), None);
    assert_eq!(entries("{}").count(), 0);
}

#[test]
fn elements_give_exact_value_texts() {
    let found: Result<Vec<_>, _> = elements("[ 1 ,\"]\" , [2,[3]],{} ]").collect();
    assert_eq!(found.unwrap(), ["1", "\"]\"", "[2,[3]]", "{}"]);
    assert_eq!(elements(" [ ] ").count(), 0);
}

#[test]
fn iteration_ends_with_the_first_error() {
    let mut elements = elements("[1,}");
    assert_eq!(elements.next(), Some(Ok("1")));
    let error = elements.next().unwrap().unwrap_err();
    assert_eq!((error.offset, error.kind), (3, ErrorKind::ExpectedValue));
    assert_eq!(elements.next(), None);

    let trailing = entries("{} x").next().unwrap().unwrap_err();
    assert_eq!(trailing.kind, ErrorKind::TrailingCharacters);
    let wrong = entries("[]").next().unwrap().unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::ExpectedObject);
    let wrong = super::elements("{}").next().unwrap().unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::ExpectedArray);
}

#[test]
fn strings_decode_and_compare_by_what_they_mean() {
    let decoded = |text| Str::parse(text).unwrap().decode().into_owned();
    assert_eq!(
        decoded(r#""a\"\\\/\b\f\n\r\té\u00e9""#),
        "a\"\\/\u{8}\u{c}\n\r\téé"
    );
    assert_eq!(decoded(r#""\ud83d\ude00!""#), "😀!");
    assert_eq!(decoded(r#""\ud83d""#), "\u{fffd}");
    assert_eq!(decoded(r#""\ud83dx""#), "\u{fffd}x");
    assert_eq!(decoded(r#""\ude00\ud83d\ude00""#), "\u{fffd}😀");
    assert_eq!(decoded(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
    assert_eq!(decoded(r#""\ud83d\n""#), "\u{fffd}\n");

    let escaped = Str::parse(r#""\u0061b""#).unwrap();
    let plain = Str::parse("\"ab\"").unwrap();
    assert!(plain.is_plain() && !escaped.is_plain());
    assert_eq!(escaped, plain);
    assert_eq!(escaped, "ab");
    assert_ne!(escaped, "a");
    assert_ne!(plain, "abc");
    assert_eq!(plain.raw(), "ab");
    assert!(Str::parse("1").is_err() && Str::parse("\"a\"b").is_err());
}

#[test]
fn written_strings_are_escaped_as_by_json_stringify() {
    let mut out = String::from(">");
    write_str(
        &mut out,
        "a\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é😀\u{2028}",
    );
    assert_eq!(
        out,
        ">\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é😀\u{2028}\""
    );
}

#[test]
fn the_range_of_a_part_is_where_it_stands() {
    let text = "[1, {\"a\":2}]";
    let part = elements(text).nth(1).unwrap().unwrap();
    assert_eq!(range_of(text, part), Some(4..11));
    assert_eq!(range_of(text, text), Some(0..text.len()));
    assert_eq!(range_of(part, text), None);
}

#[test]
fn kinds_are_told_by_the_first_byte() {
    assert!(is_object(" {}") && !is_object("[]") && !is_object(""));
    assert!(is_array("\n[]") && !is_array("{}"));
}

#[test]
fn errors_read_as_sentences() {
    let error = validate("[1,]").unwrap_err();
    assert_eq!(error.to_string(), "expected a JSON value at byte 3");
    let error = validate(&"[".repeat(200)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "objects and arrays nest deeper than 128 levels at byte 128"
    );
}
