"""
The contract as it was released: a descriptor set that later changes are compared with.

Run by ``make release-contract`` when a version is released, and only then.
"""

import sys
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from headroom_proto.v1 import options_pb2, samples_pb2, telemetry_pb2

RELEASED = Path(__file__).resolve().parent / "released.binpb"


def current() -> FileDescriptorSet:
    """Return the contract as the generated code has it."""
    found = FileDescriptorSet()
    for module in (options_pb2, samples_pb2, telemetry_pb2):
        module.DESCRIPTOR.CopyToProto(found.file.add())
    return found


if __name__ == "__main__":
    RELEASED.write_bytes(current().SerializeToString(deterministic=True))
    sys.exit(0)
