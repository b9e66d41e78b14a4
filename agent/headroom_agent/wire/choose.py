"""The client that a setting names."""

from headroom_agent.wire.seam import Wire

H2, GRPCIO = "h2", "grpcio"


def make(transport: str) -> Wire:
    """Return the client called ``h2`` or ``grpcio``; the other one is not even loaded."""
    if transport == GRPCIO:
        from headroom_agent.wire import grpcio  # noqa: PLC0415 - loads gRPC: 20 MB

        grpcio.settle_down()
        return grpcio.GrpcioWire()
    from headroom_agent.wire.http2 import Http2Wire  # noqa: PLC0415 - only where asked

    return Http2Wire()
