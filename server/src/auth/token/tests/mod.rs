use std::time::Duration;

use super::*;
use crate::auth::term::Limit;

mod properties;
mod vectors;

const BASE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SALT: &str = "user socket";
/// When the tokens of the vectors were signed.
const SIGNED: u64 = 1_700_000_000_000;
const DAY: u64 = 86_400_000;

fn signer() -> Signer {
    Signer::new(Key::derive(BASE, SALT).unwrap())
}

/// A signer whose key costs no time to derive, for properties.
fn quick_signer() -> Signer {
    let options = KeyOptions {
        iterations: 1,
        ..KeyOptions::default()
    };
    Signer::new(Key::derive_with(BASE, SALT, options).unwrap())
}

/// A token with any payload at all, rightly signed.
fn signed(signer: &Signer, digest: Digest, payload: &[u8]) -> String {
    let input = format!("{}.{}", digest.header(), URL_SAFE_NO_PAD.encode(payload));
    let signature = mac::sign(digest, signer.key.as_bytes(), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signed_term(term: &Term) -> String {
    let signer = quick_signer();
    signed(
        &signer,
        Digest::Sha256,
        &term.encode(&Limits::default()).unwrap(),
    )
}

fn claims(signed_at: Term, max_age: Term) -> String {
    signed_term(&Term::Tuple(vec![Term::from("u"), signed_at, max_age]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_token_of_another_secret_salt_or_key_option_is_invalid() {
    let token = signer().sign("u", SIGNED, MaxAge::Infinity).unwrap();
    let other_base = BASE.replace('0', "1");
    let options = KeyOptions::default();
    for key in [
        Key::derive(&other_base, SALT),
        Key::derive(BASE, "other"),
        Key::derive_with(
            BASE,
            SALT,
            KeyOptions {
                iterations: 999,
                ..options
            },
        ),
        Key::derive_with(
            BASE,
            SALT,
            KeyOptions {
                length: 31,
                ..options
            },
        ),
        Key::derive_with(
            BASE,
            SALT,
            KeyOptions {
                digest: Digest::Sha384,
                ..options
            },
        ),
    ] {
        let verdict = Signer::new(key.unwrap()).verify(Some(&token), SIGNED, None);
        assert_eq!(verdict, Err(InvalidToken::Signature.into()));
    }
}

#[test]
fn a_key_needs_a_long_secret_some_iterations_and_a_length() {
    assert_eq!(
        Key::derive(&BASE[..19], SALT).err(),
        Some(KeyError::ShortSecret(19))
    );
    assert!(Key::derive(&BASE[..MIN_SECRET_KEY_BASE], SALT).is_ok());
    let options = KeyOptions::default();
    for options in [
        KeyOptions {
            iterations: 0,
            ..options
        },
        KeyOptions {
            length: 0,
            ..options
        },
    ] {
        assert_eq!(
            Key::derive_with(BASE, SALT, options).err(),
            Some(KeyError::Options)
        );
    }
}

#[test]
fn debug_output_does_not_show_the_key() {
    assert!(format!("{:?}", signer()).contains("key: Key(..)"));
}

#[test]
fn all_three_algorithms_are_accepted_and_no_other() {
    let signer = quick_signer();
    let claims = Claims::new("u".into(), SIGNED, MaxAge::Infinity).into_term();
    let payload = claims.encode(&Limits::default()).unwrap();
    for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
        let token = signed(&signer, digest, &payload);
        assert_eq!(
            signer.verify(Some(&token), SIGNED, None),
            Ok("u".into()),
            "{digest:?}"
        );

        // The signature must be one of the algorithm that the header names.
        let (_, rest) = token.split_once('.').unwrap();
        let renamed = if digest == Digest::Sha256 {
            "SFM1MTI"
        } else {
            "SFMyNTY"
        };
        let verdict = signer.verify(Some(&format!("{renamed}.{rest}")), SIGNED, None);
        assert_eq!(verdict, Err(InvalidToken::Signature.into()));

        // "none", as a JSON Web Token may say, and an algorithm that nobody knows.
        for header in ["bm9uZQ", "", "SFMxMjg"] {
            let verdict = signer.verify(Some(&format!("{header}.{rest}")), SIGNED, None);
            assert_eq!(verdict, Err(InvalidToken::Header.into()));
        }
    }
}

#[test]
fn what_is_no_token_is_invalid_and_no_token_is_missing() {
    let signer = quick_signer();
    assert_eq!(signer.verify(None, SIGNED, None), Err(TokenError::Missing));
    for (text, reason) in [
        ("", InvalidToken::Parts),
        ("a.b", InvalidToken::Parts),
        ("a.b.c.d", InvalidToken::Parts),
        ("SFMyNTY..", InvalidToken::Signature),
        ("SFMyNTY.YQ.YQ", InvalidToken::Signature),
        ("SFMyNTY.YQ.!", InvalidToken::Base64),
        ("SFMyNTY.YQ.YQ==", InvalidToken::Base64),
        ("XCP.YQ", InvalidToken::Encrypted),
        ("QTEyOEdDTQ.a.b.c.d", InvalidToken::Encrypted),
    ] {
        assert_eq!(
            signer.verify(Some(text), SIGNED, None),
            Err(reason.into()),
            "{text}"
        );
    }
}

#[test]
fn a_signed_payload_of_another_shape_is_invalid() {
    let claims_error = Err(InvalidToken::Claims.into());
    let now = Term::Int(SIGNED.into());
    let tuple = |elements: &[Term]| Term::Tuple(elements.to_vec());
    let map = |key: &str| {
        Term::Map(vec![
            ("data".into(), now.clone()),
            (key.into(), now.clone()),
        ])
    };
    for term in [
        now.clone(),
        Term::List(vec!["u".into(), now.clone()]),
        tuple(&[]),
        tuple(std::slice::from_ref(&now)),
        tuple(&["u".into(), now.clone(), now.clone(), now.clone()]),
        tuple(&["u".into(), "u".into(), now.clone()]),
        tuple(&["u".into(), Term::Float(1.0), now.clone()]),
        tuple(&["u".into(), now.clone(), "60".into()]),
        tuple(&["u".into(), now.clone(), Term::atom("nil")]),
        map("other"),
        map("signed"),
    ] {
        let verdict = quick_signer().verify(Some(&signed_term(&term)), SIGNED, None);
        assert_eq!(verdict, claims_error, "{term:?}");
    }

    let function = signed(&quick_signer(), Digest::Sha256, &[131, 113, 0]);
    let verdict = quick_signer().verify(Some(&function), SIGNED, None);
    assert!(
        matches!(verdict, Err(TokenError::Invalid(InvalidToken::Payload(_)))),
        "{verdict:?}"
    );
}

#[test]
fn the_callers_age_overrides_the_tokens_whatever_that_is() {
    let signer = quick_signer();
    let verify = |token: &str, now, max_age| signer.verify(Some(token), now, max_age);
    let day = claims(Term::Int(SIGNED.into()), Term::Int(86_400));
    let minute = Some(MaxAge::Seconds(60));

    assert!(verify(&day, SIGNED + 60_000, minute).is_ok());
    assert_eq!(
        verify(&day, SIGNED + 60_001, minute),
        Err(TokenError::Expired)
    );
    assert!(verify(&day, SIGNED + DAY + 1, Some(MaxAge::Infinity)).is_ok());
    assert_eq!(
        verify(&day, SIGNED, Some(MaxAge::Seconds(0))),
        Err(TokenError::Expired)
    );

    let nonsense = claims(Term::Int(SIGNED.into()), "60".into());
    assert!(verify(&nonsense, SIGNED, minute).is_ok());
}

#[test]
fn a_token_may_name_fractions_of_seconds_and_ages_beyond_all_bounds() {
    let signer = quick_signer();
    let verify = |max_age: Term, now| {
        signer.verify(Some(&claims(Term::Int(SIGNED.into()), max_age)), now, None)
    };
    assert!(verify(Term::Float(0.5), SIGNED + 500).is_ok());
    assert_eq!(
        verify(Term::Float(0.5), SIGNED + 501),
        Err(TokenError::Expired)
    );
    assert!(verify(Term::Int(i128::MAX), u64::MAX).is_ok());
    assert!(verify(Term::Float(f64::MAX), u64::MAX).is_ok());
    for past in [
        Term::Int(0),
        Term::Int(-1),
        Term::Int(i128::MIN),
        Term::Float(-1e300),
    ] {
        assert_eq!(verify(past, SIGNED), Err(TokenError::Expired));
    }
}

#[test]
fn a_token_from_the_future_is_invalid_whatever_its_age() {
    let signer = quick_signer();
    for max_age in [MaxAge::default(), MaxAge::Infinity, MaxAge::Seconds(0)] {
        let token = signer.sign("u", SIGNED, max_age).unwrap();
        for callers in [None, Some(MaxAge::Infinity), Some(MaxAge::Seconds(0))] {
            let verdict = signer.verify(Some(&token), SIGNED - 1, callers);
            assert_eq!(verdict, Err(InvalidToken::SignedInFuture.into()));
        }
    }
}

#[test]
fn a_time_before_1970_and_one_beyond_all_bounds_are_understood() {
    let signer = quick_signer();
    let ancient = claims(Term::Int(i128::MIN), Term::Int(i128::MAX));
    assert_eq!(
        signer.verify(Some(&ancient), 0, None),
        Err(TokenError::Expired)
    );
    assert!(
        signer
            .verify(Some(&ancient), 0, Some(MaxAge::Infinity))
            .is_ok()
    );
    let distant = claims(Term::Int(i128::MAX), Term::Int(1));
    assert_eq!(
        signer.verify(Some(&distant), u64::MAX, None),
        Err(InvalidToken::SignedInFuture.into())
    );
}

#[test]
fn the_limits_hold_for_signing_and_for_verifying() {
    let limits = Limits {
        bytes: 100,
        ..Limits::default()
    };
    let (small, wide) = (quick_signer().with_limits(limits), quick_signer());
    let fits = "a".repeat(100 - (1 + 2 + 5 + 9 + 5));
    let token = small
        .sign(fits.as_str(), SIGNED, MaxAge::default())
        .unwrap();
    assert_eq!(
        small.verify(Some(&token), SIGNED, None),
        Ok(fits.as_str().into())
    );

    let over = format!("{fits}a");
    let too_large = Err(EncodeError::Limit(Limit::Bytes(100)));
    assert_eq!(
        small.sign(over.as_str(), SIGNED, MaxAge::default()),
        too_large
    );
    let token = wide.sign(over.as_str(), SIGNED, MaxAge::default()).unwrap();
    let verdict = small.verify(Some(&token), SIGNED, None);
    assert!(
        matches!(verdict, Err(TokenError::Invalid(InvalidToken::Payload(_)))),
        "{verdict:?}"
    );

    // One that is much too long costs no hashing, whoever signed it.
    let token = wide
        .sign("a".repeat(200), SIGNED, MaxAge::default())
        .unwrap();
    assert_eq!(
        small.verify(Some(&token), SIGNED, None),
        Err(InvalidToken::TooLong.into())
    );
}

#[test]
fn a_client_learns_the_kind_of_an_error_and_the_log_its_reason() {
    let invalid = TokenError::from(InvalidToken::Signature);
    assert_eq!(invalid.as_str(), "invalid");
    assert!(invalid.to_string().contains("salt"), "{invalid}");
    assert_eq!(TokenError::Missing.as_str(), "missing");
    assert_eq!(TokenError::Expired.to_string(), "the token is expired");
}

#[test]
fn a_duration_becomes_whole_seconds_and_never_fewer() {
    assert_eq!(MaxAge::from(Duration::from_secs(60)), MaxAge::Seconds(60));
    assert_eq!(MaxAge::from(Duration::from_millis(1)), MaxAge::Seconds(1));
    assert_eq!(MaxAge::from(Duration::MAX), MaxAge::Seconds(i64::MAX));
}
