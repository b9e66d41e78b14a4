"""Assets that do no useful work, each with evidence, since when, and what it costs."""
