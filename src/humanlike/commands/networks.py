"""The twelve networks, listed."""

from __future__ import annotations

import json

import typer

from humanlike.networks.registry import NETWORKS


def list_networks(as_json: bool) -> None:
    """Print each network's key, name, input size and number of parameters."""
    rows = [
        {
            "key": network.key,
            "name": network.name,
            "input_size": network.input_size,
            "parameters": network.parameters,
        }
        for network in NETWORKS.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    typer.echo(f"{'key':<15} {'name':<22} {'input':>5} {'parameters':>12}")
    for row in rows:
        typer.echo(
            f"{row['key']:<15} {row['name']:<22} {row['input_size']:>5} {row['parameters']:>12,}"
        )
