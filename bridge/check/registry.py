"""Whether the schema registry answers: the processors need it, the doors do not."""

from base64 import b64encode
from collections.abc import Iterator

import orjson

from bridge.check.base import Finding, Site, ok, problem, warning
from bridge.check.fetch import NoAnswer, Page, get, shown
from bridge.settings import SchemaRegistrySettings


class RegistryCheck:
    """Address and credentials: a listing of the subjects."""

    name = "schema registry"

    def needless(self, site: Site) -> str | None:
        """Where none is configured."""
        return None if site.registry else "SCHEMA_REGISTRY_URL is not set; only the processors need it"

    def find(self, site: Site) -> Iterator[Finding]:
        """One finding."""
        if site.registry is None:
            return
        where = shown(site.registry.url)
        try:
            page = _subjects(site.registry)
        except NoAnswer as error:
            remedy = "set SCHEMA_REGISTRY_URL (and SCHEMA_REGISTRY_SSL_CA_LOCATION), and see that it runs"
            yield problem(self.name, f"{where} does not answer: {error}", remedy)
        else:
            yield judge(page, where, site.kafka.topic_prefix)


def judge(page: Page, where: str, prefix: str) -> Finding:
    """On the registry's answer to `GET /subjects`."""
    name = RegistryCheck.name
    if page.status in (401, 403):
        cause = f"{where} refuses these credentials (HTTP {page.status})"
        return problem(name, cause, "set SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO")
    if page.status >= 500:
        return problem(name, f"{where} fails (HTTP {page.status})", "see the registry's own log")
    subjects = _listed(page)
    if subjects is None:
        return problem(
            name,
            f"{where} has no list of subjects (HTTP {page.status})",
            "set SCHEMA_REGISTRY_URL with its path, e.g. https://host/apis/ccompat/v7",
        )
    ours = sum(subject.startswith(prefix) for subject in subjects)
    if not ours:
        cause = f"{where} answers, but has no subject {prefix}*"
        return warning(name, cause, "run `canvas-processors schemas register`")
    return ok(name, f"{where} answers; {ours} subjects {prefix}*")


def _subjects(settings: SchemaRegistrySettings) -> Page:
    headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
    if settings.basic_auth_user_info:
        secret = settings.basic_auth_user_info.get_secret_value().encode()
        headers["Authorization"] = f"Basic {b64encode(secret).decode()}"
    return get(settings.url.rstrip("/") + "/subjects", headers, settings.ssl_ca_location)


def _listed(page: Page) -> list[str] | None:
    try:
        subjects = orjson.loads(page.content) if page.status == 200 else None
    except ValueError:
        return None
    return [str(subject) for subject in subjects] if isinstance(subjects, list) else None
