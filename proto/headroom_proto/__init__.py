"""The contract between agents and collectors, and the catalogue of metrics read off it."""
