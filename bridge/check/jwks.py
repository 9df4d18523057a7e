"""Whether Canvas's public keys can be had, and look like Canvas's."""

import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from bridge.check.base import Finding, Site, ok, problem, skipped, warning
from bridge.check.fetch import NoAnswer, Page, get, shown
from bridge.ingress.jwks import MAX_BYTES, parse_keys

EXPECTED_KEYS: Final = 3  # the previous, the current and the next
OLD_DAYS: Final = 62  # Canvas makes a new one each month
CLOCK_SECONDS: Final = 30  # half of the leeway that tokens get
REMEDY: Final = (
    "set BRIDGE_WEBHOOK__JWKS_URL (its default is Canvas's own), and let this machine reach it over HTTPS"
)


class JwksCheck:
    """Address, number and age of the keys, and this machine's clock, which tokens are judged by."""

    name = "jwks"

    def needless(self, site: Site) -> str | None:
        """Where no token is verified."""
        if site.webhook is None:
            return "the webhook is not checked"
        return "BRIDGE_WEBHOOK__ACCEPT=plain: no key is needed" if site.webhook.accept == "plain" else None

    def find(self, site: Site) -> Iterator[Finding]:
        """Findings on the keys; one where they cannot be had."""
        if site.webhook is None:
            return
        where = shown(site.webhook.jwks_url)
        try:
            page = get(site.webhook.jwks_url)
        except NoAnswer as error:
            yield problem(self.name, f"{where} does not answer: {error}", REMEDY)
            return
        yield from judge(page, where, time.time())


def judge(page: Page, where: str, now: float) -> Iterator[Finding]:
    """On the answer. `now`: seconds since the epoch."""
    if page.status != 200:
        yield problem(JwksCheck.name, f"{where} answers HTTP {page.status}, expected is 200", REMEDY)
        return
    if len(page.content) > MAX_BYTES:
        yield problem(JwksCheck.name, f"{where} is larger than {MAX_BYTES:,} bytes", REMEDY)
        return
    try:
        kids = list(parse_keys(page.content))
    except ValueError as error:
        yield problem(JwksCheck.name, f"{where} is no usable key set: {error}", REMEDY)
        return
    yield _number(kids, where)
    yield _age(kids, now)
    yield _clock(page, now)


def _number(kids: Collection[str], where: str) -> Finding:
    if len(kids) == EXPECTED_KEYS:
        return ok(JwksCheck.name, f"{where} has {EXPECTED_KEYS} usable keys")
    return warning(
        JwksCheck.name,
        f"{where} has {len(kids)} usable key(s); Canvas publishes {EXPECTED_KEYS}: previous, current, next",
        "see that BRIDGE_WEBHOOK__JWKS_URL is Canvas's own",
    )


def _age(kids: Collection[str], now: float) -> Finding:
    name, times = "jwks age", [moment for moment in map(_made_at, kids) if moment is not None]
    if not times:
        return skipped(name, "cannot tell: Canvas's key ids are times, these are not")
    days = (now - max(times)) / 86_400
    if days > OLD_DAYS:
        return warning(
            name,
            f"the newest key is {days:.0f} days old; Canvas makes one each month",
            "see that BRIDGE_WEBHOOK__JWKS_URL is Canvas's own and no cache answers for it",
        )
    return ok(name, f"the newest key is {max(0, days):.0f} days old")


def _clock(page: Page, now: float) -> Finding:
    name = "clock"
    try:
        off = (
            now - parsedate_to_datetime(page.headers["date"]).timestamp() - float(page.headers.get("age", 0))
        )
    except (KeyError, ValueError):
        return skipped(name, "cannot tell: the key server states no time")
    if abs(off) > CLOCK_SECONDS:
        return warning(
            name,
            f"this machine's clock is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}: "
            "tokens are refused as expired or not yet valid",
            "have it set by NTP",
        )
    return ok(name, "this machine's clock agrees with the key server's")


def _made_at(kid: str) -> float | None:
    try:
        moment = datetime.fromisoformat(kid)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
