"""The dead man's switch against a real receiver."""

import asyncio
import logging

import pytest
from rigs.ports import free_port

from headroom_collector.alert_settings import Heartbeat
from headroom_collector.alerts.delivery import http_client
from headroom_collector.alerts.heartbeat import FRESH_SECONDS, Pulse


def beats(url, *ages):
    """Beat once at each age of the last look; returns which were accepted."""
    left = list(ages)

    async def go():
        async with http_client() as client:
            pulse = Pulse(Heartbeat(url), client, lambda: left.pop(0))
            return [await pulse.beat() for _ in ages]

    return asyncio.run(go())


def test_while_alerting_works_somebody_hears_of_it(receiver):
    assert beats(receiver.url, 0.5, 1.0) == [True, True]
    assert receiver.bodies[0] == {"status": "alive", "evaluated_seconds_ago": 0.5}


def test_an_evaluator_that_hangs_falls_silent(receiver, caplog):
    with caplog.at_level(logging.INFO):
        assert beats(receiver.url, 1, FRESH_SECONDS + 1, 90, 1) == [True, False, False, True]
    assert len(receiver.requests) == 2
    assert [line.split(":")[0] for line in caplog.messages if "heartbeat" in line] == [
        "no heartbeat",
        "no heartbeat",
        "the heartbeat goes out again",
    ]


def test_it_stops_within_a_minute_by_default():
    assert FRESH_SECONDS + Heartbeat().every_seconds <= 60


@pytest.mark.parametrize("answer", [500, 302])
def test_a_receiver_that_refuses_is_said_once(receiver, answer, caplog):
    receiver.answers[:] = [answer, answer]
    assert beats(receiver.url, 1, 1) == [False, False]
    said = [line for line in caplog.messages if "heartbeat" in line]
    assert said == [f"the heartbeat's receiver answered HTTP {answer}"]


def test_a_receiver_that_is_not_there_is_no_reason_to_stop(caplog):
    assert beats(f"http://127.0.0.1:{free_port()}/", 1) == [False]
    assert "cannot be reached" in caplog.text
