"""The simulator's keys: published without their secrets, kept in a file, refused where they are none."""

import json
import stat
from pathlib import Path
from urllib.request import urlopen

import pytest

from bridge.sandbox.jwks_server import JwksServer, SigningKeys, keys_of

KEYS = SigningKeys.generate()


def test_the_key_server_gives_three_public_keys_and_nothing_private() -> None:
    with JwksServer(KEYS) as server, urlopen(server.url) as response:
        document = json.load(response)
    assert [key["kid"] for key in document["keys"]] == sorted(KEYS.keys)
    assert KEYS.current[0] == document["keys"][1]["kid"]
    for key in document["keys"]:
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_keys_in_a_file_are_kept_and_shut_from_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made, found = keys_of(path), keys_of(path)
    assert made.public() == found.public()
    assert made.current[0] == found.current[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "{}", '{"keys": []}', '{"keys": [{"kid": "x", "kty": "RSA"}]}', KEYS.public()]
)
def test_a_file_without_private_keys_is_refused_by_its_name(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"keys\.json"):
        keys_of(path)
