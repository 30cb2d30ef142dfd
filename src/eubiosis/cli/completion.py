"""``eubiosis completion``: what makes a shell complete commands, options and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from eubiosis.cli.printing import json_option, print_json

_VARIABLE = "_EUBIOSIS_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@click.pass_context
def completion(ctx: click.Context, *, shell: str, as_json: bool) -> None:
    """Print the script that teaches SHELL to complete eubiosis; bash has to be 4.4 or newer.

    For bash: eubiosis completion bash >> ~/.bashrc. For zsh: >> ~/.zshrc. For fish:
    > ~/.config/fish/completions/eubiosis.fish. Nothing is written by this command itself.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # one of the three that click knows
    made = kind(ctx.find_root().command, {}, "eubiosis", _VARIABLE)
    script = made.source_template % made.source_vars()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)
