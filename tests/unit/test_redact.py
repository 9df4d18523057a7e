"""Redaction: what is masked, in which disguise, and what is left as it is. All URLs are invented."""

import re
from collections.abc import Callable

import orjson
import pytest

import bridge.redact
from bridge.redact import MASK, NAMES, SecretNames, redact
from bridge.secret_names import SECRET_NAMES

HOST = "https://canvas.example.edu"
S = "s3cr3t-.~Zz9"  # what no output may hold
M = MASK.decode()

# (before, after): a payload's piece.
PLAIN = [
    (f"{HOST}/files/9?download=1&verifier={S}", f"{HOST}/files/9?download=1&verifier={M}"),
    (f"{HOST}/api/v1/users?access_token={S}&page=2", f"{HOST}/api/v1/users?access_token={M}&page=2"),
    (f"{HOST}/a?token={S}#top", f"{HOST}/a?token={M}#top"),
    (f"{HOST}/a#access_token={S}&state=1", f"{HOST}/a#access_token={M}&state=1"),
    (f"{HOST}/a#/access_token={S}", f"{HOST}/a#/access_token={M}"),
    (f"{HOST}/a;jsessionid={S}?b=1", f"{HOST}/a;jsessionid={M}"),
    (f"{HOST}/login?user[password]={S}&user[name]=ines", f"{HOST}/login?user[password]={M}&user[name]=ines"),
    (f"{HOST}/login?token[]={S}&token[]={S}", f"{HOST}/login?token[]={M}&token[]={M}"),
    (f"{HOST}/login?user.token={S}", f"{HOST}/login?user.token={M}"),
    (f"{HOST}/a?ACCESS_TOKEN={S}", f"{HOST}/a?ACCESS_TOKEN={M}"),
    (f"{HOST}/a?accessToken={S}&access-token={S}", f"{HOST}/a?accessToken={M}&access-token={M}"),
    (f"{HOST}/a?code={S}%26tail%3D1&b=2", f"{HOST}/a?code={M}&b=2"),
    (f"{HOST}/a?sig={S}/+==&b=2", f"{HOST}/a?sig={M}&b=2"),
    (f"{HOST}/a?pwd={S}'(),;:@[]{{}}|^`é&b=2", f"{HOST}/a?pwd={M}&b=2"),
    (f"access_token={S}&b=2", f"access_token={M}&b=2"),
    (f"see {HOST}/?token={S} and go", f"see {HOST}/?token={M} and go"),
    (f"<{HOST}/?token={S}>", f"<{HOST}/?token={M}>"),
    (f"https://ines:{S}@host.example/a", f"https://{M}@host.example/a"),
    (f"https://{S}@host.example/a", f"https://{M}@host.example/a"),
    (f"ftp://ines:p@{S}@host.example/a@b", f"ftp://{M}@host.example/a@b"),
    (
        f"x?X-Amz-Credential={S}&X-Amz-Date=1&X-Amz-Signature={S}",
        f"x?X-Amz-Credential={M}&X-Amz-Date=1&X-Amz-Signature={M}",
    ),
]
# In the bytes of a JSON string, as serializers write them.
ESCAPED = [
    (rf"?a=1\u0026token={S}\u0026b=2", rf"?a=1\u0026token={M}\u0026b=2"),
    (rf"?a=1\u0026token\u003d{S}\u0026b\u003d2", rf"?a=1\u0026token\u003d{M}\u0026b\u003d2"),
    (rf"?a=1\u0026token\u003D{S}", rf"?a=1\u0026token\u003D{M}"),
    (rf"\u003Ftoken={S}", rf"\u003Ftoken={M}"),
    (rf"\u003ftoken={S}\u0023top", rf"\u003ftoken={M}\u0023top"),
    (rf"?token={S}\/\u002b\u003d&b=2", rf"?token={M}&b=2"),
    (rf"?user\u005bpassword\u005D={S}", rf"?user\u005bpassword\u005D={M}"),
    (rf"?acc\u0065ss\u005ftok\u0065n={S}", rf"?acc\u0065ss\u005ftok\u0065n={M}"),
    (rf"?\u0074oken={S}", rf"?\u0074oken={M}"),
    (rf"https:\/\/ines:{S}@host.example\/", rf"https:\/\/{M}@host.example\/"),
    (rf"https://ines:\u0026{S}@host.example/", rf"https://{M}@host.example/"),
    (rf"?token={S}\n?token={S}\t{S[:0]}", rf"?token={M}\n?token={M}\t"),
    (rf"?token={S}\\{S}&b", rf"?token={M}&b"),
    (rf"{{\"url\":\"?token={S}\",\"b\":1}}", rf"{{\"url\":\"?token={M}\",\"b\":1}}"),
    (rf"{{\\\"url\\\":\\\"?token={S}\\\"}}", rf"{{\\\"url\\\":\\\"?token={M}\\\"}}"),
    (rf"\"?a\\u0026token\\u003d{S}\\u0026b\"", rf"\"?a\\u0026token\\u003d{M}\\u0026b\""),
    (rf"\"https:\\\/\\\/ines:{S}@h\\\/\"", rf"\"https:\\\/\\\/{M}@h\\\/\""),
    (rf"<a href=\"?token={S}\">", rf"<a href=\"?token={M}\">"),
    (rf"\u003ca href=\"?token={S}\"\u003e", rf"\u003ca href=\"?token={M}\"\u003e"),
    (rf"?token={S}\u003c/a\u003e", rf"?token={M}\u003c/a\u003e"),
    (rf"\"token={S}\"", rf"\"token={M}\""),
]
HTML = [
    (f"?a=1&amp;token={S}&amp;b=2", f"?a=1&amp;token={M}&amp;b=2"),
    (f"?a=1&amp;amp;token={S}&amp;amp;b=2", f"?a=1&amp;amp;token={M}&amp;amp;b=2"),
    (f"?a=1&#38;token={S}&#38;b=2", f"?a=1&#38;token={M}&#38;b=2"),
    (f"?a=1&#x26;token&#x3D;{S}&#X26;b=2", f"?a=1&#x26;token&#x3D;{M}&#X26;b=2"),
    (f"?token&#61;{S}&#043;{S}&#x2f;{S}&apos;{S}&amp;b", f"?token&#61;{M}&amp;b"),
    (f"?token&amp;#61;{S}&quot;", f"?token&amp;#61;{M}&quot;"),
    (f"?token={S}&lt;/a&gt;", f"?token={M}&lt;/a&gt;"),
    (f"?user&#91;token&#93;={S}", f"?user&#91;token&#93;={M}"),
    (f"?access&#x5f;tok&#101;n={S}", f"?access&#x5f;tok&#101;n={M}"),
    (rf"?a=1\u0026amp;token={S}\u0026amp;b=2", rf"?a=1\u0026amp;token={M}\u0026amp;b=2"),
    (rf"?token\u0026#x3d;{S}\u0026#43;{S}\u0026#38;b", rf"?token\u0026#x3d;{M}\u0026#38;b"),
    (rf"?token={S}\u0026quot;\u0026gt;", rf"?token={M}\u0026quot;\u0026gt;"),
]
PERCENT = [
    (f"?to=%2Fa%3Faccess_token%3D{S}%26b%3D2&c=3", f"?to=%2Fa%3Faccess_token%3D{M}%26b%3D2&c=3"),
    (f"?to=%2fa%3faccess_token%3d{S}%26b%3d2&c=3", f"?to=%2fa%3faccess_token%3d{M}%26b%3d2&c=3"),
    (f"?to=%2Fa%3Ftoken%3D{S}%252526%2526x%23top", f"?to=%2Fa%3Ftoken%3D{M}%23top"),
    (f"?to=%253Faccess_token%253D{S}%2526b%26c=3", f"?to=%253Faccess_token%253D{M}%2526b%26c=3"),
    (f"?to=%253faccess_token%253d{S}%2526b", f"?to=%253faccess_token%253d{M}%2526b"),
    (f"?to=%253Ftoken%253D{S}%25252526b%26c", f"?to=%253Ftoken%253D{M}%26c"),
    (f"?to=%25253Ftoken%25253D{S}%252526b", f"?to=%25253Ftoken%25253D{M}%252526b"),
    (f"?to=%2525253Ftoken%2525253D{S}%25252526b", f"?to=%2525253Ftoken%2525253D{M}%25252526b"),
    (f"?user%5Bpassword%5D={S}&b", f"?user%5Bpassword%5D={M}&b"),
    (f"?to=%3Fuser%255Bpassword%255D%3D{S}%26b", f"?to=%3Fuser%255Bpassword%255D%3D{M}%26b"),
    (
        f"?access%5Ftoken={S}&%74oken={S}&toke%6E={S}&tok%65n={S}",
        f"?access%5Ftoken={M}&%74oken={M}&toke%6E={M}&tok%65n={M}",
    ),
    (f"?to=%3Fa%26amp%3Btoken%3D{S}%26amp%3Bb", f"?to=%3Fa%26amp%3Btoken%3D{M}%26amp%3Bb"),
    (f"?to=%22%3Ftoken%3D{S}%22", f"?to=%22%3Ftoken%3D{M}%22"),
    (f"?a=%3Ftoken%3D{S}%20tail", f"?a=%3Ftoken%3D{M}%20tail"),
    (f"?to=https%3A%2F%2Fines%3A{S}%40h%2Fa%40b", f"?to=https%3A%2F%2F{M}%40h%2Fa%40b"),
    (f"?to=https%253a%252f%252fines%253a{S}%2540h", f"?to=https%253a%252f%252f{M}%2540h"),
    (f"?to=https:%2F%2Fines:{S}%40h", f"?to=https:%2F%2F{M}%40h"),
    (f"?password%3D{S}?code={S}%26{S}&b", f"?password%3D{M}&b"),  # two values that overlap
]
MASKED = [*PLAIN, *ESCAPED, *HTML, *PERCENT]

