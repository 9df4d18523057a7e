"""Laws of the redaction, over URLs in URLs in HTML in JSON, and over any bytes."""

import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.redact import MASK, redact
from bridge.secret_names import SECRET_NAMES

Write = Callable[[str], str]
M = MASK.decode()

secret_names = st.sampled_from(sorted(SECRET_NAMES))
harmless_names = st.sampled_from(
    ["page", "per_page", "include[]", "state", "key", "download", "tokens", "x.y"]
)
# A value no other text holds, with whatever a URL may have in a query; `&` and `#` only percent-encoded.
values = st.text("aZ09-._~!$'()*+,;=:@/?[]|^`%é\U0001f41d&#\"<> \n\\", max_size=12).map(
    lambda text: "s3cr3t" + quote(text, safe="-._~!$()*+,:@/?") + "s3cr3t"
)
SPELLINGS: list[Write] = [
    str,
    str.lower,
    str.upper,
    lambda name: f"user[{name}]",
    lambda name: f"{name}[]",
]
spelled = st.sampled_from(SPELLINGS)


@st.composite
def urls(draw: st.DrawFn, nested: int = 0) -> tuple[str, str]:
    """A URL, and the same masked. Values may be URLs themselves, down to `nested`."""
    before, after = [], []
    for secret in draw(st.lists(st.booleans(), min_size=1, max_size=4)):
        if secret:
            name, value = draw(spelled)(draw(secret_names)), draw(values)
            masked = M
        elif nested and draw(st.booleans()):
            name = draw(harmless_names)
            value, masked = (quote(url, safe="") for url in draw(urls(nested - 1)))
        else:
            name, value = draw(harmless_names), draw(st.sampled_from(["", "1", "a+b", "%C3%A9", "x%26y"]))
            masked = value
        before.append(f"{name}={value}")
        after.append(f"{name}={masked}")
    user, masked_user = draw(st.sampled_from([("", ""), ("ines:s3cr3t@", f"{M}@"), ("s3cr3t@", f"{M}@")]))
    start, path = (
        draw(st.sampled_from(["https://", "http://"])),
        draw(st.sampled_from(["/a?", "?", "/#", "/a;b?"])),
    )
    tail = draw(st.sampled_from(["", "#top"])) if "#" not in path else ""
    return (
        f"{start}{user}canvas.example.edu{path}{'&'.join(before)}{tail}",
        f"{start}{masked_user}canvas.example.edu{path}{'&'.join(after)}{tail}",
    )


def hexed(letters: str, form: str) -> Write:
    return lambda text: re.sub(f"[{letters}]", lambda found: form % ord(found[0]), text)


FOR_HTML: list[Write] = [
    str,
    html.escape,
    lambda text: html.escape(html.escape(text)),
    hexed("&<>\"'`=/", "&#x%X;"),
    hexed("&<>\"'=+", "&#%03d;"),
]
# Each writes a JSON text in ASCII, as some serializer does.
FOR_JSON: list[Callable[[Any], str]] = [
    lambda document: orjson.dumps(document).decode(),
    json.dumps,
    lambda document: hexed("&<>", "\\u%04x")(json.dumps(document)),
    lambda document: hexed("&<>'=+`", "\\u%04X")(json.dumps(document)),
    lambda document: json.dumps(document).replace("/", "\\/"),
    lambda document: json.dumps({"json": json.dumps(document)}),
    lambda document: json.dumps({"json": json.dumps({"json": json.dumps(document).replace("/", "\\/")})}),
]


