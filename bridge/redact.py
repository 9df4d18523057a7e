r"""Masks the secrets in a payload's URLs before anything is written: bytes in, bytes out.

Secret is the value of a query or fragment parameter that bears one of the `SECRET_NAMES`, and what stands
before a host (`user:password@`). All else stays byte for byte. A payload is text in text: a URL may be
percent-encoded into another, and that into a third, escaped for HTML, and escaped for JSON, of which every
serializer has a way of its own. So `=` may be `%3D`, `%253D`, `\u003d` and `&#61;` too, and a value ends
where its own layer ends: that of `token=` goes on over `%26`, that of `token%3D` does not. In doubt more is
masked. Nothing but the text decides, so a redelivery stays equal to the first delivery. The time is linear in
the size: every repetition is possessive, and what begins one is not in it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final
from urllib.parse import unquote_to_bytes

from bridge.secret_names import SECRET_NAMES

MASK: Final = b"REDACTED"

_NAME_BYTES: Final = 96  # how far before `=` a name may begin
_MAX_DEPTH: Final = 8  # of percent-encoding; what is deeper counts as this deep
_LAYERS: Final = 3  # of escapes of another kind in a name
_OMIT: Final = b"_-"  # access_token, access-token, accessToken

Span = tuple[int, int]


def _folding() -> bytes:
    # Lower case; `&` for what a name begins after, `.` for what parts it, a space for what is in no name.
    table = bytearray(b" " * 256)
    for code in b"abcdefghijklmnopqrstuvwxyz0123456789%\\":
        table[code] = table[ord(chr(code).upper())] = code
    for codes, fold in ((b'?&#;"/!', b"&"), (b"[].", b".")):
        for code in codes:
            table[code] = fold[0]
    return bytes(table)


_FOLD: Final = _folding()
_JSON_HEX: Final = re.compile(rb"\\u00([0-9a-f]{2})")
_HTML_NUMBER: Final = re.compile(rb"(?:&|\\u0026)(?:amp;)*+#(?:[xX]0*+([0-9a-fA-F]{2})|0*+([0-9]{2,3}));")
_HTML_EQUALS: Final = rb"(?:amp;)*+#(?:0*+61|[xX]0*+3[dD]);"

# What stands before `=` where a secret name does: its last two characters (perhaps parted by what is
# omitted), a bracket, or an escape of the last or the last but one. It sifts out all but a few, for little.
_NAME_END: Final = rb"""(?x:(?<=(?:%(pairs)b)%(form)b) | (?<=[];\\]%(form)b) | (?<=;[%(last)b]%(form)b)
| (?<=[%%05][4-7][0-9a-fA-F]%(form)b) | (?<=[%%05][4-7][0-9a-fA-F][%(last)b]%(form)b))"""

# What ends a value: control, space, " < > (all that WHATWG's URL standard escapes in a query), & and #.
_END: Final = rb"(?:[01][0-9a-fA-F]|2[0236]|3[cCeE]|7[fF])"
_END_HTML: Final = rb"(?:\#0*+(?:9|1[03]|3[2458]|6[02]);|\#[xX]0*+(?:9|[aAdD]|2[0236]|3[cCeE]);|quot;|[lg]t;)"
_VALUE: Final = rb"""(?x)(?:
    [^\x00-\x20\x7f"\#&<>\\%%]++
  | %%(?!%(deep_end)b)
  | (?! (?:\\\\)*+\\[bfnrt] | \\++(?:"|u00%(end)b) ) \\++
  | (?: & | \\++u0026 ) (?:amp;)*+ (?!%(html_end)b) (?: \#[0-9a-zA-Z]{2,8} | [a-zA-Z]{2,8} );
)*+"""
_END_USERINFO: Final = rb"(?:[01][0-9a-fA-F]|2[023fF]|3[cCeEfF]|7[fF])"
_USERINFO: Final = rb"""(?x:(?:(?:
    [^\x00-\x20\x7f"\#&<>\\%%/?@]++
  | %%(?!%(deep_end)b)
  | (?: & | \\++u0026 ) (?:amp;)*+ \#(?!0*+(?:4[7]|6[0234]|3[245]);|[xX]0*+%(end)b;) [0-9a-zA-Z]{2,8};
  | \\++u00(?!%(end)b)
  | &
)*+ %(at)b)++)"""
_SLASHES: Final = rb"/(?<=[:\\]/)\\*+/()"
_HTML_SLASHES: Final = rb"(?:(?:&|\\u0026)(?:amp;)*+#(?:0*+47|[xX]0*+2[fF]);){2}()"
_DEEP_SLASHES: Final = re.compile(rb"%(?:25)*+2[fF]%(?:25)*+2[fF]")
_DEEP_PERCENT: Final = re.compile(rb"%(?:25)++")


def _deep(code: bytes, depth: int) -> bytes:
    """Matches the code at a depth of percent-encoding from 1 to `depth`, without the first `%`."""
    return rb"(?:25){0,%d}%b" % (depth - 1, code) if depth else rb"(?!)"


@cache
def _value_at(depth: int) -> re.Pattern[bytes]:
    return re.compile(_VALUE % {b"deep_end": _deep(_END, depth), b"end": _END, b"html_end": _END_HTML})


@cache
def _userinfo_at(depth: int, begin: bytes = b"") -> re.Pattern[bytes]:
    at = b"%" + _deep(b"40", depth) if depth else b"@"
    deep_end = _deep(rb"(?:%b|40)" % _END_USERINFO, depth)
    return re.compile(begin + _USERINFO % {b"deep_end": deep_end, b"end": _END_USERINFO, b"at": at})


_PLAIN_USERINFO: Final = _userinfo_at(0, _SLASHES)
_HTML_USERINFO: Final = _userinfo_at(0, _HTML_SLASHES)


def _either(letter: bytes, more: bytes = b"") -> bytes:
    return b"[%b%b%b]" % (letter, letter.upper(), more)


class SecretNames:
    """`SECRET_NAMES` and more, and where a payload has values of them."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        names = (name.encode().lower() for name in (*SECRET_NAMES, *more))
        self._folded = frozenset(name.translate(None, _OMIT) for name in names)
        # Each form of `=` begins with a literal, which is looked for fast. Not `="`: that is HTML's own.
        self.forms = (
            (b"=", self._after_a_name(rb"=", rb'=%b(?!\\*+")')),
            (b"%", self._after_a_name(rb"%", rb"%%%b(?:25)*+3[dD]")),
            (b"#", self._after_a_name(rb"&", rb"&%b" + _HTML_EQUALS)),
            (b"\\", self._after_a_name(rb"\\u00", rb"u00%b(?:3[dD]|26" + _HTML_EQUALS + rb")")),
        )

    def values(self, payload: bytes) -> list[Span]:
        """Where values of secret names are. They may lie in each other, and overlap."""
        spans: list[Span] = []
        for letter, equals in self.forms:
            if letter in payload:
                at, ends = 0, [0] * (_MAX_DEPTH + 1)
                for found in equals.finditer(payload):
                    name_end, start = found.span()
                    depth = min((start - name_end - 1) // 2, _MAX_DEPTH) if letter == b"%" else 0
                    # Within a value of its own depth it would end where that does: not to be read again.
                    if start > ends[depth] and self._is_secret(_before(payload, at, name_end)):
                        ends[depth] = _end(_value_at(depth), payload, start)
                        spans.append((start, ends[depth]))
                    at = start
        return spans

    def _after_a_name(self, form: bytes, pattern: bytes) -> re.Pattern[bytes]:
        ends = sorted({name[-2:] for name in self._folded})
        pairs = b"|".join(
            (_either(end[-2:-1], b"_-") if end[1:] else rb"[\x00-\xff]") + _either(end[-1:]) for end in ends
        )
        last = b"".join(end[-1:] + end[-1:].upper() for end in ends)
        return re.compile(pattern % (_NAME_END % {b"pairs": pairs, b"last": last, b"form": form}))

    def _is_secret(self, text: bytes) -> bool:
        """Whether the text ends in a secret name that begins where a parameter, a path or a text begins."""
        if b"#" in text:
            text = _HTML_NUMBER.sub(_as_percent, text)
        name = text.rstrip(b"\\").translate(_FOLD, _OMIT).rpartition(b"&")[2]
        if b"%" in name or b"\\" in name:
            name = _unescaped(name)
        if name in self._folded:
            return True
        # user[password] and token[] are secret; "my.password" in a sentence is not.
        return b"." in name and b" " not in name and not self._folded.isdisjoint(name.split(b"."))


NAMES: Final = SecretNames()


def redact(payload: bytes, names: SecretNames = NAMES) -> bytes:
    """The payload with every secret replaced by `MASK`; the very same object where there is none.

    JSON stays JSON, and redacting again changes nothing.
    """
    return _redact_utf16(payload, names) if 0 in payload[:4] else _redact_text(payload, names)


def _redact_utf16(payload: bytes, names: SecretNames) -> bytes:
    # Since RFC 8259 this is no JSON but a dead letter to be; that is to hold no secret either.
    encoding = "utf-16-be" if payload[:1] == b"\0" or payload[:2] == b"\xfe\xff" else "utf-16-le"
    even = len(payload) // 2 * 2
    text = payload[:even].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    masked = _redact_text(text, names)
    if masked is text:
        return payload
    return masked.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass") + payload[even:]


def _redact_text(payload: bytes, names: SecretNames) -> bytes:
    spans = names.values(payload)
    if b"@" in payload or b"%" in payload:
        spans += _userinfos(payload)
    if not spans:
        return payload
    secrets = sorted((start, end) for start, end in spans if payload[start:end] not in (b"", MASK))
    if not secrets:
        return payload
    parts: list[bytes] = []
    at = 0
    for start, end in secrets:
        if start > at:
            parts += (payload[at:start], MASK)
        at = max(at, end)
    return b"".join((*parts, payload[at:]))


def _userinfos(payload: bytes) -> Iterator[Span]:
    """Where something stands between `://` and an `@` before the host."""
    if b"@" in payload:
        for userinfo in (_PLAIN_USERINFO, _HTML_USERINFO) if b"#" in payload else (_PLAIN_USERINFO,):
            for found in userinfo.finditer(payload):
                if _before(payload, 0, found.start()).rstrip(b"\\").endswith(b":"):
                    yield found.end(1), found.end() - 1
    if b"%" in payload:
        for found in _DEEP_SLASHES.finditer(payload):
            start = found.end()
            end = _end(_userinfo_at(min((len(found[0]) - 2) // 4, _MAX_DEPTH)), payload, start)
            if end > start and payload.endswith((b":", b"3A", b"3a"), 0, found.start()):
                yield start, payload.rindex(b"%", start, end)


def _unescaped(name: bytes) -> bytes:
    name = name.replace(b"%5b", b".").replace(b"%5d", b".")  # the most frequent, and cheaper than below
    for _ in range(_LAYERS):
        if b"%" not in name and b"\\" not in name:
            break
        name = unquote_to_bytes(_DEEP_PERCENT.sub(b"%", _JSON_HEX.sub(rb"%\1", name)))
        name = name.translate(_FOLD, _OMIT).rpartition(b"&")[2]
    return name


def _before(payload: bytes, equals: int, end: int) -> bytes:
    """What stands before `end`, as far back as a name may go. A space tells where a text does not begin."""
    if equals and equals > end - _NAME_BYTES:
        return b" " + payload[equals:end]  # no name has an `=` in it
    return payload[max(0, end - _NAME_BYTES) : end]


def _end(pattern: re.Pattern[bytes], payload: bytes, start: int) -> int:
    match = pattern.match(payload, start)
    return match.end() if match else start


def _as_percent(number: re.Match[bytes]) -> bytes:
    return b"%%%02x" % (int(number[1], 16) if number[1] else int(number[2]) % 256)
