"""Sinks: other engines that get every sample, each from where its own durable cursor stands."""
