"""Which signed bodies are let in: a refusal names its reason, an acceptance gives Canvas's own bytes."""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.ingress.base import Refusal, Refused
from bridge.ingress.jwks import parse_keys
from bridge.ingress.public_key import PublicKey
from bridge.ingress.verification import MAX_KNOWN_HEADERS, Verified, Verifier, token_in
from tests.unit.doors import ACCOUNT, EVENT, ISSUER, KID, jwk, jwks, rsa_key, sign, token

NOW = 1_772_357_400.0
CALIPER: dict[str, Any] = {
    "sensor": "http://canvas.example.edu/",
    "data": [
        {
            "id": "urn:uuid:c2ae4a2c-1d5e-4cbb-8a0c-6e8d2f1b7a31",
            "actor": {"extensions": {"com.instructure.canvas": {"root_account_uuid": ACCOUNT}}},
        }
    ],
}


KEY = PublicKey.of(KID, rsa_key("canvas").public_key())


class KnownKeys:
    async def key(self, kid: str) -> PublicKey:
        if kid != KID:
            raise Refused("unknown_key")
        return KEY


def verify(body: bytes, issuer: str | None = ISSUER, accounts: frozenset[str] = frozenset()) -> Verified:
    verifier = Verifier(KnownKeys(), issuer, accounts, clock=lambda: NOW)
    return asyncio.run(verifier.verify(token_in(body)))


def refusal(body: bytes, **more: Any) -> Refusal:
    with pytest.raises(Refused) as refused:
        verify(body, **more)
    return refused.value.reason


def segment(value: Any) -> bytes:
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    return urlsafe_b64encode(content).rstrip(b"=")


@pytest.mark.parametrize("wrap", [b"%s", b'"%s"', b' \r\n"%s"\n', b"\t%s "])
def test_the_token_may_be_bare_or_a_json_string(wrap: bytes) -> None:
    claims = {"iss": ISSUER, **EVENT}
    assert verify(wrap % token()) == Verified(orjson.dumps(claims), claims, KEY)


def test_the_payload_is_canvas_s_own_bytes() -> None:
    own = b'{ "body": {"b": 1, "a": 1.0},\n "metadata": {}, "iss": "%s" }' % ISSUER.encode()
    assert verify(sign(own)).payload == own


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 5000, b"null"])
def test_what_canvas_signed_goes_on_even_if_it_is_no_object(payload: bytes) -> None:
    # It can become nothing but a dead letter, and Canvas is not to be told that it failed.
    assert verify(sign(payload), accounts=frozenset({ACCOUNT})).payload == payload


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'"',
        b'""',
        b"{}",
        orjson.dumps(EVENT),
        b"a.b",
        b"a.b.c.d",
        b"..",
        b"\xff\xfe.\x00.x",
        "é.é.é".encode(),
        b"aGk.aGk.aGk",
        segment(b"{") + b".e30.AAAA",
        segment([]) + b".e30.AAAA",
        segment({}) + b".e30=.AAAA",
        segment({}) + b".e30.AA+A",
        segment({}) + b".e3/A.AAAA",
        b'"' + b"x" * 1000,
        b'""a.b.c""',
        b"a" * 1_000_000,
        b"[" * 100_000,
    ],
)
def test_no_token(body: bytes) -> None:
    assert refusal(body) == "not_a_token"


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "", 7, None]
)
def test_no_other_algorithm(alg: Any) -> None:
    body = b".".join([segment({"alg": alg, "kid": KID}), segment(EVENT), b""])
    assert refusal(body) == "algorithm"


def test_the_public_key_is_no_secret_for_hs256() -> None:
    pem = rsa_key("canvas").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = b".".join([segment({"alg": "HS256", "kid": KID}), segment({"iss": ISSUER, **EVENT})])
    forged = hmac.new(pem, signed, sha256).digest()
    assert refusal(signed + b"." + segment(forged)) == "algorithm"


def test_hs256_with_the_public_key_under_an_rs256_header_is_a_wrong_signature() -> None:
    pem = rsa_key("canvas").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = b".".join([segment({"alg": "RS256", "kid": KID}), segment({"iss": ISSUER, **EVENT})])
    assert refusal(signed + b"." + segment(hmac.new(pem, signed, sha256).digest())) == "signature"


@pytest.mark.parametrize("headers", [{"kid": None}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}])
def test_the_header_must_be_one_we_understand(headers: dict[str, Any]) -> None:
    parts = token().split(b".")
    header = segment({"alg": "RS256", "kid": KID, **headers})
    assert refusal(b".".join([header, *parts[1:]])) == "header"


