"""Calls the running service for commands: what reads or changes live data goes over HTTP, beside the server."""

import json
import secrets
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from orders_service.mendable import Mendable
from orders_service.printable import printable
from orders_service.server_events import ServerEvent, events_of

if TYPE_CHECKING:  # settings take half a second to import, and `orders --help` needs none
    from orders_service.settings import Access

SECONDS = 30.0
_ADVICE = {
    "unauthenticated": ". The key is that of ORDERS_API_KEY, or else of ORDERS_ADMIN_KEY: is it this service's?",
}
NAME = "orders-cli"


class ServiceError(Mendable):
    """What a command cannot do, in one line for whoever typed it."""

    exit_code = 1


class ServiceRefused(ServiceError):
    """The service said no: the line is its problem's, with what was wrong and the id of the request."""

    def __init__(self, line: str, *, code: str | None) -> None:
        super().__init__(line)
        self.code = code


class ServiceAway(ServiceError):
    """Nobody answered, or not as the service would."""

    exit_code = 2


class _NoRedirects(HTTPRedirectHandler):
    """A credential goes where it was sent, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """Speaks with one service, under one credential, and says in each request that it is a command line."""

    def __init__(self, base: str, key: str) -> None:
        parsed = urlsplit(base)
        if parsed.scheme not in {"http", "https"} or not parsed.hostname:
            raise ServiceAway(f"--url must be http://<host>:<port> or https://<host>, not {base}")
        if not (key.isascii() and key.isprintable()):
            raise ServiceAway("The credential can be sent in no header: it has other characters than a key has.")
        self._base = base.rstrip("/")
        self._key = key
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}), HTTPSHandler(context=ssl.create_default_context()), _NoRedirects
        )

    def get(self, path: str, **query: str | Sequence[str]) -> Any:
        return self.call("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON; nothing for an empty one. Raises `ServiceRefused` or `ServiceAway`."""
        request = self._request(method, path, body)
        with self._clear_words(), self._opener.open(request, timeout=SECONDS) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def events(self, path: str, *, after: str | None = None) -> Iterator[ServerEvent]:
        """What the service tells, as it happens, until it ends the stream. Raises as `call` does, at any time."""
        request = self._request("GET", path)
        request.add_header("Accept", "text/event-stream")
        if after is not None:
            request.add_header("Last-Event-ID", after)
        with self._clear_words(), self._opener.open(request, timeout=SECONDS) as answer:  # it pings twice as often
            yield from events_of(answer)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Request:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json",
            "User-Agent": f"{NAME}/{version('orders-service')}",
            "X-Request-Id": f"{NAME}-{secrets.token_hex(10)}",  # the audit keeps it with what was done
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode() if body is not None else None
        return Request(self._base + path, content, headers, method=method)  # noqa: S310 - the scheme is checked above

    @contextmanager
    def _clear_words(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            raise _refusal(error) from None
        except (URLError, HTTPException, OSError) as error:
            raise ServiceAway(
                f"{self._base} does not answer: {_why(error)}. Is it served? Else name it with --url."
            ) from None
        except ValueError:
            raise ServiceAway(f"{self._base} does not answer as this service does.") from None


def client_for(access: "Access", url: str | None) -> Client:
    """The service that is named, or set, or on this machine; under ORDERS_API_KEY, or else ORDERS_ADMIN_KEY."""
    key = access.api_key or access.admin_key
    return Client(url or access.api_url or _near(access), key.get_secret_value())


def _near(access: "Access") -> str:
    """Who listens on all addresses is reached on this machine's own."""
    try:
        if ip_address(access.host).is_unspecified:
            return f"http://127.0.0.1:{access.port}"
    except ValueError:
        pass
    return access.own_url


def _why(error: Exception) -> str:
    """In the words of the system, or its kind alone: what came over the line may be anything."""
    cause = getattr(error, "reason", None)
    cause = cause if isinstance(cause, Exception) else error
    return getattr(cause, "strerror", None) or type(cause).__name__


def _refusal(error: HTTPError) -> ServiceError:
    try:
        problem = json.loads(error.read())
        said = (f"{flaw['pointer'].lstrip('/')}: {flaw['message']}" for flaw in problem.get("errors", ()))
        flaws = "; ".join(dict.fromkeys(said))  # each once: a value may be read for several purposes
        line = f"{problem['title']}: {flaws or problem['detail']} (request {problem['request_id']})"
        advice = _ADVICE.get(problem["code"], "")
        return ServiceRefused(printable(f"{line}{advice}"), code=problem["code"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError, HTTPException):
        return ServiceAway(f"The answer was {error.code}, and not as this service would say it.")
