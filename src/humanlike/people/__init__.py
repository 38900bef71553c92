"""People: what they choose and where they look, as tables of trials and clicks."""