@pytest.mark.parametrize("kid", [7, ["a"], {}, True])
def test_the_kid_must_be_a_text(kid: Any) -> None:
    assert refusal(b".".join([segment({"alg": "RS256", "kid": kid}), b"e30", b"AAAA"])) == "header"


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    # Its own example, section 3.1.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaS"
        "qzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksIN"
        "HaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    (key,) = parse_keys(
        jwks({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    ).values()
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_header_is_remembered_only_once_it_was_signed() -> None:
    verifier = Verifier(KnownKeys(), ISSUER, frozenset(), clock=lambda: NOW)

    async def go() -> None:
        for n in range(100):
            with pytest.raises(Refused):
                await verifier.verify(token_in(token(key="stranger", headers={"x": n})))
        assert verifier._known_headers == {}
        for n in range(100):
            assert (await verifier.verify(token_in(token(headers={"x": n})))).key is KEY
            assert 0 < len(verifier._known_headers) <= MAX_KNOWN_HEADERS
        with pytest.raises(Refused, match="signature"):
            await verifier.verify(token_in(token(key="stranger", headers={"x": 99})))

    asyncio.run(go())


def test_an_unknown_key() -> None:
    assert refusal(token(headers={"kid": "2019-10-01T21:08:45Z"})) == "unknown_key"


def test_a_key_that_the_token_brings_along_counts_for_nothing() -> None:
    assert refusal(token(key="stranger", headers={"jwk": jwk("stranger")})) == "signature"


def test_a_signature_of_another_key() -> None:
    assert refusal(token(key="stranger")) == "signature"


@pytest.mark.parametrize("signature", [b"", b"AAAA", b"A" * 342, b"A" * 2000])
def test_no_signature_worth_the_name(signature: bytes) -> None:
    signed, _, _ = token().rpartition(b".")
    assert refusal(signed + b"." + signature) in {"signature", "not_a_token"}


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_changes_what_is_accepted(at: int, bit: int) -> None:
    good = token()
    body = bytearray(good)
    body[at % len(body)] ^= 1 << bit
    try:
        accepted = verify(bytes(body))
    except Refused:
        return
    # The last characters of a signature carry unused bits, and white space around the token is nothing.
    assert accepted == verify(good)


def test_a_payload_under_the_signature_of_another() -> None:
    header, _, signature = token().split(b".")
    assert refusal(b".".join([header, segment({"iss": ISSUER, "body": 1}), signature])) == "signature"


@pytest.mark.parametrize("issuer", [None, "", "https://other.example.com", 7, [ISSUER]])
def test_the_issuer(issuer: Any) -> None:
    assert refusal(token({**EVENT, "iss": issuer})) == "issuer"
    assert verify(token({**EVENT, "iss": issuer}), issuer=None).key is KEY
    assert verify(token({**EVENT, "iss": issuer}), issuer="").key is KEY


def test_the_issuer_must_be_there() -> None:
    assert refusal(sign(orjson.dumps(EVENT))) == "issuer"


@pytest.mark.parametrize("exp", [NOW - 61, 0, -1, "soon", None, True, [NOW + 60]])
def test_expired(exp: Any) -> None:
    assert refusal(token(exp=exp)) == "expired"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("value", [NOW + 61, "now", None, False])
def test_not_yet_valid(claim: str, value: Any) -> None:
    assert refusal(token(None, "canvas", None, **{claim: value})) == "not_yet_valid"


def test_clocks_may_differ_by_a_minute() -> None:
    assert verify(token(exp=NOW - 59, iat=NOW + 59, nbf=NOW + 59.5)).key is KEY


def caliper(*accounts: str | None) -> dict[str, Any]:
    return {
        "sensor": "x",
        "data": [
            {"actor": {"extensions": {"com.instructure.canvas": {"root_account_uuid": a}}}} for a in accounts
        ],
    }


@pytest.mark.parametrize(
    "claims",
    [
        EVENT,
        {"attributes": EVENT["metadata"], "body": {}},
        CALIPER,
        caliper(ACCOUNT, ACCOUNT),
        {"data": [{"extensions": {"com.instructure.canvas": {"root_account_uuid": ACCOUNT}}}]},
    ],
)
def test_an_event_of_our_root_account(claims: dict[str, Any]) -> None:
    assert verify(token(claims), accounts=frozenset({"another", ACCOUNT})).key is KEY


@pytest.mark.parametrize(
    "claims",
    [
        EVENT,
        CALIPER,
        caliper("ours", ACCOUNT),
        {"metadata": {"root_account_uuid": "ours"}, **CALIPER},
        {"attributes": {"root_account_uuid": "ours"}, **EVENT},
        {"metadata": {"root_account_uuid": "ours "}},
    ],
)
def test_an_event_of_another_root_account(claims: dict[str, Any]) -> None:
    assert refusal(token(claims), accounts=frozenset({"ours"})) == "root_account"
    assert verify(token(claims)).key is KEY


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"body": {"root_account_uuid": "ours"}},
        {"metadata": None},
        {"metadata": {"root_account_uuid": ["ours"]}},
        {"metadata": ["ours"]},
        {"data": []},
        {"data": [None]},
        {"data": [{"actor": "urn"}]},
        caliper("ours", None),
    ],
)
def test_an_event_that_names_no_other_root_account_goes_on(claims: dict[str, Any]) -> None:
    assert verify(token(claims), accounts=frozenset({"ours"})).key is KEY
