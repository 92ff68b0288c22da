use proptest::prelude::*;

use super::*;
use crate::auth::term::arbitrary;

fn max_age() -> impl Strategy<Value = MaxAge> {
    prop_oneof![
        Just(MaxAge::Infinity),
        (1..100_000_i64).prop_map(MaxAge::Seconds),
        any::<i64>().prop_map(MaxAge::Seconds),
    ]
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(data in arbitrary::term(), now in any::<u64>()) {
        let signer = quick_signer();
        let token = signer.sign(data.clone(), now, MaxAge::default()).unwrap();
        prop_assert_eq!(signer.verify(Some(&token), now, None), Ok(data));
    }

    #[test]
    fn json_that_is_signed_reads_back(data in arbitrary::json()) {
        let signer = quick_signer();
        let token = signer.sign(data.clone(), SIGNED, MaxAge::Infinity).unwrap();
        prop_assert_eq!(signer.verify(Some(&token), SIGNED, None).unwrap().to_json(), Ok(data));
    }

    #[test]
    fn a_token_is_good_from_its_signing_until_its_age(
        signed_at in 0..u64::MAX / 2,
        age in max_age(),
        elapsed in prop_oneof![0..200_000_000_u64, 0..u64::MAX / 2],
        asked in any::<bool>(),
    ) {
        let signer = quick_signer();
        let token = signer.sign("u", signed_at, age).unwrap();
        let expired = match age {
            MaxAge::Infinity => false,
            MaxAge::Seconds(s) => s <= 0 || i128::from(elapsed) > i128::from(s) * 1000,
        };
        let verdict = signer.verify(Some(&token), signed_at + elapsed, asked.then_some(age));
        prop_assert_eq!(verdict, if expired { Err(TokenError::Expired) } else { Ok("u".into()) });
    }

    #[test]
    fn a_token_altered_anywhere_is_invalid(
        data in arbitrary::term(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![prop::char::range(' ', '~'), Just('\u{fc}')],
    ) {
        let signer = quick_signer();
        let token = signer.sign(data, SIGNED, MaxAge::Infinity).unwrap();
        let at = at.index(token.len());
        let altered = format!("{}{byte}{}", &token[..at], &token[at + 1..]);
        prop_assume!(altered != token);
        let verdict = signer.verify(Some(&altered), SIGNED, None);
        prop_assert!(matches!(verdict, Err(TokenError::Invalid(_))), "{:?}", verdict);
    }

    #[test]
    fn a_prefix_of_a_token_is_invalid(cut in any::<prop::sample::Index>()) {
        let signer = quick_signer();
        let token = signer.sign("u", SIGNED, MaxAge::Infinity).unwrap();
        let verdict = signer.verify(Some(&token[..cut.index(token.len())]), SIGNED, None);
        prop_assert!(matches!(verdict, Err(TokenError::Invalid(_))), "{:?}", verdict);
    }

    #[test]
    fn no_text_and_no_signed_payload_makes_verifying_panic(
        text in ".{0,60}",
        payload in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let signer = quick_signer();
        let _ = signer.verify(Some(&text), SIGNED, None);
        let _ = signer.verify(Some(&format!("SFMyNTY.{text}")), SIGNED, None);
        let _ = signer.verify(Some(&signed(&signer, Digest::Sha256, &payload)), SIGNED, None);
        let tuple = [&[131, 104, 3][..], &payload].concat();
        let _ = signer.verify(Some(&signed(&signer, Digest::Sha384, &tuple)), SIGNED, None);
    }

    #[test]
    fn any_signed_term_is_answered(term in arbitrary::term(), now in any::<u64>()) {
        let verdict = quick_signer().verify(Some(&signed_term(&term)), now, None);
        prop_assert!(verdict != Err(TokenError::Missing));
    }
}
