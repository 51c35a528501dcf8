"""What can be asked in vain of the machinery."""


class UnknownPipeline(Exception):
    """This service has no pipeline of that name."""
