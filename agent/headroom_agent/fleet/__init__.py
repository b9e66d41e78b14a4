"""Simulated hosts: a whole estate in one process, marked as simulated everywhere."""
