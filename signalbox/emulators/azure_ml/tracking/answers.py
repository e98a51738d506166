"""The forms in which MLflow's REST interface answers, the same for runs, models and artifacts.

It stands alone, because all its doors use it.
"""

import json
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE

ROOTS = tuple(f"/mlflow/{version}{WORKSPACE}/api/2.0" for version in ("v1.0", "v2.0"))


def missing(kind: str, name: Any) -> web.Response:
    body = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{kind} {name} does not exist"}
    return web.json_response(body, status=404)


def exists(kind: str, name: Any) -> web.Response:
    body = {"error_code": "RESOURCE_ALREADY_EXISTS", "message": f"{kind} {name} exists already"}
    return web.json_response(body, status=400)


def invalid(message: str) -> web.Response:
    return web.json_response(_invalid(message), status=400)


def refused(message: str) -> web.HTTPBadRequest:
    """The same to raise."""
    return web.HTTPBadRequest(text=json.dumps(_invalid(message)), content_type="application/json")


def _invalid(message: str) -> dict[str, str]:
    return {"error_code": "INVALID_PARAMETER_VALUE", "message": message}
