use crate::socket;

const CORE: &str = include_str!("../../js/core.js");
const CHANNEL: &str = include_str!("../../js/channel.js");
const SOCKET: &str = include_str!("../../js/socket.js");

type Numbers = Vec<(String, u8)>;

fn sorted(numbers: impl IntoIterator<Item = (String, u8)>) -> Numbers {
    let mut numbers: Numbers = numbers.into_iter().collect();
    numbers.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    numbers
}

fn in_rust(all: &[(&str, u8)]) -> Numbers {
    sorted(all.iter().map(|&(name, number)| (name.to_owned(), number)))
}

/// The name and the number of a line like `export const POLL = 0;`, if it is one.
fn constant(line: &str) -> Option<(String, u8)> {
    let (name, value) = line
        .trim_start_matches("export ")
        .strip_prefix("const ")?
        .split_once(" = ")?;
    Some((name.to_owned(), value.strip_suffix(';')?.parse().ok()?))
}

/// What stands between the two in the text.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("the JavaScript has no {before:?} any more"));
    rest.split_once(after).expect("an end").0
}

/// The strings of an array, in capitals like constants, with their places; `first` is the number of the first.
fn array(text: &str, name: &str, first: u8) -> Numbers {
    let names = between(text, &format!("const {name} = ["), "]").split(", ");
    let numbered = (first..).zip(names);
    let strings = numbered.filter(|(_, value)| value.starts_with('"'));
    strings
        .map(|(number, value)| (value.trim_matches('"').to_uppercase(), number))
        .collect()
}

/// What is added to a place in the array to get the number.
fn added(text: &str, array: &str) -> u8 {
    let (before, _) = text
        .split_once(&format!(" + {array}.indexOf("))
        .unwrap_or_else(|| panic!("the JavaScript adds nothing to a place in {array} any more"));
    let number = before.rsplit(' ').next().expect("a word");
    number.parse().expect("a number")
}

fn assert_without_gaps(numbers: &Numbers, first: u8) {
    for (expected, (name, number)) in (first..).zip(numbers) {
        assert_eq!(*number, expected, "the number of {name}, in {numbers:?}");
    }
}

#[test]
fn what_javascript_tells_a_socket_and_hears_of_it_has_the_same_names_and_numbers_there() {
    let exported = CORE.lines().filter(|line| line.starts_with("export "));
    let (outs, calls): (Numbers, Numbers) = exported
        .filter_map(constant)
        .partition(|(name, _)| name.starts_with("OUT_"));
    let outs = outs
        .into_iter()
        .map(|(name, number)| (name.replacen("OUT_", "", 1), number));
    assert_eq!(sorted(calls), in_rust(socket::Call::ALL));
    assert_eq!(sorted(outs), in_rust(socket::Out::ALL));
    assert_without_gaps(&in_rust(socket::Call::ALL), 0);
    assert_without_gaps(&in_rust(socket::Out::ALL), 0);
}

#[test]
fn an_output_is_as_many_numbers_as_javascript_reads() {
    let read = between(CORE, "const OUT_NUMBERS = ", ";");
    assert_eq!(read.parse(), Ok(socket::OUT_NUMBERS));
}

#[test]
fn the_kind_of_a_message_has_the_number_that_javascript_gives_it() {
    let [events, statuses] = ["EVENTS", "STATUSES"].map(|name| added(CORE, name));
    let replies = array(CORE, "STATUSES", statuses).into_iter();
    let named = replies.map(|(status, number)| (format!("REPLY_{status}"), number));
    // The place of what is not in an array is -1.
    let others = [
        ("OTHER".to_owned(), events - 1),
        ("REPLY_OTHER".to_owned(), statuses - 1),
    ];
    let kinds = sorted(
        array(CORE, "EVENTS", events)
            .into_iter()
            .chain(named)
            .chain(others),
    );
    assert_eq!(kinds, in_rust(socket::Heard::ALL));
    assert_without_gaps(&kinds, 0);
}

#[test]
fn what_becomes_of_a_message_has_the_same_names_and_numbers_in_javascript() {
    // The first lines that declare something.
    let declared = SOCKET
        .lines()
        .skip_while(|line| !line.starts_with("const "))
        .take_while(|line| line.starts_with("const "));
    let declared = sorted(declared.filter_map(constant));
    assert_eq!(declared, in_rust(socket::Received::ALL));
    assert_without_gaps(&declared, 0);
}

#[test]
fn states_and_causes_stand_in_javascript_at_the_places_of_their_numbers() {
    assert_eq!(array(CHANNEL, "STATES", 0), in_rust(socket::State::ALL));
    assert_without_gaps(&in_rust(socket::State::ALL), 0);
    // That of the server has no name there.
    let causes = array(SOCKET, "REASONS", 0);
    let server = ("SERVER".to_owned(), 0);
    assert_eq!(
        sorted([server].into_iter().chain(causes)),
        in_rust(socket::Cause::ALL)
    );
    assert_without_gaps(&in_rust(socket::Cause::ALL), 0);
}
