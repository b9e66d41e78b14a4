"""The collector: takes samples in, stores them, pages, shows and plans."""

__version__ = "0.1.0"
