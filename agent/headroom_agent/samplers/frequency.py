"""Clock of each logical CPU, from <sysfs>/devices/system/cpu/cpuN/cpufreq."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.files import names, number_if_there
from headroom_proto.v1 import samples_pb2, telemetry_pb2

FILE = "cpufreq/scaling_cur_freq"


@dataclass(slots=True)
class FrequencySampler:
    """
    Reads each CPU's ``scaling_cur_freq``, in kHz (Documentation/admin-guide/pm/cpufreq.rst).

    Once a minute by default: with many CPUs it is the dearest of the host's samplers. Guests and
    hosts without a driver have none, which is looked up once.
    """

    sysfs: Path
    interval_seconds: float = 60.0
    name: str = "frequency"
    _cpus: dict[int, Path] | None = field(default=None)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the clocks and their mean; raises NoData where there is no driver."""
        if self._cpus is None:
            self._cpus = self._find()
        read = {cpu: number_if_there(path) for cpu, path in self._cpus.items()}
        clocks = {cpu: khz * 1e3 for cpu, khz in read.items() if khz}
        if not clocks:
            raise NoData(f"{self.sysfs}/devices/system/cpu: no cpufreq: a guest, or no driver")
        if len(clocks) < len(read):
            self._cpus = None  # a CPU went or came: look again next time
        mean = sum(clocks.values()) / len(clocks)
        return telemetry_pb2.Cycle(
            host=samples_pb2.HostSample(cpu_frequency_hertz=mean),
            cpus=[
                samples_pb2.CpuSample(cpu=cpu, frequency_hertz=hertz)
                for cpu, hertz in clocks.items()
            ],
        )

    def _find(self) -> dict[int, Path]:
        folder = self.sysfs / "devices/system/cpu"
        numbers = sorted(
            int(name[3:])
            for name in names(folder)
            if name.startswith("cpu") and name[3:].isdecimal()
        )
        paths = {number: folder / f"cpu{number}" / FILE for number in numbers}
        return {number: path for number, path in paths.items() if path.exists()}
