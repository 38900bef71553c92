"""The experiment's server: the page, and an interface that takes one answer at a time.

Everything that is served is named when the server starts, so no path leads anywhere else. What is
refused is refused with one line of JSON, `{"error": "..."}`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.store import Conflict, Session, Store
from humanlike.people.experiment.study import OBSERVER, SECRET, Study, check_answer

#: What the page may do: nothing but load its own files and talk to its own server.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex",
}
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}

#: A body may take so many seconds to arrive.
PATIENCE = 20


@dataclass(frozen=True)
class Limits:
    """How much is taken: bytes of a body, and for each rate how many at once and how many a second.

    A whole class that shares one address fits into the rates of an address.
    """

    body: int = 64 * 1024
    requests: tuple[float, float] = (20_000, 500)
    sessions: tuple[float, float] = (120, 0.2)
    answers: tuple[float, float] = (60, 4)


class Rate:
    """A bucket of tokens for each key; the oldest keys are forgotten when there are too many."""

    def __init__(self, limit: tuple[float, float], keys: int = 10_000) -> None:
        self._burst, self._refill = limit
        self._keys = keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Take a token, or refuse.

        Raises
        ------
        HTTPException
            429, with the seconds to wait.
        """
        now = time.monotonic()
        tokens, then = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._refill)
        self._buckets[key] = (max(tokens - 1, 0) if tokens >= 1 else tokens, now)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        if tokens < 1:
            wait = max(1, round((1 - tokens) / self._refill))
            raise HTTPException(429, "too many requests; wait", {"Retry-After": str(wait)})


def make_app(
    study: Study,
    page: Mapping[str, bytes],
    store: Store,
    hosts: frozenset[str] | None,
    limits: Limits = Limits(),
) -> ASGIApp:
    """The server of one study.

    Parameters
    ----------
    study
    page
        Path within the page's folder -> content; `index.html` is the page itself.
    store
        Where sessions and answers are kept.
    hosts
        Names that the server is called by; a request for another is refused, as one is that comes
        through a foreign page's name for this address. None: any.
    limits
    """
    sessions, answers = Rate(limits.sessions), Rate(limits.answers)

    async def begin(request: Request) -> Response:
        body = await _body(request, limits.body)
        only = isinstance(body, dict) and set(body) <= {"observer"}
        observer = body.get("observer", "") if only else None
        if not isinstance(observer, str) or (observer and not OBSERVER.fullmatch(observer)):
            raise HTTPException(422, "observer: give a code of at most 64 letters, digits, _ or -")
        sessions.take(_address(request))
        return _told(study, await run_in_threadpool(store.begin, observer), 201)

    async def known(request: Request) -> Session:
        code = request.path_params["code"]
        found = await run_in_threadpool(store.session, code) if SECRET.fullmatch(code) else None
        if found is None:
            raise HTTPException(404, "no such session")
        return found

    async def look(request: Request) -> Response:
        return _told(study, await known(request), 200)

    async def answer(request: Request) -> Response:
        body = await _body(request, limits.body)
        session = await known(request)
        answers.take(session.session)
        number = request.path_params["number"]
        if not number.isascii() or not number.isdigit() or len(number) > 6:
            raise HTTPException(422, "trial: give a whole number")
        checked = check_answer(body, study, study.lists[session.which], int(number))
        try:
            new = await run_in_threadpool(store.keep, session.session, int(number), checked)
        except Conflict:
            raise HTTPException(409, f"trial {int(number)}: another answer is stored") from None
        return JSONResponse({"stored": new}, 201 if new else 200)

    async def finish(request: Request) -> Response:
        await _body(request, limits.body)
        session = await known(request)
        missing = len(study.lists[session.which]) - len(session.done)
        if missing:
            raise HTTPException(409, f"{missing} trials have no answer yet")
        await run_in_threadpool(store.finish, session.session)
        return JSONResponse({"withdrawal": session.withdrawal})

    app = Starlette(
        routes=[
            Route("/api/sessions", begin, methods=["POST"]),
            Route("/api/sessions/{code}", look, methods=["GET"]),
            Route("/api/sessions/{code}/trials/{number}", answer, methods=["PUT"]),
            Route("/api/sessions/{code}/finish", finish, methods=["POST"]),
            *(_file(name, content) for name, content in page.items()),
            _file("", page["index.html"], "html"),
        ],
        exception_handlers={
            HTTPException: _refused,
            HumanlikeError: _broken,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    return _Guard(app, hosts, Rate(limits.requests))


class _Guard:
    """What holds for every request: the names, the rate, and the headers of the answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, rate: Rate) -> None:
        self._app, self._hosts, self._rate = app, hosts, rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            else:
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope)
        try:
            self._check(request)
        except HTTPException as error:
            await (await _refused(request, error))(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._hosts is not None and name.lower() not in self._hosts:
            raise HTTPException(421, "this server has another name; see --name")
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise HTTPException(403, "a request from another page")
        self._rate.take(_address(request))


def _file(name: str, content: bytes, kind: str | None = None) -> Route:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    media = _TYPES[kind or name.rpartition(".")[2]]

    async def give(request: Request) -> Response:
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media)

    return Route(f"/{name}", give, methods=["GET"])


def _told(study: Study, session: Session, status: int) -> Response:
    return JSONResponse(
        {
            "session": session.session,
            "list": session.which,
            "trials": study.lists[session.which],
            "done": session.done,
            "finished": session.finished,
        },
        status,
    )


async def _body(request: Request, most: int) -> Any:
    """The JSON of a body that is neither too long nor too slow."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "give JSON")
    try:
        declared = int(request.headers.get("content-length", 0))
    except ValueError:
        raise HTTPException(400, "content-length: not a number") from None
    if declared > most:
        raise HTTPException(413, f"more than {most} bytes", {"Connection": "close"})

    async def read() -> bytes:
        content = b""
        async for piece in request.stream():
            content += piece
            if len(content) > most:
                raise HTTPException(413, f"more than {most} bytes", {"Connection": "close"})
        return content

    try:
        return json.loads(await asyncio.wait_for(read(), PATIENCE))
    except TimeoutError:
        raise HTTPException(408, "too slow", {"Connection": "close"}) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "not JSON") from None


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)


async def _failed(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "the server failed; try again"}, 500)