@settings(max_examples=1500, deadline=None)
@given(
    pairs=st.lists(urls(nested=2), min_size=1, max_size=3),
    escape=st.sampled_from(FOR_HTML),
    around=st.sampled_from(["{}", "see {} and go", '<a href="{}">{}</a>', "<{}>"]),
    write=st.sampled_from(FOR_JSON),
)
def test_whatever_it_is_written_in_the_secrets_are_masked_and_the_rest_is_not(
    pairs: list[tuple[str, str]], escape: Write, around: str, write: Callable[[Any], str]
) -> None:
    def document(which: int) -> Any:
        return {"a": 1, "urls": [around.replace("{}", escape(pair[which])) for pair in pairs]}

    payload = write(document(0)).encode()
    masked = redact(payload)
    assert b"s3cr3t" not in masked
    assert masked.decode() == write(document(1))
    assert redact(masked) is masked


@given(url=urls(nested=1), depth=st.integers(1, 6))
def test_a_url_encoded_again_and_again_is_masked(url: tuple[str, str], depth: int) -> None:
    before, after = url
    for _ in range(depth):
        before, after = quote(before, safe=""), quote(after, safe="")
    payload = f"https://h.example/?to={before}&page=2".encode()
    assert redact(payload).decode() == f"https://h.example/?to={after}&page=2"
    text = redact(payload).decode()
    for _ in range(depth + 2):
        assert "s3cr3t" not in text
        text = unquote(text)


PIECES = [
    *(
        "?",
        "&",
        "#",
        ";",
        "=",
        '"',
        "'",
        "/",
        "\\",
        "\\\\",
        '\\"',
        "\\/",
        "\\n",
        " ",
        "\x00",
        "\xff",
        "\xc3\xa9",
    ),
    *(
        "\\u0026",
        "\\u003d",
        "\\u0022",
        "%",
        "%25",
        "%3D",
        "%3d",
        "%26",
        "%22",
        "%253D",
        "%2526",
        "%40",
        "%2F",
    ),
    *("&amp;", "&#38;", "&#61;", "&#x3D;", "&quot;", ":", "://", "%3A", "@", "[", "]", "%5B", ".", "_", "-"),
    *("token", "password", "code", "a", "s3"),
]
fragments = st.lists(
    st.sampled_from(PIECES).map(lambda text: text.encode("latin-1")) | st.binary(max_size=3), max_size=40
).map(b"".join)


@settings(max_examples=3000, deadline=None)
@given(fragments)
def test_redacting_again_changes_nothing(payload: bytes) -> None:
    once = redact(payload)
    assert redact(once) is once


@settings(max_examples=2000, deadline=None)
@given(fragments)
def test_only_masks_are_new(payload: bytes) -> None:
    masked = redact(payload)
    if masked is payload or 0 in payload[:4]:
        return
    kept = b".*".join(re.escape(piece) for piece in masked.split(MASK))
    assert re.fullmatch(kept, payload, re.DOTALL)


@settings(max_examples=1000, deadline=None)
@given(fragments)
def test_where_no_name_is_nothing_is_touched(payload: bytes) -> None:
    harmless = re.sub(rb"(?i)t(?=o)|p(?=a)|c(?=o)|[:\x00]", b"", payload).replace(b"oken", b"x")
    if not any(name in harmless.lower() for name in (b"token", b"password", b"code")):
        assert redact(harmless) is harmless


json_texts = st.lists(fragments.map(lambda text: text.decode("latin-1")), min_size=1, max_size=4)


@settings(max_examples=1500, deadline=None)
@given(texts=json_texts, write=st.sampled_from(FOR_JSON))
def test_json_stays_json_of_the_same_shape(texts: list[str], write: Callable[[Any], str]) -> None:
    payload = write({"texts": texts, "one": texts[0], "n": [1.5, None]}).encode()
    masked = orjson.loads(redact(payload))
    while "json" in masked:
        masked = orjson.loads(masked["json"])
    assert list(masked) == ["texts", "one", "n"]
    assert len(masked["texts"]) == len(texts)
    assert masked["n"] == [1.5, None]
    assert masked["one"] == masked["texts"][0]


@given(st.binary(max_size=300))
def test_it_takes_any_bytes(payload: bytes) -> None:
    assert redact(redact(payload)) == redact(payload)
