"""Statements that bring a group's rows into the tables beside the samples."""

import pyarrow as pa

HOST = pa.schema(
    [
        ("id", pa.int32()),
        ("name", pa.string()),
        ("simulated", pa.bool_()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("received", pa.int64()),
        ("agent_version", pa.string()),
        ("interval", pa.float64()),
        ("facts", pa.string()),
        ("aside", pa.bool_()),
    ]
)
# A host that sends has not said goodbye.
HOSTS = """
MERGE INTO hosts h USING incoming i ON h.id = i.id
WHEN MATCHED THEN UPDATE SET
    simulated = CASE WHEN i.aside THEN h.simulated ELSE i.simulated END,
    first_seen = least(h.first_seen, i.first),
    last_seen = greatest(h.last_seen, i.last),
    received = CASE WHEN i.aside AND h.agent_version <> '' THEN h.received ELSE i.received END,
    goodbye = CASE WHEN i.aside THEN h.goodbye END,
    agent_version = coalesce(i.agent_version, h.agent_version),
    interval_seconds = coalesce(i.interval, h.interval_seconds),
    facts = coalesce(i.facts::JSON, h.facts)
WHEN NOT MATCHED THEN INSERT VALUES (i.id, i.name, i.simulated, i.first, i.last, i.received, NULL,
    coalesce(i.agent_version, ''), i.interval, i.facts::JSON)
"""

THING = pa.schema(
    [
        ("id", pa.int32()),
        ("host", pa.int32()),
        ("kind", pa.string()),
        ("key", pa.string()),
        ("labels", pa.string()),
        ("first", pa.int64()),
        ("last", pa.int64()),
    ]
)
THINGS = """
MERGE INTO things t USING incoming i ON t.id = i.id
WHEN MATCHED THEN UPDATE SET labels = i.labels::JSON, first_seen = i.first, last_seen = i.last
WHEN NOT MATCHED THEN INSERT VALUES (i.id, i.host, i.kind, i.key, i.labels::JSON, i.first, i.last)
"""

MARK = pa.schema(
    [
        ("host", pa.int32()),
        ("epoch", pa.binary()),
        ("seq", pa.int64()),
        ("crc32", pa.int64()),
        ("baseline", pa.int64()),
        ("updated", pa.int64()),
    ]
)
MARKS = """
MERGE INTO high_water w USING incoming i ON w.host_id = i.host AND w.epoch = i.epoch
WHEN MATCHED THEN UPDATE SET seq = i.seq, crc32 = i.crc32, updated = i.updated
WHEN NOT MATCHED THEN INSERT VALUES (i.host, i.epoch, i.seq, i.crc32, i.baseline, i.updated)
"""

SPAN = pa.schema(
    [
        ("host", pa.int32()),
        ("epoch", pa.binary()),
        ("from", pa.int64()),
        ("to", pa.int64()),
        ("crc32", pa.int64()),
    ]
)
# A spool's spans are written anew with each of its marks.
NOT_AHEAD = """
DELETE FROM ahead USING incoming i WHERE ahead.host_id = i.host AND ahead.epoch = i.epoch
"""
AHEAD = """
INSERT INTO ahead SELECT i.host, i.epoch, i."from", i."to", i.crc32 FROM incoming i
"""

CORRECTION = pa.schema(
    [
        ("host", pa.int32()),
        ("epoch", pa.binary()),
        ("seq", pa.int64()),
        ("time", pa.int64()),
        ("raw_time", pa.int64()),
        ("received", pa.int64()),
    ]
)
CORRECTED = """
INSERT INTO corrected SELECT i.host, i.epoch, i.seq, i.time, i.raw_time, i.received FROM incoming i
"""

GAP = pa.schema(
    [
        ("host", pa.int32()),
        ("epoch", pa.binary()),
        ("from", pa.int64()),
        ("to", pa.int64()),
        ("time", pa.int64()),
    ]
)
GAPS = """
INSERT INTO gaps SELECT i.host, i.epoch, i."from", i."to", i.time FROM incoming i
"""

REFUSAL = pa.schema(
    [
        ("host", pa.int32()),
        ("time", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("count", pa.int64()),
    ]
)
# One row an hour, host and reason, with the newest detail: a broken host cannot fill the store.
REFUSALS = """
MERGE INTO refusals r USING incoming i
ON r.host_id = i.host AND r.time = i.time AND r.reason = i.reason
WHEN MATCHED THEN UPDATE SET detail = i.detail, count = r.count + i.count
WHEN NOT MATCHED THEN INSERT VALUES (i.host, i.time, i.reason, i.detail, i.count)
"""

BUCKET = pa.schema([("kind", pa.string()), ("bucket", pa.int64())])
DIRTY = "INSERT INTO dirty SELECT kind, bucket FROM incoming"
