"""One virtual machine: where it runs, what it did."""

from typing import Any

from headroom_collector.api.errors import NotFoundError
from headroom_collector.web.asked import Asked
from headroom_collector.web.queries import moment, vm_last
from headroom_collector.web.views import charts
from headroom_collector.web.views.vms import row_of


def view(asked: Asked, uuid: str) -> dict[str, Any]:
    """Return the figures of a virtual machine's page; raises NotFoundError, StoreError."""
    survey = asked.survey()
    hosts = {seen.row.id: seen for seen in survey.hosts}
    found = vm_last(asked.given.store, uuid, list(hosts), survey.now)
    if found is None:
        raise NotFoundError(f"no host that is present has a virtual machine {uuid!r}")
    range_ = charts.range_of(asked.site.query)
    row = row_of(found, hosts[found["host_id"]])
    age = survey.now / 1e9 - row.time.timestamp()
    return {
        "at": moment(survey.now),
        "vm": row,
        "gone": age > 300,
        "chosen": range_,
        "ranges": charts.RANGES,
        "charts": [charts.vm_chart(asked, uuid, what, range_) for what in charts.VM],
    }
