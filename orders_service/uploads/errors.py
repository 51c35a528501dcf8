"""What can be wrong with an upload."""


class UploadTooLarge(Exception):
    """More than this resource takes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"The file may have {most_bytes} bytes.")


class UploadGone(Exception):
    """It has been removed, which happens to what nobody claimed for an hour."""
