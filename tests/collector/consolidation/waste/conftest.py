import pytest
from rigs import past as rig
from rigs.samples import HandClock


@pytest.fixture
def past(tmp_path):
    with rig.opened(tmp_path, HandClock()) as found:
        yield found
