"""What both replays are told: PROCESSORS_* as of the worker."""

from pydantic import Field

from processors.settings import Delivery, WindowSettings


class ReplaySettings(WindowSettings):
    """How what is replayed reaches Kafka."""

    delivery: Delivery = Field(
        Delivery.EXACTLY_ONCE,
        description="exactly_once: records are written in Kafka transactions, and of two replays at the same "
        "time the first is shut out. at_least_once: for a broker without transactions; run one at a time.",
    )

    @property
    def transactional_id(self) -> str:
        """The same for every replay of the group, so that a second one shuts the first out."""
        return f"{self.group_id}-replay"
