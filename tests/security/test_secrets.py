"""Planted secrets: used by a real collector whose receivers and engines fail, and found nowhere."""

import re
import subprocess
import sys
import time
from pathlib import Path

import bcrypt
import httpx
import pytest
from rigs.ports import free_port

from headroom_collector.bench import security_parts as parts
from headroom_collector.cli.client import client

CANARY = re.compile(r"CANARY[0-9]+")


def secret(path: Path, number: int) -> Path:
    path.touch(mode=0o600)
    path.write_text(f"CANARY{number}\n")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    closed = free_port()
    hashed = bcrypt.hashpw(b"CANARY6", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  alice: {hashed}\n")
    url = tmp_path / "url"
    url.touch(mode=0o600)
    url.write_text(f"http://127.0.0.1:{closed}/CANARY1\n")
    keys = {name: secret(tmp_path / name, at) for at, name in enumerate(("sign", "write"), 2)}
    (tmp_path / "collector.toml").write_text(
        f"""
data = "{tmp_path / "data"}"
[http]
web_config = "web.yml"
[alerts.webhook]
url = "http://127.0.0.1:{closed}/hook/CANARY4"
[alerts.heartbeat]
url = "http://user:CANARY7@127.0.0.1:{closed}/beat/CANARY5"
every_seconds = 0.2
[alerts.receivers.chat]
type = "slack"
url_file = "{url}"
[alerts.receivers.signed]
url = "http://127.0.0.1:{closed}/x"
key_file = "{keys["sign"]}"
[sinks.remote_write]
url = "http://127.0.0.1:{closed}/write"
bearer_token_file = "{keys["write"]}"
""".replace('"web.yml"', f'"{tmp_path / "web.yml"}"')
    )
    return tmp_path / "collector.toml"


def told(rig: parts.Rig, config: Path) -> dict[str, str]:
    """Return everything that a collector says, by where it says it."""
    said = {}
    auth = httpx.BasicAuth("alice", "CANARY6")
    address = rig.log.with_name("data") / "ready.json"
    page = re.search(r'"http": "([^"]+)"', address.read_text())
    assert page is not None
    with client(rig.data) as owner:
        schema = owner.get("/api/openapi.json").json()
        paths = [path for path, calls in schema["paths"].items() if "get" in calls]
        made = owner.post("/admin/tokens", json={"name": "x", "role": "read"}).json()["token"]
    with httpx.Client(base_url=f"http://{page[1]}") as http:
        for path in ["/", "/settings", "/agents", "/metrics", *paths]:
            for who in (auth, httpx.BasicAuth("alice", "CANARY8"), None):
                answer = http.get(path.replace("{", "").replace("}", ""), auth=who)
                said[f"{path} {who and 'named'}"] = answer.text + str(dict(answer.headers))
        bearer = {"authorization": "Bearer hrt_CANARY9_CANARY10"}
        said["bearer"] = http.get("/api/v1/hosts", headers=bearer).text
    with client(rig.data) as owner:
        for path in ("/admin/info", "/admin/tokens", "/admin/enrol-tokens", "/admin/silences"):
            said[path] = owner.get(path).text
    assert made.rpartition("_")[2] not in "".join(said.values())
    for command in (["config", "show", str(config)], ["config", "check", str(config)], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "headroom_collector.cli", *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HEADROOM_DATA": str(rig.data), "PATH": "/usr/bin:/bin", "COLUMNS": "300"},
        )
        said[" ".join(command)] = done.stdout + done.stderr
    return said


def test_planted_secrets_are_found_nowhere(config: Path, tmp_path: Path) -> None:
    with parts.running(tmp_path, "--config", str(config), "--log-level", "debug") as rig:
        until = time.monotonic() + 30
        while "heartbeat" not in rig.log.read_text() and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1.0)
        said = told(rig, config)
    log = rig.log.read_text(errors="replace")
    assert "heartbeat" in log
    said["log"] = log
    assert len(said) > 60
    found = {place: sorted(set(CANARY.findall(text))) for place, text in said.items()}
    assert {place: names for place, names in found.items() if names} == {}


def test_a_secret_that_others_can_read_is_refused_without_being_shown(
    config: Path, tmp_path: Path
) -> None:
    from headroom_core.secret_file import SecretError, read_secret

    for mode in (0o644, 0o604, 0o620, 0o602):
        (tmp_path / "sign").chmod(mode)
        with pytest.raises(SecretError, match="chmod 600") as caught:
            read_secret(tmp_path / "sign")
        assert "CANARY" not in str(caught.value)
    for mode in (0o600, 0o400, 0o440, 0o640):
        (tmp_path / "sign").chmod(mode)
        assert read_secret(tmp_path / "sign") == "CANARY2"
