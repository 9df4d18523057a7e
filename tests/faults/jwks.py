"""Canvas's public keys: away, late, wrong, rolled."""

import time
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.api_jws import PyJWS

from bridge.sandbox.dice import Dice
from bridge.sandbox.jwks_server import SigningKeys
from bridge.sandbox.senders import SignedWebhook
from tests.faults.base import Fault, Setup, Site
from tests.faults.proxy import constant, passing, slow
from tests.integration.door_process import wait_for

FETCHES: Final = "canvas_bridge_jwks_fetches_total"
SIGNED: Final = Setup(signed=True)
JSON: Final = "application/json"


class JwksDownFromTheStart(Fault):
    """The door starts anew while nobody answers for the keys."""

    name = "JWKS down from the start"
    setup: Final = SIGNED

    def begin(self, site: Site) -> None:
        site.jwks.close()
        assert site.door.stop() == 0, site.door.log()
        site.door.launch()
        site.wait_for_refused(10)

    def mend(self, site: Site) -> None:
        site.jwks.open()


class JwksSlow(Fault):
    """The door starts anew while the keys take longer than it waits for them."""

    name = "JWKS slow from the start"
    setup: Final = SIGNED

    def begin(self, site: Site) -> None:
        site.jwks.meddle = slow(8)
        assert site.door.stop() == 0, site.door.log()
        site.door.launch()
        site.wait_for_refused(10)

    def mend(self, site: Site) -> None:
        site.jwks.meddle = passing


class JwksDownLater(Fault):
    """Nobody answers for the keys any more when a stranger's token makes the door ask again."""

    name = "JWKS down later"
    setup: Final = SIGNED

    def begin(self, site: Site) -> None:
        site.jwks.close()
        make_it_fetch(site, "failure")

    def mend(self, site: Site) -> None:
        site.jwks.open()


class JwksNoKeys(Fault):
    """Later, the address answers 200 with a page that is no set of keys."""

    name = "JWKS wrong: no set of keys"
    setup: Final = SIGNED

    def begin(self, site: Site) -> None:
        site.jwks.meddle = constant(200, b"<html>Sign in</html>")
        make_it_fetch(site, "failure")

    def mend(self, site: Site) -> None:
        site.jwks.meddle = passing


class JwksOthersKeys(Fault):
    """Later, the address answers with a sound set of keys that are not Canvas's."""

    name = "JWKS wrong: others' keys"
    setup: Final = SIGNED

    def begin(self, site: Site) -> None:
        site.jwks.meddle = constant(200, SigningKeys(_keys("others")).public(), JSON)
        make_it_fetch(site, "success")
        site.wait_for_refused(10)

    def mend(self, site: Site) -> None:
        site.jwks.meddle = passing


class JwksRotated(Fault):
    """What was announced as the next key signs, three times; the set moves on with it."""

    name = "JWKS rotated"
    setup: Final = Setup(signed=True, seconds=0)

    def begin(self, site: Site) -> None:
        keys = site.keys
        for number in range(3):
            keys = SigningKeys(dict(list(keys.keys.items())[1:]) | _keys(f"later-{number}"))
            site.jwks.meddle = constant(200, keys.public(), JSON)
            if number:
                make_it_fetch(site, "success")
            self._sign_with(site, keys)
            site.wait_for_accepted(100)
        assert site.ledger.tries(answered=True) == 0, site.ledger.refused

    def mend(self, site: Site) -> None:
        """There is nothing to mend."""

    def _sign_with(self, site: Site, keys: SigningKeys) -> None:
        dice = Dice(f"signatures/{keys.current[0]}")
        site.load.exchange(lambda: SignedWebhook(site.door.url, keys, dice))


class JwksReplaced(Fault):
    """Canvas signs with a key that it had not announced."""

    name = "JWKS replaced unannounced"
    setup: Final = Setup(signed=True, seconds=0)

    def begin(self, site: Site) -> None:
        keys = SigningKeys(_keys("new"))
        site.jwks.meddle = constant(200, keys.public(), JSON)
        site.load.exchange(lambda: SignedWebhook(site.door.url, keys, Dice("signatures/new")))

    def mend(self, site: Site) -> None:
        """The door must find out by itself."""


def make_it_fetch(site: Site, outcome: str) -> None:
    """Shows tokens of an unknown key until the door has asked for keys again, with that outcome.

    It asks at most once a minute, whatever it is shown.
    """
    ((kid, key),) = _keys("stranger").items()
    token = PyJWS().encode(b'{"metadata":{}}', key, algorithm="RS256", headers={"kid": kid}).encode()
    before = site.metric(FETCHES, outcome)

    def fetched() -> bool:
        try:
            urlopen(Request(site.door.url, token), timeout=15).close()
        except HTTPError as refusal:
            refusal.close()
        time.sleep(0.5)  # a stranger may be insistent, and need not be busy
        return site.metric(FETCHES, outcome) > before

    wait_for(fetched, "another fetch of the keys")


def _keys(kid: str) -> dict[str, RSAPrivateKey]:
    return {kid: generate_private_key(65537, 2048)}
