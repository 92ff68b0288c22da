//! Tokens made by Elixir 1.18 on OTP 25 with `Plug.Crypto` 2.1.

use serde_json::Value;

use super::*;

fn file() -> Value {
    let file: Value = serde_json::from_str(include_str!("../testdata/token-vectors.json")).unwrap();
    assert_eq!(file["secret_key_base"], BASE);
    assert_eq!(file["salt"], SALT);
    assert_eq!(file["signed_at_s"], SIGNED / 1000);
    file
}

fn list(name: &str) -> Vec<Value> {
    file()[name].as_array().unwrap().clone()
}

fn extra(name: &str) -> String {
    let extra = list("extra")
        .into_iter()
        .find(|vector| vector["name"] == name)
        .unwrap();
    extra["token"].as_str().unwrap().to_owned()
}

fn map<const N: usize>(entries: [(&str, Term); N]) -> Term {
    Term::Map(
        entries
            .map(|(key, value)| (Term::atom(key), value))
            .to_vec(),
    )
}

/// The terms of the file, by the way Elixir shows them.
fn term(inspect: &str) -> Term {
    let ints = |ints: &[i128]| Term::List(ints.iter().copied().map(Term::Int).collect());
    match inspect {
        "1" | "255" | "256" | "-1" | "2147483648" | "18446744073709551616" => {
            Term::Int(inspect.parse().unwrap())
        }
        "\"user-1\"" | "\"zo\u{eb}\"" | "\"\"" => inspect.trim_matches('"').into(),
        "1.5" => Term::Float(1.5),
        "nil" | "true" => Term::atom(inspect),
        ":admin" => Term::atom("admin"),
        "[1, 2, 3]" => ints(&[1, 2, 3]),
        "[\"a\", \"b\"]" => Term::List(vec!["a".into(), "b".into()]),
        "[]" => Term::List(vec![]),
        "{:user, 5}" => Term::Tuple(vec![Term::atom("user"), Term::Int(5)]),
        "%{role: \"admin\", user_id: 5}" => {
            map([("role", "admin".into()), ("user_id", Term::Int(5))])
        }
        "%{\"user_id\" => 5}" => Term::Map(vec![("user_id".into(), Term::Int(5))]),
        "%{id: \"u1\", scopes: [\"a\", %{x: [1, 300]}]}" => {
            let scopes = vec!["a".into(), map([("x", ints(&[1, 300]))])];
            map([("id", "u1".into()), ("scopes", Term::List(scopes))])
        }
        other => panic!("a new vector: {other}"),
    }
}

/// OTP 25 writes `d` and two bytes of length where OTP 26 writes `w` and one byte.
fn with_atoms_of_otp_26(payload_hex: &str) -> String {
    [
        "nil", "true", "admin", "user", "role", "user_id", "id", "scopes", "x",
    ]
    .iter()
    .fold(payload_hex.to_owned(), |payload, atom| {
        let (length, name) = (atom.len(), hex(atom.as_bytes()));
        payload.replace(
            &format!("64{length:04x}{name}"),
            &format!("77{length:02x}{name}"),
        )
    })
}

#[test]
fn keys_are_derived_as_by_elixir() {
    for vector in list("keys") {
        let options = KeyOptions {
            iterations: vector["iterations"].as_u64().unwrap() as u32,
            length: vector["length"].as_u64().unwrap() as usize,
            digest: match vector["digest"].as_str().unwrap() {
                "sha256" => Digest::Sha256,
                "sha512" => Digest::Sha512,
                other => panic!("a new digest: {other}"),
            },
        };
        let key = Key::derive_with(BASE, SALT, options).unwrap();
        assert_eq!(hex(key.as_bytes()), vector["key_hex"], "{options:?}");
    }
    let default = Key::derive(BASE, SALT).unwrap();
    assert_eq!(hex(default.as_bytes()), list("keys")[0]["key_hex"]);
}

#[test]
fn every_token_of_elixir_is_accepted() {
    let signer = signer();
    let vectors = list("signed");
    assert_eq!(vectors.len(), 20);
    for vector in vectors {
        let token = vector["token"].as_str().unwrap();
        let expected = term(vector["inspect"].as_str().unwrap());
        assert_eq!(
            signer.verify(Some(token), SIGNED, None),
            Ok(expected),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn every_token_of_ours_is_the_one_of_elixir() {
    let signer = signer();
    for vector in list("signed") {
        let data = term(vector["inspect"].as_str().unwrap());
        let token = signer.sign(data, SIGNED, MaxAge::default()).unwrap();

        let elixirs = vector["payload_hex"].as_str().unwrap();
        let expected = with_atoms_of_otp_26(elixirs);
        let payload = URL_SAFE_NO_PAD
            .decode(token.split('.').nth(1).unwrap())
            .unwrap();
        assert_eq!(hex(&payload), expected, "{}", vector["name"]);
        if expected == elixirs {
            assert_eq!(
                token,
                vector["token"].as_str().unwrap(),
                "{}",
                vector["name"]
            );
        }
    }
}

#[test]
fn the_age_in_a_token_of_elixir_counts() {
    let (signer, minute) = (signer(), extra("max_age 60 signed"));
    assert_eq!(
        signer.verify(Some(&minute), SIGNED + 60_000, None),
        Ok("u".into())
    );
    assert_eq!(
        signer.verify(Some(&minute), SIGNED + 60_001, None),
        Err(TokenError::Expired)
    );

    let infinite = extra("max_age infinity");
    assert_eq!(
        signer.verify(Some(&infinite), u64::MAX, None),
        Ok("u".into())
    );
    assert_eq!(signer.sign("u", SIGNED, MaxAge::Seconds(60)), Ok(minute));
}

#[test]
fn payloads_of_older_versions_are_good_for_a_day() {
    for name in ["old 2-tuple format", "old map format"] {
        let token = extra(name);
        assert_eq!(
            signer().verify(Some(&token), SIGNED + DAY, None),
            Ok("u".into())
        );
        assert_eq!(
            signer().verify(Some(&token), SIGNED + DAY + 1, None),
            Err(TokenError::Expired)
        );
    }
}

#[test]
fn a_key_of_sha512_fits_the_token_of_one() {
    let options = KeyOptions {
        digest: Digest::Sha512,
        ..KeyOptions::default()
    };
    let signer = Signer::new(Key::derive_with(BASE, SALT, options).unwrap());
    assert_eq!(
        signer.verify(Some(&extra("sha512 key")), SIGNED, None),
        Ok("u".into())
    );
}

#[test]
fn a_compressed_payload_is_read() {
    let token = extra("compressed term (like 2.2 :compressed)");
    let data = signer().verify(Some(&token), SIGNED, None).unwrap();
    let text = data.as_str().unwrap();
    assert!(
        text.len() > 150 && text.bytes().all(|b| b == text.as_bytes()[0]),
        "{text}"
    );
}

#[test]
fn an_encrypted_token_is_refused_by_that_name() {
    let token = extra("encrypted (XCP, plug_crypto 2.x)");
    assert_eq!(
        signer().verify(Some(&token), SIGNED, None),
        Err(InvalidToken::Encrypted.into())
    );
}
