"""The help of every command, as text and for the documentation."""

import click

from wizframe.cli.commands import commands
from wizframe.cli.exit_codes import EXIT_CODES


def every_command(command=commands, parent=None, name="wizframe"):
    """Yield (words, context) for the group, each command, and those of groups inside it."""
    context = click.Context(command, parent, name, terminal_width=100, **command.context_settings)
    yield context.command_path, context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from every_command(command.commands[inner], context, inner)


def help_sections():
    """Write the help of every command as Markdown."""
    return "\n\n".join(
        f"### {words}\n\n```text\n{context.command.get_help(context)}\n```" for words, context in every_command()
    )


def codes_table():
    """Write the exit codes as Markdown."""
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows])
