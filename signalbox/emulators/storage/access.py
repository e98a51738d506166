"""Which requests reach Azurite: signed requests go on to Azurite, which checks them; tokens are verified here.

Azurite reads a token's claims and not its signature. Shared keys and anonymous requests are refused, as in an account
that allows neither.
"""

from collections.abc import Callable, Collection, Sequence

from aiohttp import web

AUDIENCE = "https://storage.azure.com"
_LONGEST_COPY_SOURCE = 2048

Accepts = Callable[[web.Request, Sequence[str]], bool]


class StorageAccess:
    """*accepts* judges a request's bearer token against audiences; *tenant* is named in the challenge."""

    def __init__(self, accounts: Collection[str], accepts: Accepts, tenant: str) -> None:
        self._accounts, self._accepts = accounts, accepts
        self._challenge = (
            f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize"
            f" resource_id={AUDIENCE}"
        )

    def refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not pass, None for one that may."""
        account = request.path.lstrip("/").partition("/")[0]
        if account not in self._accounts:
            names = ", ".join(self._accounts)
            return error_response(404, "ResourceNotFound", f"There is no account {account!r} here; use one of {names}.")
        if len(request.headers.get("x-ms-copy-source", "")) > _LONGEST_COPY_SOURCE:
            return error_response(400, "InvalidHeaderValue", "x-ms-copy-source takes a URL of up to 2 KiB.")
        authorization = request.headers.get("Authorization", "")
        if not authorization and "sig" in request.query:
            return None
        if authorization.lower().startswith("sharedkey"):
            return error_response(
                403, "KeyBasedAuthenticationNotPermitted", "Use a token or a shared access signature."
            )
        if self._accepts(request, (AUDIENCE, f"https://{account}.blob.core.windows.net")):
            return None
        code = "InvalidAuthenticationInfo" if authorization else "NoAuthenticationInformation"
        message = f"A valid bearer token of this tenant for {AUDIENCE} is required."
        return error_response(401, code, message, {"WWW-Authenticate": self._challenge})


def error_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error in the form of the service."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    all_headers = {"x-ms-error-code": code, **(headers or {})}
    return web.Response(status=status, text=body, content_type="application/xml", headers=all_headers)
