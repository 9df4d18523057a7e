"""Faults of a door's surroundings, and of the door itself: what the matrix runs through, by name."""

from typing import Final

from tests.faults.base import Fault
from tests.faults.broker import (
    BrokerKilled,
    BrokerPaused,
    BrokerStopped,
    BrokerStoppedForSqs,
    BrokerStoppedWithoutSpool,
)
from tests.faults.disk import DiskFull, SpoolFull
from tests.faults.door_ended import Killed, KilledSqs, KilledWithoutKafka, Terminated, TerminatedSqs
from tests.faults.jwks import (
    JwksDownFromTheStart,
    JwksDownLater,
    JwksNoKeys,
    JwksOthersKeys,
    JwksReplaced,
    JwksRotated,
    JwksSlow,
)
from tests.faults.raw_topic import NoPermission, TopicDeleted, TopicMissing
from tests.faults.sqs_answers import SqsDeletesHalf, SqsRedelivers, SqsSlow, SqsThrottled

_MEMBERS: Final[tuple[Fault, ...]] = (
    BrokerStopped(),
    BrokerStoppedWithoutSpool(),
    BrokerStoppedForSqs(),
    BrokerPaused(),
    BrokerKilled(),
    TopicMissing(),
    TopicDeleted(),
    NoPermission(),
    JwksDownFromTheStart(),
    JwksDownLater(),
    JwksSlow(),
    JwksNoKeys(),
    JwksOthersKeys(),
    JwksRotated(),
    JwksReplaced(),
    DiskFull(),
    SpoolFull(),
    SqsDeletesHalf(),
    SqsSlow(),
    SqsThrottled(),
    SqsRedelivers(),
    Terminated(),
    TerminatedSqs(),
    Killed(),
    KilledSqs(),
    KilledWithoutKafka(),
)
FAULTS: Final[dict[str, Fault]] = {member.name: member for member in _MEMBERS}
