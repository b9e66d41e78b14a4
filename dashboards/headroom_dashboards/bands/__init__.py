"""Strips of panels that dashboards are put together from."""
