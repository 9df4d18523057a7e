"""Tokens that are not Canvas's: each is refused with its reason, and a true one still comes in."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.ingress.base import Refusal
from bridge.metrics import REFUSED
from tests.unit.doors import ACCOUNT, EVENT, ISSUER, KID, jwk, metric, rsa_key, sign, token
from tests.unit.webhook_site import run, signed_site

CLAIMS = {"iss": ISSUER, **EVENT}


def segment(value: Any) -> bytes:
    return urlsafe_b64encode(value if isinstance(value, bytes) else orjson.dumps(value)).rstrip(b"=")


def unsigned(header: Any, claims: Any = CLAIMS, signature: bytes = b"") -> bytes:
    return b".".join([segment(header), segment(claims), signature])


def with_public_key(algorithm: str) -> bytes:
    pem = rsa_key("canvas").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = unsigned({"alg": algorithm, "kid": KID})[:-1]
    return text + b"." + segment(hmac.new(pem, text, sha256).digest())


def doubled(header: bytes) -> bytes:
    """Signed all the same, for the check must not lean on the signature."""
    text = segment(header) + b"." + segment(CLAIMS)
    return text + b"." + segment(rsa_key("canvas").sign(text, PKCS1v15(), SHA256()))


def nested(depth: int) -> bytes:
    return b'{"alg":"RS256","kid":"%s","x":%s}' % (KID.encode(), b"[" * depth + b"]" * depth)


HEADER = b'{"alg":"RS256","kid":"%s"}' % KID.encode()
ELSEWHERE = "http://127.0.0.1:9/keys"

FORGERIES: dict[str, tuple[bytes, Refusal]] = {
    "none": (unsigned({"alg": "none", "kid": KID}), "algorithm"),
    "None": (unsigned({"alg": "None", "kid": KID}), "algorithm"),
    "no alg": (unsigned({"kid": KID}), "algorithm"),
    "a stripped signature": (token().rpartition(b".")[0] + b".", "signature"),
    "HS256 with the public key": (with_public_key("HS256"), "algorithm"),
    "HS256 with the public key, called RS256": (with_public_key("RS256"), "signature"),
    "an elliptic curve": (unsigned({"alg": "ES256", "kid": KID}, CLAIMS, b"AAAA"), "algorithm"),
    "a signature of zeros": (
        unsigned({"alg": "RS256", "kid": KID}, CLAIMS, segment(bytes(256))),
        "signature",
    ),
    "a key of its own": (token(key="stranger", headers={"jwk": jwk("stranger")}), "signature"),
    "jku": (token(key="stranger", headers={"jku": ELSEWHERE}), "signature"),
    "x5u": (token(key="stranger", headers={"x5u": ELSEWHERE}), "signature"),
    "x5c": (token(key="stranger", headers={"x5c": ["MIIB"]}), "signature"),
    "kid as a path": (token(headers={"kid": "../../../../dev/null"}), "unknown_key"),
    "kid as SQL": (token(headers={"kid": "x' UNION SELECT 'key'--"}), "unknown_key"),
    "kid as a URL": (token(headers={"kid": ELSEWHERE}), "unknown_key"),
    "kid as a command": (token(headers={"kid": "/dev/null|id"}), "unknown_key"),
    "kid empty": (unsigned({"alg": "RS256", "kid": ""}, CLAIMS, b"AAAA"), "unknown_key"),
    "kid a list": (unsigned({"alg": "RS256", "kid": [KID]}, CLAIMS, b"AAAA"), "header"),
    "an extension that must be understood": (unsigned({"alg": "RS256", "kid": KID, "crit": ["x"]}), "header"),
    "alg twice, bad first": (doubled(b'{"alg":"none","alg":"RS256","kid":"%s"}' % KID.encode()), "header"),
    "alg twice, bad last": (doubled(b'{"alg":"RS256","alg":"none","kid":"%s"}' % KID.encode()), "algorithm"),
    "kid twice": (doubled(b'{"alg":"RS256","kid":"x","kid":"%s"}' % KID.encode()), "header"),
    "alg twice, once escaped": (
        doubled(b'{"\\u0061lg":"none","alg":"RS256","kid":"%s"}' % KID.encode()),
        "header",
    ),
    "a name twice further down": (doubled(HEADER[:-1] + b',"jwk":{"e":1,"e":2}}'), "header"),
    "a header nested too deep": (doubled(nested(1500)), "not_a_token"),
    "a huge header": (doubled(HEADER[:-1] + b',"x":"' + b"x" * 60_000 + b'"}'), "header"),
    "a huge signature": (token() + b"A" * 60_000, "signature"),
    "a token of dots": (b"." * 90_000, "not_a_token"),
    "a token of one segment": (b"A" * 90_000, "not_a_token"),
    "an encrypted token": (b"e30.e30.e30.e30.e30", "not_a_token"),
    "an unsigned event": (orjson.dumps(EVENT), "not_a_token"),
    "an unsigned event in an array": (orjson.dumps([EVENT]), "not_a_token"),
    "another customer's": (
        token({"metadata": {**EVENT["metadata"], "root_account_uuid": "theirs"}}),
        "root_account",
    ),
    "another customer's, named twice": (
        sign(
            b'{"iss":"%s","metadata":{"root_account_uuid":"%s"},"metadata":{"root_account_uuid":"theirs"}}'
            % (ISSUER.encode(), ACCOUNT.encode())
        ),
        "root_account",
    ),
    "an issuer named twice": (sign(b'{"iss":"%s","iss":"theirs","metadata":{}}' % ISSUER.encode()), "issuer"),
    "an old one again": (token(exp=1_600_000_000), "expired"),
    "one of tomorrow": (token(iat=99_999_999_999), "not_yet_valid"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(name: str) -> None:
    body, reason = FORGERIES[name]

    async def go() -> None:
        async with signed_site() as (at, canvas):
            before = metric(REFUSED, "webhook", reason)
            for form in (body, b'"' + body + b'"'):
                assert await at.post(form) == 401
            assert metric(REFUSED, "webhook", reason) == before + 2
            assert at.kafka.records == []
            assert canvas.requests == 1, "a token of a stranger made the webhook fetch keys"
            assert await at.post(token()) == 202

    run(go())


def test_a_header_nested_as_deep_as_can_be_is_no_fault_of_ours() -> None:
    async def go() -> None:
        async with signed_site() as (at, _):
            for depth in (100, 900, 1000, 1020, 1022, 1023):
                assert await at.post(doubled(nested(depth))) in {202, 401}

    run(go())


@pytest.mark.parametrize("payload", [b"[" * 40_000, b'{"a":' * 10_000, b"[" * 20_000 + b"]" * 20_000])
def test_a_bomb_that_canvas_has_signed_is_kept_and_harms_nobody(payload: bytes) -> None:
    async def go() -> None:
        async with signed_site() as (at, _):
            assert await at.post(sign(payload)) == 202
            assert at.kafka.records[0].value == payload
            assert await at.post(token()) == 202

    run(go())


def test_of_doubled_claims_the_last_is_checked_which_is_also_the_one_that_is_used() -> None:
    body = sign(
        b'{"iss":"theirs","iss":"%s","metadata":{"root_account_uuid":"theirs"},"metadata":'
        b'{"root_account_uuid":"%s"},"body":{}}' % (ISSUER.encode(), ACCOUNT.encode())
    )

    async def go() -> None:
        async with signed_site() as (at, _):
            assert await at.post(body) == 202
            used = orjson.loads(at.kafka.records[0].value)  # as the processors read it
            assert (used["iss"], used["metadata"]) == (ISSUER, {"root_account_uuid": ACCOUNT})

    run(go())
