"""Redis as the broker, with one difference: a message that a worker has in hand when Redis goes away is let go.

Kombu puts it back when the channel closes, and acknowledges it later, over a connection that is no more; of the error
that follows the whole worker ends. A message is a hint: nothing is lost with it.
"""

from kombu.transport import redis


class Channel(redis.Channel):  # type: ignore[misc] # published with half of its types
    do_restore = False

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's own
        if not self.closed:
            super().basic_ack(delivery_tag, multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's own
        if not self.closed:
            super().basic_reject(delivery_tag, requeue)


class Transport(redis.Transport):  # type: ignore[misc] # as above
    Channel = Channel
