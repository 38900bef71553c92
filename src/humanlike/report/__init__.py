"""What is told of a result: in words, tables and pictures."""
