"""What DVC runs: one module for each stage, which reads files and writes files."""
