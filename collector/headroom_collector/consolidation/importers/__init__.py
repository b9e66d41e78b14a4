"""What other tools export, as the folder that the planner reads."""
