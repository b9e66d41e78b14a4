"""Live plans: the estate as it is measured, planned in a process of its own, kept and compared."""
