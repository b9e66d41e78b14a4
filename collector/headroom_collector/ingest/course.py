"""Course of a stream: which batches may be skipped, and what was asked for again; pure."""


class Course:
    """
    Follows the sequence numbers of one spool on one stream.

    ``high_water`` is the highest durable seq, 0 where the spool is not known; ``first_seq`` the
    oldest batch that the spool still holds. A run is what an agent sends between two rewinds.
    """

    def __init__(self, high_water: int, first_seq: int) -> None:
        self.high_water = high_water
        self.run = 0
        self.unheard = 0
        """Batches that came behind a hole since it was asked to be filled."""
        self._last = 0
        self._gap_to = max(first_seq, 1)
        self._asked: int | None = None

    def arrives(self, seq: int) -> None:
        """Note a batch. One that is not above the last begins a new run."""
        if seq <= self._last:
            self.run += 1
            if self._asked is not None and seq > self._asked:
                # Asked to begin at ``_asked``, the spool begins here: what is between is gone.
                self._gap_to = seq
            self._asked = None
            self.unheard = 0
        self._last = seq

    def gap_before(self, seq: int) -> bool:
        """Whether the batches between the high water and this one are known to be gone."""
        return self.high_water + 1 < seq <= self._gap_to

    def unsure(self, seq: int) -> bool:
        """
        Whether this batch has to wait until all before it are settled.

        The first batch of an unknown spool and the first behind a gap set the high water to
        themselves; were one before them to fail now, it would count as a duplicate later.
        """
        return self.high_water == 0 or self.gap_before(seq)

    def premature(self, seq: int) -> bool:
        """Whether the spool is unknown and holds older batches that have to come first."""
        return self.high_water == 0 and seq > self._gap_to

    def durable(self, high_water: int) -> None:
        """Note how far the store is."""
        self.high_water = max(self.high_water, high_water)

    def ask(self, run: int) -> int | None:
        """Return the seq to send again from; None where this run was asked before."""
        if run < self.run:
            return None
        if self._asked is not None:
            self.unheard += 1
            return None
        self._asked = self.high_water + 1 if self.high_water else self._gap_to
        return self._asked
