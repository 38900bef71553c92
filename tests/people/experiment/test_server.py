"""The server as a process: answers stored once, whatever happens, and strangers refused."""

import asyncio
import gzip
import json
import re
import socket
import sqlite3
from collections import Counter
from pathlib import Path

import httpx
import pytest
from experiments import Inside, Server

from humanlike.commands.experiment import read_study
from humanlike.errors import HumanlikeError
from humanlike.people.experiment.server import Limits, Rate, make_app
from humanlike.people.experiment.store import Conflict, Store, records
from humanlike.people.experiment.study import Study

EVIL = "http://evil.example"


def answer(study: Study, session: dict, number: int, **change: object) -> dict:
    """A valid answer that differs from session to session and trial to trial."""
    stimulus, left, _ = session["trials"][number - 1]
    rt = round(1 + number / 10 + sum(map(ord, session["session"])) / 1000, 3)
    made = {"stimulus": stimulus, "response": left, "rt": rt, "confidence": None}
    return {**made, "clicks": [[1.5, 2.25, 0.5], [number, 3, 0.75]], **change}


@pytest.fixture
def study(built: Path) -> Study:
    return read_study(built)


@pytest.fixture
def client(inside: Inside):
    with httpx.Client(base_url=inside.address) as client:
        yield client


def begin(client: httpx.Client, **body: str) -> dict:
    given = client.post("/api/sessions", json=body)
    assert given.status_code == 201
    return given.json()


def put(client: httpx.Client, session: dict, number: int, body: object) -> httpx.Response:
    return client.put(f"/api/sessions/{session['session']}/trials/{number}", json=body)


def stored(server: Inside | Server) -> list[dict]:
    return list(records(server.database))


def test_an_observer_from_begin_to_end(client, inside, study) -> None:
    session = begin(client, observer="VP-07")
    assert [tuple(trial) for trial in session["trials"]] == study.lists[0]
    # What is right is not told.
    assert set(session) == {"session", "list", "trials", "done", "finished"}
    early = client.post(f"/api/sessions/{session['session']}/finish", json={})
    assert early.status_code == 409 and "8 trials have no answer" in early.json()["error"]
    for number in range(1, 9):
        assert put(client, session, number, answer(study, session, number)).status_code == 201
    known = client.get(f"/api/sessions/{session['session']}").json()
    assert known["done"] == list(range(1, 9)) and not known["finished"]
    end = client.post(f"/api/sessions/{session['session']}/finish", json={})
    assert len(end.json()["withdrawal"]) == 16
    assert client.get(f"/api/sessions/{session['session']}").json()["finished"]
    kept = stored(inside)
    assert [record["trial"] for record in kept] == list(range(1, 9))
    assert {record["observer"] for record in kept} == {"VP-07"}
    assert kept[2]["clicks"] == [[1.5, 2.25, 0.5], [3.0, 3.0, 0.75]]


def test_an_answer_is_stored_once(client, inside, study) -> None:
    session = begin(client)
    first = answer(study, session, 1)
    assert put(client, session, 1, first).status_code == 201
    assert put(client, session, 1, first).status_code == 200
    other = put(client, session, 1, {**first, "rt": 9.0})
    assert other.status_code == 409 and other.json() == {
        "error": "trial 1: another answer is stored"
    }
    assert [record["rt"] for record in stored(inside)] == [first["rt"]]


def test_a_killed_server_loses_nothing(server, study) -> None:
    client = httpx.Client(base_url=server.address)
    session = begin(client)
    for number in (1, 2, 3):
        put(client, session, number, answer(study, session, number))
    server.kill()
    with pytest.raises(httpx.TransportError):
        put(client, session, 4, answer(study, session, 4))
    server.start()
    assert client.get(f"/api/sessions/{session['session']}").json()["done"] == [1, 2, 3]
    assert put(client, session, 3, answer(study, session, 3)).status_code == 200
    assert put(client, session, 4, answer(study, session, 4)).status_code == 201
    assert [record["trial"] for record in stored(server)] == [1, 2, 3, 4]
    client.close()


