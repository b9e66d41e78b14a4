"""Planner: how few hosts an estate needs under its ceiling, which moves lead there, and the proof."""
