"""What people run by hand, one module for each command."""