def test_fifty_observers_at_once(server, study) -> None:
    """Each sends every answer twice at the same moment, and all of them all at once."""

    async def observe(client: httpx.AsyncClient, statuses: Counter) -> dict:
        session = (await client.post("/api/sessions", json={})).json()
        for number in range(1, len(session["trials"]) + 1):
            path = f"/api/sessions/{session['session']}/trials/{number}"
            body = answer(study, session, number)
            both = await asyncio.gather(client.put(path, json=body), client.put(path, json=body))
            statuses.update(response.status_code for response in both)
        await client.post(f"/api/sessions/{session['session']}/finish", json={})
        return session

    async def all_at_once() -> tuple[list[dict], Counter]:
        statuses: Counter = Counter()
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=server.address, timeout=60, limits=limits) as client:
            return await asyncio.gather(*(observe(client, statuses) for _ in range(50))), statuses

    sessions, statuses = asyncio.run(all_at_once())
    assert statuses == {201: 400, 200: 400}
    kept = {(record["session"], record["trial"]): record for record in stored(server)}
    assert len(kept) == 400
    for session in sessions:
        for number in range(1, 9):
            sent = answer(study, session, number)
            record = kept[session["session"], number]
            assert {name: record[name] for name in sent} == sent
    # The four lists are given out evenly.
    given = Counter(session["list"] for session in sessions)
    assert sorted(given.values()) == [12, 12, 13, 13]


def test_hostile_input_is_refused_with_one_line(client, inside, study) -> None:
    session = begin(client)
    path = f"/api/sessions/{session['session']}/trials"
    good = json.dumps(answer(study, session, 1))
    header = {"Content-Type": "application/json"}
    deep = "[" * 20_000
    packed = gzip.compress(b" " * 10_000_000 + good.encode())
    first = session["trials"][0][0]

    def changed(rt: str) -> str:
        return re.sub(r'"rt": [\d.]+', f'"rt": {rt}', good)

    asked = [
        # what, method, path, body, headers, status
        ("oversized", "PUT", f"{path}/1", " " * 70_000 + good, header, 413),
        ("no JSON", "PUT", f"{path}/1", "{", header, 400),
        ("nested deeply", "PUT", f"{path}/1", deep, header, 400),
        ("no UTF-8", "PUT", f"{path}/1", b'{"rt": "\xff"}', header, 400),
        ("a form", "PUT", f"{path}/1", good, {"Content-Type": "text/plain"}, 415),
        ("a list", "PUT", f"{path}/1", "[1]", header, 422),
        ("wrong type", "PUT", f"{path}/1", changed("{}"), header, 422),
        ("half a character", "PUT", f"{path}/1", good.replace(first, r"\ud800"), header, 422),
        ("many digits", "PUT", f"{path}/1", changed("9" * 5000), header, 400),
        ("compressed", "PUT", f"{path}/1", packed, {**header, "Content-Encoding": "gzip"}, 400),
        ("endless number", "PUT", f"{path}/1", changed("1e999"), header, 422),
        ("trial 0", "PUT", f"{path}/0", good, header, 422),
        ("trial 9", "PUT", f"{path}/9", good, header, 422),
        ("no number", "PUT", f"{path}/1e0", good, header, 422),
        ("other digits", "PUT", f"{path}/%D9%A1", good, header, 422),
        ("another trial's answer", "PUT", f"{path}/2", good, header, 422),
        ("script in a name", "POST", "/api/sessions", '{"observer": "<script>"}', header, 422),
        ("formula in a name", "POST", "/api/sessions", '{"observer": "=1+1"}', header, 422),
        ("a line more in a name", "POST", "/api/sessions", '{"observer": "a\\n"}', header, 422),
        ("another key", "POST", "/api/sessions", '{"admin": true}', header, 422),
        ("a name of no text", "POST", "/api/sessions", '{"observer": ["a"]}', header, 422),
        ("guessed code", "GET", "/api/sessions/AAAAAAAAAAAAAAAAAAAAAA", None, {}, 404),
        ("quoted code", "GET", "/api/sessions/' OR 1=1 --", None, {}, 404),
        ("path up", "GET", "/../study.json", None, {}, 404),
        ("path up, encoded", "GET", "/stimuli/%2e%2e/%2e%2e/study.json", None, {}, 404),
        ("path up, backslash", "GET", "/..%5cstudy.json", None, {}, 404),
        ("absolute path", "GET", "//etc/passwd", None, {}, 404),
        ("null byte", "GET", "/index.html%00.png", None, {}, 404),
        ("database", "GET", "/answers.sqlite", None, {}, 404),
        ("truth", "GET", "/study.json", None, {}, 404),
        ("listing", "GET", "/stimuli/", None, {}, 404),
        ("listing of sessions", "GET", "/api/sessions", None, {}, 405),
        ("deletion", "DELETE", f"{path}/1", None, {}, 405),
        ("another host", "GET", "/", None, {"Host": EVIL[7:]}, 421),
        ("another page", "POST", "/api/sessions", "{}", {**header, "Origin": EVIL}, 403),
    ]  # fmt: skip
    for what, method, place, body, headers, status in asked:
        # As it stands: httpx would tidy the path.
        url = httpx.URL(inside.address).copy_with(raw_path=place.replace(" ", "%20").encode())
        given = client.request(method, url, content=body, headers=headers)
        assert given.status_code == status, what
        said = given.json() if given.headers["content-type"] == "application/json" else given.text
        line = said["error"] if isinstance(said, dict) else said
        assert "\n" not in line and len(line) < 200 and "Traceback" not in line, what
        assert given.headers["content-security-policy"].startswith("default-src 'none'"), what
    assert stored(inside) == []
    # A replayed code of a finished session changes nothing.
    assert put(client, session, 1, json.loads(good)).status_code == 201
    assert put(client, session, 1, {**json.loads(good), "rt": 8}).status_code == 409
    assert len(stored(inside)) == 1


