"""What `canvas-bridge check` looks at: a name and a member each, in the order they are reported."""

from typing import Final

from bridge.check.base import Check
from bridge.check.jwks import JwksCheck
from bridge.check.kafka import KafkaCheck
from bridge.check.raw_topic import RawTopicCheck
from bridge.check.registry import RegistryCheck
from bridge.check.settings import SettingsCheck
from bridge.check.sqs import SqsCheck

CHECKS: Final[dict[str, Check]] = {
    check.name: check
    for check in (SettingsCheck(), KafkaCheck(), RawTopicCheck(), RegistryCheck(), JwksCheck(), SqsCheck())
}
