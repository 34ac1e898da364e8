"""OpenAPI 3.1 from the route table and the models, so that the description cannot drift from the code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.problems import PROBLEM_JSON
from app.api.routing import JSON, Route
from app.security.permissions import Permission

_ARGUMENT = re.compile(r"<(\w+)>")
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def openapi_document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The description of the API."""
    bodies = sorted({route.body for route in routes if route.body}, key=lambda model: model.__name__)
    refs, schemas = models_json_schema([(model, "validation") for model in bodies], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        body = refs[route.body, "validation"] if route.body else None
        paths.setdefault(_ARGUMENT.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route, body)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Relaypoint", "version": version},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), **_named_by_queries(routes), "Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _operation(route: Route, body: dict[str, Any] | None) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _ARGUMENT.findall(route.path)
    ]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": route.summary,
        "parameters": parameters + (_query_parameters(route.query) if route.query else []),
        "responses": {
            **{str(status.value): _answer(route, status) for status in (route.status, *route.also)},
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if body is not None:
        operation["requestBody"] = {"content": {JSON: {"schema": body}}, "required": True}
    elif route.takes:
        operation["requestBody"] = {"content": {kind: {"schema": {}} for kind in route.takes}, "required": True}
    if isinstance(route.access, Permission):
        operation["x-permission"] = route.access.value
    else:
        operation["security"] = []
    return operation


def _answer(route: Route, status: HTTPStatus) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": status.phrase}
    if status is not HTTPStatus.NO_CONTENT:
        answer["content"] = {route.produces: {"schema": {}}}
    return answer


def _named_by_queries(routes: Sequence[Route]) -> dict[str, Any]:
    """What query parameters refer to, by name: words that only some are allowed of."""
    found: dict[str, Any] = {}
    for query in {route.query for route in routes if route.query}:
        found |= query.model_json_schema(ref_template=_REFERENCE).get("$defs", {})
    return found


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    properties = model.model_json_schema(ref_template=_REFERENCE)["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]
