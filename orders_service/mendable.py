"""What a person can mend: a command that meets it says so in a sentence, without a traceback."""


class Mendable(Exception):
    """Its text is for whoever typed the command; `exit_code` is what the command ends with."""

    exit_code = 2
