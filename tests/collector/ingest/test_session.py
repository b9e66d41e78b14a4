"""What an agent says on its stream, and what the collector answers."""

import asyncio
import logging
import math

import grpc
import pytest
from rigs.ingest import EPOCH, SECOND, Rig, batch, cycle, until

from headroom_collector.store.api import Refusal
from headroom_proto.v1.telemetry_pb2 import Batch, Goodbye, Heartbeat, PushRequest

pytestmark = pytest.mark.anyio

OTHER = bytes(16)


async def test_a_batch_is_stored_under_the_certificates_name_and_acknowledged(rig: Rig) -> None:
    async with rig.agent("web-1") as agent:
        welcome = (await agent.hello(agent_version="0.1.0")).welcome
        assert (welcome.high_water, welcome.window, welcome.collector_version) == (0, 4, "1.2.3")
        await agent.send(batch(1, cycle(rig.clock.now(), load1=1.5)))
        await agent.acked(1)
    [stored] = rig.store.batches("web-1")
    assert (stored.seq, stored.agent_version, stored.interval_seconds) == (1, "0.1.0", 10.0)
    assert stored.received == rig.clock.now()
    [rows] = stored.rows
    assert rows.kind == "host"


async def test_what_the_payload_calls_the_host_changes_nothing(rig: Rig) -> None:
    made = cycle(rig.clock.now())
    made.facts.hostname = "db-9"
    async with rig.agent("web-1") as agent:
        await agent.hello()
        await agent.send(batch(1, made))
        await agent.acked(1)
    [stored] = rig.store.batches("web-1")
    assert stored.facts == {"hostname": "db-9"}
    assert rig.store.batches("db-9") == []


async def test_many_batches_in_one_message_are_stored_in_order(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in range(1, 31)))
        await agent.acked(30)
    assert [stored.seq for stored in rig.store.batches("web-1")] == list(range(1, 31))


async def test_a_batch_that_comes_again_is_acknowledged_and_stored_once(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
    async with rig.agent() as agent:
        assert (await agent.hello()).welcome.high_water == 1
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
    assert len(rig.store.batches("web-1")) == 1


async def test_nothing_is_acknowledged_before_it_is_durable(rig: Rig) -> None:
    rig.store.held = True
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await until(lambda: len(rig.store.waiting) == 1)
        reading = asyncio.ensure_future(agent.receive())
        done, _ = await asyncio.wait({reading}, timeout=0.2)
        assert not done
        rig.store.release()
        assert (await reading).ack.seq == 1


async def test_no_more_than_a_window_waits_for_the_disk(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
        rig.store.held = True
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in range(2, 30)))
        # The window, the batch that the settler holds and the one that found the queue full.
        await until(lambda: len(rig.store.waiting) == 4 + 2)
        await asyncio.sleep(0.1)
        assert len(rig.store.waiting) == 4 + 2
        rig.store.held = False
        rig.store.release()
        await agent.acked(29)


async def test_a_hole_is_asked_for_once_and_filled(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (3, 4, 5)))
        resend = (await agent.receive()).resend
        assert (resend.from_seq, resend.epoch) == (2, EPOCH)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (2, 3, 4, 5)))
        await agent.acked(5)
    assert [stored.seq for stored in rig.store.batches("web-1")] == [1, 2, 3, 4, 5]
    assert not any(stored.gap_before for stored in rig.store.batches("web-1"))
    assert rig.server.statistics()["resends_total"] == 1


async def test_a_hole_that_the_spool_cannot_fill_takes_a_new_hello(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
        await agent.send(batch(5, cycle(rig.clock.now())))
        assert (await agent.receive()).resend.from_seq == 2
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (4, 5)))
        code, details = await agent.ended()
    assert code is grpc.StatusCode.ABORTED
    assert "connect anew" in details
    async with rig.agent() as agent:
        await agent.hello(first_seq=4, next_seq=6)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (4, 5)))
        await agent.acked(5)
    stored = rig.store.batches("web-1")
    assert [(one.seq, one.gap_before) for one in stored] == [(1, False), (4, True), (5, False)]


async def test_a_spool_that_says_it_begins_behind_a_gap_is_taken_at_its_word(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
    async with rig.agent() as agent:
        await agent.hello(first_seq=7, next_seq=9)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (7, 8)))
        await agent.acked(8)
    stored = rig.store.batches("web-1")
    assert [(one.seq, one.gap_before) for one in stored] == [(1, False), (7, True), (8, False)]


async def test_a_hole_that_stays_open_ends_the_stream(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in range(3, 20)))
        assert (await agent.receive()).WhichOneof("kind") == "resend"
        code, details = await agent.ended()
    assert code is grpc.StatusCode.ABORTED
    assert "connect anew" in details


async def test_the_first_batch_of_an_unknown_spool_is_where_it_begins(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello(first_seq=40, next_seq=42)
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (40, 41)))
        await agent.acked(41)
    assert [one.seq for one in rig.store.batches("web-1")] == [40, 41]