UNTOUCHED = [
    *("", "=", "token"),
    "?token=",
    "?token=&b=2",
    "?token=#top",
    "?to=%3Ftoken%3D%26b",
    f"?tokens={S}&mytoken={S}&token_type={S}&access_code={S}&decode={S}&quiz_session_id={S}",
    f"?state={S}&key={S}&nonce={S}&login_hint={S}&client_id={S}&expires={S}&page=2",
    f"the token={S} of a sentence, my.password={S}, password: {S}",
    f'<input class=\\"token\\" password=\\"{S}\\" token="{S}">',
    f'{{"token": "{S}", "password": "{S}"}}',
    f"?a=token={S}",
    f"?sort=token={S}",
    f"?a%3Dtoken%3D{S}%26b",
    f"?u003dtoken u003d{S}",
    "ines@example.edu",
    f"https://host.example/{S}@b",
    f"https://host.example?{S}@b",
    f"https://host.example {S}@b",
    f"// {S}@b",
    f"//{S}@b",
    f"a\\/\\/{S}@b",
    f"https://host.example\\u003cbr\\u003e{S}@b",
    "https:%2F%2Fhost.example%2Fines%40b",
    f"https://{M}@host?token={M}&password%3D{M}",
]


@pytest.mark.parametrize(("before", "after"), MASKED)
def test_it_is_masked_and_the_rest_is_not(before: str, after: str) -> None:
    assert S not in after
    assert redact(before.encode()).decode() == after


