"""The REST API of Confluent's schema registry over a SubjectStore."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from bridge.sandbox.engines.registry.subjects import RegistryError, SubjectStore, Version

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STORE = web.AppKey("store", SubjectStore)


def application(store: SubjectStore) -> web.Application:
    """The routes, for a server or a test client."""
    app = web.Application(middlewares=[_answer_errors], client_max_size=16 * 1_048_576)
    app[STORE] = store
    subject, versions = "/subjects/{subject}", "/subjects/{subject}/versions"
    app.add_routes(
        [
            web.get("/", _root),
            web.get("/subjects", _subjects),
            web.post(subject, _look_up),
            web.delete(subject, _delete),
            web.get(versions, _versions),
            web.post(versions, _register),
            web.get(versions + "/{version}", _version),
            web.get(versions + "/{version}/schema", _version_schema),
            web.get("/schemas/types", _types),
            web.get(r"/schemas/ids/{id:\d+}", _schema),
            web.get(r"/schemas/ids/{id:\d+}/schema", _schema_text),
            web.get(r"/schemas/ids/{id:\d+}/versions", _uses),
            web.post("/compatibility" + versions, _test),
            web.post("/compatibility" + versions + "/{version}", _test),
            web.get("/config", _level),
            web.put("/config", _set_level),
            web.get("/config/{subject}", _level),
            web.put("/config/{subject}", _set_level),
            web.delete("/config/{subject}", _unset_level),
            web.get("/mode", _mode),
        ]
    )
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RegistryError as error:
        return _json({"error_code": error.code, "message": str(error)}, error.status)
    except web.HTTPException as error:
        return _json(
            {"error_code": error.status, "message": f"HTTP {error.status} {error.reason}"}, error.status
        )


async def _root(_: web.Request) -> web.Response:
    return _json({})


async def _mode(_: web.Request) -> web.Response:
    return _json({"mode": "READWRITE"})


async def _types(_: web.Request) -> web.Response:
    return _json(["AVRO"])


async def _subjects(request: web.Request) -> web.Response:
    prefix = request.query.get("subjectPrefix", "")
    names = request.app[STORE].subjects(deleted=_flag(request, "deleted"))
    return _json([name for name in names if name.startswith(prefix)])


async def _versions(request: web.Request) -> web.Response:
    found = request.app[STORE].versions(_subject(request), deleted=_flag(request, "deleted"))
    return _json([version.number for version in found])


async def _version(request: web.Request) -> web.Response:
    return _json(_describe(_find(request)))


async def _version_schema(request: web.Request) -> web.Response:
    return _json(orjson.loads(_find(request).schema.text))


async def _register(request: web.Request) -> web.Response:
    return _json({"id": request.app[STORE].register(_subject(request), await _schema_of(request))})


async def _look_up(request: web.Request) -> web.Response:
    text = await _schema_of(request)
    found = request.app[STORE].look_up(_subject(request), text, deleted=_flag(request, "deleted"))
    return _json(_describe(found))


async def _delete(request: web.Request) -> web.Response:
    return _json(request.app[STORE].delete(_subject(request), permanent=_flag(request, "permanent")))


async def _schema(request: web.Request) -> web.Response:
    return _json({"schema": request.app[STORE].schema(int(request.match_info["id"])).text})


async def _schema_text(request: web.Request) -> web.Response:
    return _json(orjson.loads(request.app[STORE].schema(int(request.match_info["id"])).text))


async def _uses(request: web.Request) -> web.Response:
    found = request.app[STORE].uses(int(request.match_info["id"]))
    return _json([{"subject": version.subject, "version": version.number} for version in found])


async def _test(request: web.Request) -> web.Response:
    text = await _schema_of(request)
    reasons = request.app[STORE].test(_subject(request), text, request.match_info.get("version"))
    answer: dict[str, Any] = {"is_compatible": not reasons}
    if _flag(request, "verbose"):
        answer["messages"] = reasons
    return _json(answer)


async def _level(request: web.Request) -> web.Response:
    subject = request.match_info.get("subject")
    level = request.app[STORE].level(subject, or_global=_flag(request, "defaultToGlobal"))
    return _json({"compatibilityLevel": level})


async def _set_level(request: web.Request) -> web.Response:
    level = str((await _body(request)).get("compatibility", "")).upper()
    request.app[STORE].set_level(level, request.match_info.get("subject"))
    return _json({"compatibility": level})


async def _unset_level(request: web.Request) -> web.Response:
    return _json({"compatibilityLevel": request.app[STORE].unset_level(_subject(request))})


async def _schema_of(request: web.Request) -> str:
    body = await _body(request)
    if body.get("schemaType", "AVRO") != "AVRO":
        raise RegistryError(
            42201, f"Invalid schema: type {body['schemaType']} is not kept here. Register AVRO"
        )
    if body.get("references"):
        raise RegistryError(
            42201, "Invalid schema: references are not kept here. Register a self-contained schema"
        )
    schema = body.get("schema")
    if not isinstance(schema, str) or not schema:
        raise RegistryError(42201, "Invalid schema: `schema` must be the schema's text")
    return schema


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except ValueError:
        raise RegistryError(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise RegistryError(400, "The body is not a JSON object")
    return body


def _find(request: web.Request) -> Version:
    number, deleted = request.match_info["version"], _flag(request, "deleted")
    return request.app[STORE].version(_subject(request), number, deleted=deleted)


def _describe(version: Version) -> dict[str, Any]:
    number, text = version.number, version.schema.text
    return {"subject": version.subject, "version": number, "id": version.schema_id, "schema": text}


def _subject(request: web.Request) -> str:
    return request.match_info["subject"]


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type=CONTENT_TYPE)