async def test_an_unknown_spool_does_not_begin_in_its_middle(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello(first_seq=1, next_seq=4)
        await agent.send(batch(3, cycle(rig.clock.now())))
        assert (await agent.receive()).resend.from_seq == 1
        await agent.send(*(batch(seq, cycle(rig.clock.now())) for seq in (1, 2, 3)))
        await agent.acked(3)
    assert [one.seq for one in rig.store.batches("web-1")] == [1, 2, 3]


async def test_a_store_that_fails_has_the_agent_wait_and_loses_nothing(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.store.broken = True
    sent = [batch(seq, cycle(rig.clock.now())) for seq in (1, 2, 3)]
    async with rig.agent() as agent:
        await agent.hello()
        with caplog.at_level(logging.WARNING):
            await agent.send(*sent)
            throttle = (await agent.receive()).throttle
        assert throttle.delay_seconds == 0.25
        assert "disk full" in caplog.text
        rig.store.broken = False
        await agent.send(*sent)
        await agent.acked(3)
    assert [one.seq for one in rig.store.batches("web-1")] == [1, 2, 3]
    assert rig.server.statistics()["throttles_total"] == 1


async def test_a_damaged_payload_is_recorded_counted_and_not_asked_for_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    good = batch(1, cycle(rig.clock.now()))
    torn = Batch(epoch=EPOCH, seq=2, crc32=good.crc32 ^ 1, payload=good.payload)
    async with rig.agent() as agent:
        await agent.hello()
        with caplog.at_level(logging.WARNING):
            await agent.send(good, torn, batch(3, cycle(rig.clock.now())))
            await agent.acked(3)
    _, refused, last = rig.store.batches("web-1")
    assert [one.reason for one in refused.refused] == ["bad_crc"]
    assert refused.rows == ()
    assert last.rows
    assert rig.server.statistics()["batches_refused_total"] == 1
    [line] = [line for line in caplog.messages if "bad_crc" in line]
    assert "web-1" in line


async def test_a_value_that_is_no_number_is_left_out_and_the_rest_is_kept(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now(), load1=math.nan, load5=2.5)))
        await agent.acked(1)
    [stored] = rig.store.batches("web-1")
    assert list(stored.refused) == [Refusal("not_finite", "host.load1 = nan", 1)]
    [(_, _, values)] = stored.rows[0].rows
    assert sorted(value for value in values if value is not None) == [2.5, 4]
    assert rig.server.statistics()["values_refused_total"] == 1
    assert rig.server.statistics()["batches_refused_total"] == 0


@pytest.mark.parametrize(("seconds", "reason"), [(121, "future_time"), (-15 * 86_400, "old_time")])
async def test_an_impossible_time_refuses_the_batch(rig: Rig, seconds: int, reason: str) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now() + seconds * SECOND)))
        await agent.acked(1)
    [stored] = rig.store.batches("web-1")
    assert [one.reason for one in stored.refused] == [reason]
    assert stored.rows == ()