@pytest.mark.parametrize(("before", "after"), MASKED)
def test_it_is_masked_within_a_payload(before: str, after: str) -> None:
    around = '{{"metadata":{{"url":"x","a=b":"{}"}},"body":{{"n":[1,null]}}}}'
    assert redact(around.format(before).encode()).decode() == around.format(after)


@pytest.mark.parametrize("text", UNTOUCHED)
def test_it_is_the_same_object(text: str) -> None:
    payload = text.encode()
    assert redact(payload) is payload


@pytest.mark.parametrize("name", sorted(SECRET_NAMES))
@pytest.mark.parametrize("spell", [str, str.lower, str.upper, lambda name: name.replace("_", "")])
def test_every_name_is_masked(name: str, spell: Callable[[str], str]) -> None:
    for equals in ("=", "%3D", "%253d", "\\u003d", "&#61;", "\\u0026#x3D;", "]=", "%5d=", "&#93;="):
        text = f"?{spell(name)}{equals}"
        assert redact(f"{text}{S}".encode()).decode() == text + M


@pytest.mark.parametrize(("before", "after"), [*PLAIN, *HTML, *PERCENT])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_masked_too(before: str, after: str, encoding: str) -> None:
    text = '{"url": "%s \U0001f41d"}'
    payload = (text % before).encode(encoding)
    assert redact(payload) == (text % after).encode(encoding)
    assert redact(payload + b"\xd8") == (text % after).encode(encoding) + b"\xd8"


