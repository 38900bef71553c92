"""The experiment in the browser: what is shown to whom, what comes back, and how it is kept."""
