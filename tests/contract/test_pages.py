"""The pages and the table for people say what the schemas and samples say, and lead where they promise."""

import json
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from processors.exports.base import MARKER, Material
from processors.exports.html import HtmlExport
from processors.names import TopicNames
from tests.catalogue_table import README, with_table
from tests.samples import CATALOGUE
from tests.schema_files import AVRO

PAGES = HtmlExport().files(Material(CATALOGUE, TopicNames(), AVRO), AVRO / "pages")
INDEX = json.loads(PAGES["search_index.js"].removeprefix("const SEARCH_INDEX = ").rstrip().removesuffix(";"))


class Anchors(HTMLParser):
    """The ids and the addresses of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.addresses.add(found.get("href") or found.get("src") or "")


ANCHORS = {name: Anchors(text) for name, text in PAGES.items() if name.endswith(".html")}


def test_the_pages_are_not_stale() -> None:
    written = {
        path.name: path.read_text("utf-8") for path in (AVRO / "pages").iterdir() if path.name != MARKER
    }
    assert written.keys() == PAGES.keys(), "run `make docs`"
    assert [name for name, text in PAGES.items() if written[name] != text] == [], "run `make docs`"


def test_the_table_is_not_stale() -> None:
    text = README.read_text("utf-8")
    assert text == with_table(text), "run `make docs`"


def test_a_stale_table_would_be_seen() -> None:
    text = README.read_text("utf-8")
    assert with_table(text.replace("| [logged_in]", "| [logged_on]")) == text
    with pytest.raises(ValueError, match="must have the lines"):
        with_table("no marks")


@pytest.mark.parametrize("name", ANCHORS)
def test_every_address_leads_somewhere_on_the_site(name: str) -> None:
    for address in ANCHORS[name].addresses - {""}:
        page, fragment = urlsplit(address).path or name, urlsplit(address).fragment
        assert page in PAGES, address
        assert not fragment or fragment in ANCHORS[page].ids, address


def test_the_search_knows_every_event_and_leads_to_its_fields() -> None:
    assert {name for name, *_ in INDEX} == {"envelope", *CATALOGUE.events}
    for name, _, fields in INDEX:
        assert {anchor for anchor, *_ in fields} <= ANCHORS[f"{name}.html"].ids


def test_a_page_shows_sources_personal_data_samples_and_history() -> None:
    page = PAGES["enrollment_created.html"]
    assert "/<wbr>object/" not in page
    for shown in (
        "canvas.enrollment_created-value",
        "Canvas JSON: typical",
        "Caliper: typical",
        "pii direct",
    ):
        assert shown in page
    assert "Schema history" in page
