"""Course of a stream: which batches may be skipped, and what was asked for again; pure."""


class Course:
    """
    Follows the sequence numbers of one spool on one stream.

    ``high_water`` is the highest durable seq, 0 where the spool is not known; ``first_seq`` the
    oldest batch that the spool still holds, so all before it are gone for good. Only the Hello
    can say so: whatever else is missing is asked for. A run is what an agent sends between two
    rewinds.
    """

    def __init__(self, high_water: int, first_seq: int, patience: int) -> None:
        self.high_water = high_water
        self.run = 0
        self.hopeless = False
        """What was asked for does not come; a new stream, with a new Hello, may know more."""
        self._first = max(first_seq, 1)
        self._patience = patience
        self._last = 0
        self._asked: int | None = None
        self._unheard = 0

    def arrives(self, seq: int) -> None:
        """Note a batch. One that is not above the last begins a new run."""
        if seq <= self._last:
            self.run += 1
            self.hopeless = self._asked is not None and seq > self._asked
            self._asked = None
            self._unheard = 0
        self._last = seq

    def gap_before(self, seq: int) -> bool:
        """Whether the batches between the high water and this one are known to be gone."""
        return self.high_water + 1 < seq <= self._first

    def unsure(self, seq: int) -> bool:
        """
        Whether this batch has to wait until all before it are settled.

        The first batch of an unknown spool and the first behind a gap set the high water to
        themselves; were one before them to fail now, it would count as a duplicate later.
        """
        return self.high_water == 0 or self.gap_before(seq)

    def premature(self, seq: int, missing: int = 0) -> bool:
        """Whether the spool is unknown and holds older batches that have to come first."""
        return self.high_water == 0 and seq - missing > self._first

    def durable(self, high_water: int) -> None:
        """Note how far the store is."""
        self.high_water = max(self.high_water, high_water)
        if self._asked is not None and self.high_water >= self._asked:
            # It was on the disk in spite of the error that was reported.
            self._asked = None
            self._unheard = 0

    def ask(self, run: int) -> int | None:
        """
        Return the seq to send again from; None where this run was asked before.

        ``patience`` batches after it was asked, a run that goes on all the same is ``hopeless``.
        """
        if run < self.run:
            return None
        if self._asked is not None:
            self._unheard += 1
            self.hopeless = self.hopeless or self._unheard > self._patience
            return None
        self._asked = self.high_water + 1 if self.high_water else self._first
        return self._asked