async def test_a_refusal_is_named_once_a_stream(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        with caplog.at_level(logging.WARNING):
            for seq in range(1, 6):
                await agent.send(batch(seq, cycle(rig.clock.now(), load1=math.inf)))
            await agent.acked(5)
    assert len([line for line in caplog.messages if "not_finite" in line]) == 1


async def test_a_goodbye_is_noted_behind_the_batches_before_it(rig: Rig) -> None:
    rows = "INSERT INTO hosts VALUES ('web-1', NULL, NULL), ('web-2', NULL, NULL)"
    rig.store.connection.execute(rows)
    async with rig.agent("web-1") as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.say(PushRequest(goodbye=Goodbye(reason="stopped")))
        await agent.call.done_writing()
        await agent.acked(1)
        assert (await agent.ended())[0] is grpc.StatusCode.OK
    found = rig.store.connection.execute("SELECT name, goodbye FROM hosts ORDER BY name")
    assert found.fetchall() == [("web-1", rig.clock.now()), ("web-2", None)]


async def test_a_newer_stream_of_a_host_takes_over(rig: Rig) -> None:
    async with rig.agent() as older, rig.agent() as newer, rig.agent("web-2") as other:
        await older.hello()
        await other.hello()
        await newer.hello()
        code, details = await older.ended()
        assert code is grpc.StatusCode.ABORTED
        assert "newer stream" in details
        await newer.send(batch(1, cycle(rig.clock.now())))
        await newer.acked(1)
        await other.send(batch(1, cycle(rig.clock.now())))
        await other.acked(1)
        assert rig.server.statistics()["agents_connected"] == 2


async def test_an_agent_that_leaves_is_not_counted_as_connected(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        assert rig.server.statistics()["agents_connected"] == 1
    await until(lambda: rig.server.statistics()["agents_connected"] == 0)


async def test_an_agent_that_comes_back_is_greeted_once_its_older_batches_are_settled(
    rig: Rig,
) -> None:
    rig.store.held = True
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await until(lambda: len(rig.store.waiting) == 1)
    async with rig.agent() as agent:
        greeted = asyncio.ensure_future(agent.hello())
        done, _ = await asyncio.wait({greeted}, timeout=0.3)
        assert not done
        rig.store.release()
        assert (await greeted).welcome.high_water == 1


async def test_a_heartbeat_is_answered(rig: Rig) -> None:
    async with rig.agent() as agent:
        welcome = (await agent.hello()).welcome
        assert welcome.heartbeat_seconds == 15.0
        await agent.say(PushRequest(heartbeat=Heartbeat(boottime_nano=5)))
        assert (await agent.receive()).heartbeat.time_unix_nano == rig.clock.now()


async def test_the_time_of_a_wrong_clock_is_corrected_and_what_it_showed_is_kept(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    now, year, boot = rig.clock.now(), 365 * 86_400 * SECOND, 1000 * SECOND
    wrong = cycle(now + year - 30 * SECOND)
    wrong.boottime_nano = boot - 30 * SECOND
    right = cycle(now - 20 * SECOND)
    right.boottime_nano = boot - 20 * SECOND - SECOND  # a second off: within what is tolerated
    older = cycle(now - 9 * SECOND)
    older.boottime_nano = boot - 500 * SECOND
    async with rig.agent() as agent:
        with caplog.at_level(logging.WARNING):
            await agent.hello(boot_id="b", time_unix_nano=now + year, boottime_nano=boot)
        sent = [batch(1, wrong), batch(2, right), batch(3, older)]
        for one, boot_id in zip(sent, ("b", "b", "another boot"), strict=True):
            one.boot_id = boot_id
        await agent.send(*sent)
        await agent.acked(3)
    stored = [(one.raw_time, one.rows[0].rows[0][0]) for one in rig.store.batches("web-1")]
    assert stored == [
        (now + year - 30 * SECOND, now - 30 * SECOND),
        (None, now - 20 * SECOND),
        (None, now - 9 * SECOND),
    ]
    assert "its clock is 31536000 s ahead" in caplog.text
    assert rig.server.statistics()["batches_corrected_total"] == 1


async def test_a_stopping_collector_acknowledges_what_waits_for_the_disk(rig: Rig) -> None:
    rig.store.held = True
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await until(lambda: len(rig.store.waiting) == 1)
        stopping = asyncio.ensure_future(rig.server.stop(5.0))
        await asyncio.sleep(0)
        rig.store.release()
        await agent.acked(1)
        code, details = await agent.ended()
        await stopping
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "the collector stops" in details


async def test_a_cloned_spool_is_told_to_begin_anew(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)
    with caplog.at_level(logging.WARNING):
        async with rig.agent() as agent:
            await agent.hello(next_seq=1)
            await agent.send(batch(1, cycle(rig.clock.now(), load1=3.0)))
            code, details = await agent.ended()
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "remove its spool" in details
    assert "cloned or rolled back" in caplog.text


async def test_a_stream_that_does_not_begin_with_a_hello_is_ended(rig: Rig) -> None:
    async with rig.agent() as agent:
        await agent.send(batch(1, cycle(rig.clock.now())))
        assert (await agent.ended())[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stream_that_says_nothing_is_ended(rig: Rig) -> None:
    async with rig.agent() as agent:
        assert (await agent.ended()) == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "no Hello within 0.5 s",
        )


@pytest.mark.parametrize("epoch", [b"", b"short", bytes(17)])
async def test_a_hello_without_a_proper_epoch_is_refused(rig: Rig, epoch: bytes) -> None:
    async with rig.agent() as agent:
        with pytest.raises(BaseException, match="expected 16"):
            await agent.hello(epoch=epoch)


@pytest.mark.parametrize(("seq", "epoch"), [(0, EPOCH), (2**63, EPOCH), (1, OTHER)])
async def test_a_batch_of_another_spool_or_without_a_number_ends_the_stream(
    rig: Rig, seq: int, epoch: bytes
) -> None:
    async with rig.agent() as agent:
        await agent.hello(first_seq=seq)
        await agent.send(batch(seq, cycle(rig.clock.now()), epoch))
        assert (await agent.ended())[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert rig.store.batches("web-1") == []


async def test_bytes_that_are_no_message_end_the_stream_and_nothing_else(rig: Rig) -> None:
    async with rig.agent("web-2") as other:
        await other.hello()
        async with rig.agent() as agent:
            await agent.raw(b"\xff\xff\xff")
            assert (await agent.ended())[0] is grpc.StatusCode.INVALID_ARGUMENT
        await other.send(batch(1, cycle(rig.clock.now())))
        await other.acked(1)


async def test_a_message_above_the_limit_is_refused(rig: Rig) -> None:
    large = Batch(epoch=EPOCH, seq=1, payload=bytes(600 * 1024))
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(large)
        assert (await agent.ended())[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert rig.store.batches("web-1") == []