def test_utf_16_without_a_secret_is_the_same_object() -> None:
    for payload in (
        '{"a":"\U0001f41d"}'.encode("utf-16-le") + b"\x00\xd8\x00",
        b"\0",
        b"\0\0\0\0\xff",
        b"{\0\0",
    ):
        assert redact(payload) is payload


def test_what_is_not_text_at_all_is_masked() -> None:
    assert redact(b"\xff\xfe\x80?token=\xff\xfe\x01\x00") == b"\xff\xfe\x80?token=" + MASK + b"\x01\x00"
    assert redact(b'{"url": "?token=abc') == b'{"url": "?token=' + MASK


def test_json_is_read_the_same_however_it_was_written() -> None:
    url = f"{HOST}/a?to=%2Fb%3Ftoken%3D{S}%26c&pwd={S}/<x>&d='e'"
    masked = f"{HOST}/a?to=%2Fb%3Ftoken%3D{M}%26c&pwd={M}<x>&d='e'"
    plain = orjson.dumps({"url": url})
    for old, new in [
        (rb"[&<>]", lambda found: b"\\u%04x" % ord(found[0])),
        (rb"[&<>='+]", lambda found: b"\\u%04X" % ord(found[0])),
        (rb"/", lambda found: b"\\/"),
        (rb"[^\w\s{}\":%\\-]", lambda found: b"\\u%04x" % ord(found[0])),
    ]:
        written = plain[:7] + re.sub(old, new, plain[7:])
        assert orjson.loads(written) == {"url": url}
        assert orjson.loads(redact(written)) == {"url": masked}


def test_a_setting_adds_names_and_takes_none_away() -> None:
    names = SecretNames(["state", "LTI-Deployment_key", "x"])
    text = f"?State={S}&lti_deployment_key={S}&x={S}&_x={S}&token={S}&xx={S}"
    assert (
        redact(text.encode(), names).decode()
        == f"?State={M}&lti_deployment_key={M}&x={M}&_x={M}&token={M}&xx={S}"
    )


HOSTILE = [
    *(
        "=",
        "a=",
        "en=",
        "?token=",
        "?token=x&",
        "token=a?",
        "?token=&#43;",
        "token[",
        ".token.=",
        "[",
        '=\\"',
    ),
    *("%", "%25", "%3D", "%5D%3D", "%253D", "?token%3D", "?token%3Dx%26", "%253Dtoken", "%2F", "%252F"),
    *("\\", "\\n", "\\u0026", "\\u003d", "token\\u003d", "token=\\\\\\", "\0", " ", '"'),
    *("&", "&amp;", "amp;", "#", "#0", "&#61;", "token&#61;", "&#47;", "&#0", "u0026"),
    *("@", "/", "//", "/\\", "://", "://a", "://a@", "://@", ":&#47;&#47;", "%3A%2F%2F", "%3A%2F%2Fa%40"),
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("head", ["", "?token=", "?token%3D", "https://", "?token=\\"])
def test_no_byte_is_looked_at_more_than_a_few_times(unit: str, head: str) -> None:
    payload = (head + unit * (2**17 // len(unit))).encode()
    assert sum(end - start for start, end in NAMES.values(payload)) <= 2 * len(payload)
    once = redact(payload)
    assert redact(once) is once


def test_no_pattern_can_go_back_over_what_it_has_read() -> None:
    depths = range(9)
    patterns = [
        *(pattern for pattern in vars(bridge.redact).values() if isinstance(pattern, re.Pattern)),
        *(pattern for _, pattern in NAMES.forms),
        *(bridge.redact._value_at(depth) for depth in depths),
        *(bridge.redact._userinfo_at(depth) for depth in depths),
    ]
    assert len(patterns) > 25
    for pattern in patterns:
        bare = re.sub(rb"\\.|\[\]?[^]]*\]", b"", pattern.pattern, flags=re.DOTALL)
        assert not re.search(rb"[*+]", re.sub(rb"[*+]\+", b"", bare)), pattern.pattern
