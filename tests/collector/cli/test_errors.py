"""What a user can get wrong is one clear line each, and never a traceback."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headroom_collector.cli.__main__ import main
from headroom_collector.config import StoreSettings
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock


@pytest.fixture
def run(monkeypatch, capsys):
    def _run(*arguments: object) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["headroom", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err.splitlines()

    return _run


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def collector(data: Path, *more: object) -> list[object]:
    free = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"]
    return ["collector", "--data", data, *free, *more]


def test_every_fault_of_a_configuration_is_told_at_once(run, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('ceilling = 1\n[listen]\nhttp = "x"\n[alerts.rule]\nhold_seconds = "5m"\n')
    code, lines = run("config", "check", file)
    assert code == 1
    assert lines == [
        f"headroom: {file}: listen: http = 'x': expected HOST:PORT such as 127.0.0.1:9440",
        f"headroom: {file}: 'alerts.rule.hold_seconds' = '5m': expected a number",
        f"headroom: {file}: unknown key 'ceilling'; did you mean 'ceiling'?",
    ]


def test_a_ceiling_in_percent_is_refused(run, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[ceiling]\nratio = 40\n")
    code, lines = run("config", "check", file)
    assert code == 1
    told = f"headroom: {file}: ceiling: ratio = 40.0: expected a ratio above 0 and up to 1"
    assert lines == [f"{told}, such as 0.40"]


def test_a_missing_file_is_named(run, tmp_path):
    file = tmp_path / "nonesuch.toml"
    code, lines = run("collector", "--config", file)
    assert (code, lines) == (1, [f"headroom: {file}: cannot be read: No such file or directory"])


@pytest.mark.parametrize("flag", ["--http", "--grpc"])
def test_a_port_in_use_is_named_with_the_flag_that_changes_it(run, tmp_path, flag):
    with taken_port() as port:
        code, (line,) = run(*collector(tmp_path / "d", flag, f"127.0.0.1:{port}"))
    assert code == 1
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line
    assert flag in line


def test_a_folder_that_cannot_be_written_is_named(run):
    code, (line,) = run(*collector(Path("/proc/headroom")))
    assert code == 1
    assert line.startswith("headroom: data folder /proc/headroom cannot be written")
    assert "--data" in line


def test_a_store_that_is_none_is_left_as_it_is(run, tmp_path):
    store = tmp_path / "store" / "headroom.duckdb"
    store.parent.mkdir()
    store.write_text("my thesis")
    code, (line,) = run(*collector(tmp_path))
    assert code == 1
    assert f"{store}: cannot be read as a store and was left as it is" in line
    assert store.read_text() == "my thesis"


def test_a_second_collector_on_one_folder_is_refused(run, tmp_path):
    # DuckDB's lock is by process, so the first collector has to be another process.
    code = (
        "import sys; from pathlib import Path\n"
        "from headroom_collector.config import StoreSettings\n"
        "from headroom_collector.store.engine import open_store\n"
        "from headroom_core.clock import SystemClock\n"
        "store = open_store(Path(sys.argv[1]), StoreSettings(), [], SystemClock())\n"
        "print('open', flush=True); sys.stdin.read(); store.close()\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    try:
        status, (line,) = run(*collector(tmp_path))
    finally:
        first.communicate("")
    assert status == 1
    assert str(first.pid) in line
    opened = open_store(tmp_path / "store", StoreSettings(), [], SystemClock())
    opened.close()


def test_a_name_that_cannot_name_a_host_gets_no_certificate(run, tmp_path):
    code, (line,) = run("certificate", "issue", "a b", "--data", tmp_path)
    assert (code, line.startswith("headroom: host name 'a b': expected letters")) == (1, True)


def test_commands_say_that_no_collector_runs_and_how_to_start_one(run, tmp_path):
    for command in (["hosts"], ["plan"], ["alerts"], ["hosts", "retire", "x"]):
        code, (line,) = run(*command, "--data", tmp_path)
        assert code == 1
        assert line.startswith(f"headroom: no collector runs with the data folder {tmp_path}")
        assert f"headroom up --data {tmp_path}" in line


def test_a_webhook_that_is_no_url_is_refused(run, tmp_path):
    code, lines = run(*collector(tmp_path, "--webhook", "ftp://x"))
    assert code == 1
    assert lines == ["headroom: command line: url = 'ftp://x': expected http://... or https://..."]


def test_an_unknown_benchmark_is_told_which_there_are(run):
    code, (line,) = run("bench", "nonesuch")
    assert code == 1
    assert "expected all, agent" in line