def test_a_body_that_is_longer_than_it_says_is_refused(inside) -> None:
    with socket.create_connection(("127.0.0.1", inside.port)) as raw:
        head = (
            "POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        )
        raw.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(20):
                raw.sendall(b"2000\r\n" + b" " * 0x2000 + b"\r\n")
        except OSError:
            pass  # It hung up.
        raw.settimeout(10)
        assert b" 413 " in raw.recv(200)


def test_the_page_is_served_and_may_be_kept(client) -> None:
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert client.get("/index.html").content == page.content
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "server" not in page.headers
    assert client.get("/config.json").headers["content-type"] == "application/json"


def test_rates_are_limited(study, tmp_path) -> None:
    store = Store(tmp_path / "a.sqlite", study)
    limits = Limits(sessions=(2, 0.01), answers=(3, 0.01), requests=(12, 0.01))
    app = make_app(study, {"index.html": b"", "config.json": b"{}"}, store, None, limits)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            made = [await client.post("/api/sessions", json={}) for _ in range(3)]
            assert made[2].headers["retry-after"] == "100"
            session = made[0].json()
            sent = [
                await client.put(
                    f"/api/sessions/{session['session']}/trials/{number}",
                    json=answer(study, session, number),
                )
                for number in range(1, 6)
            ]
            got = [await client.get("/") for _ in range(5)]
            return [response.status_code for response in [*made, *sent, *got]]

    codes = asyncio.run(ask())
    assert codes[:3] == [201, 201, 429]
    assert codes[3:8] == [201, 201, 201, 429, 429]
    assert codes[8:] == [200, 200, 200, 200, 429]
    store.close()


def test_rates_forget_the_oldest_keys() -> None:
    rate = Rate((1, 0.01), keys=3)
    for key in "abcd":
        rate.take(key)
    rate.take("a")
    with pytest.raises(Exception, match="429"):
        rate.take("d")


def test_the_store_knows_its_study(study, tmp_path) -> None:
    path = tmp_path / "a.sqlite"
    store = Store(path, study)
    session = store.begin()
    assert store.keep(session.session, 1, {"rt": 1.0})
    assert not store.keep(session.session, 1, {"rt": 1.0})
    with pytest.raises(Conflict):
        store.keep(session.session, 1, {"rt": 2.0})
    with pytest.raises(sqlite3.IntegrityError):
        store.keep("nobody", 1, {"rt": 1.0})
    # A failed transaction leaves the store in order.
    assert store.begin().which == 1
    store.close()
    other = Study(**{**study.__dict__, "study": "other"})
    with pytest.raises(HumanlikeError, match="holds answers to another study"):
        Store(path, other)
    (tmp_path / "b.sqlite").write_text("no database" * 100)
    with pytest.raises(HumanlikeError, match="not a database of answers"):
        Store(tmp_path / "b.sqlite", study)


def test_a_silent_session_gives_its_list_back(study, tmp_path, monkeypatch) -> None:
    store = Store(tmp_path / "a.sqlite", study)
    assert [store.begin().which for _ in study.lists] == [0, 1, 2, 3]
    monkeypatch.setattr("humanlike.people.experiment.store.SILENT", -1)
    done = store.begin()
    assert done.which == 0
    store.finish(done.session)
    assert store.begin().which == 1
    store.close()


def test_withdrawal_deletes_to_the_last_byte(study, tmp_path) -> None:
    path = tmp_path / "a.sqlite"
    store = Store(path, study)
    gone, kept = store.begin("VP-GONE"), store.begin("VP-KEPT")
    for session in (gone, kept):
        store.keep(session.session, 1, {"rt": 1.0})
        store.keep(session.session, 2, {"rt": 2.0})
    assert store.withdraw(gone.withdrawal) == 2
    with pytest.raises(HumanlikeError, match="no session has it"):
        store.withdraw(gone.withdrawal)
    assert {record["session"] for record in records(path)} == {kept.session}
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"VP-KEPT" in left
    assert b"VP-GONE" not in left and gone.session.encode() not in left
    store.close()
