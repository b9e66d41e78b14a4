"""A Redfish server for benchmarks, in a process of its own: many chassis, one late answer or none."""

import asyncio
import json
import sys

ONE = "/redfish/v1/Chassis/1"
DOCUMENTS = {
    "/redfish/v1/Chassis": {"Members": [{"@odata.id": ONE}]},
    ONE: {"EnvironmentMetrics": {"@odata.id": f"{ONE}/Env"}},
    f"{ONE}/Env": {"PowerWatts": {"Reading": 217.5}},
}


def answer(path: str) -> bytes:
    """Return the whole answer to a GET of that path."""
    document = DOCUMENTS.get(path)
    body = json.dumps(document).encode()
    status = "200 OK" if document is not None else "404 Not Found"
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(delay_seconds: float) -> None:
    """Serve on a free port of loopback, printed first, until standard input ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(delay_seconds)
                writer.write(answer(head.split(b" ", 2)[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads it
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
