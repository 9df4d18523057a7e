"""Whether the raw topic exists and keeps what it is given."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.check.base import Finding, Site, ok, problem, skipped, warning
from bridge.check.kafka_client import KafkaClient, NoAnswer

CREATE: Final = "`canvas-processors topics create`"
CANVAS_MAX_BYTES: Final = 1_000_000  # Canvas itself drops a larger event
SQS_MAX_BYTES: Final = 1_048_576
FRAMING_BYTES: Final = 65_536  # key, headers and batch around a body
HOUR_MS: Final = 3_600_000
KEPT_HOURS: Final = 24


class RawTopicCheck:
    """Shape, settings and permission of the topic both doors write to."""

    name = "raw topic"

    def needless(self, site: Site) -> str | None:
        """Never: both doors write to it."""
        return None

    def find(self, site: Site) -> Iterator[Finding]:
        """Findings on the topic; one where Kafka or the topic is not there."""
        topic = f"{site.kafka.topic_prefix}raw"
        try:
            client = KafkaClient(site.kafka)
            metadata = client.metadata()
        except NoAnswer:
            yield skipped(self.name, f"{topic}: cannot tell, Kafka does not answer")
            return
        found = metadata.topics.get(topic)
        if found is None or found.error is not None:
            yield problem(
                self.name,
                f"{topic} does not exist, or may not be seen",
                f"{CREATE} makes it; where it exists, allow WRITE and DESCRIBE on it. "
                "Its name begins with KAFKA_TOPIC_PREFIX",
            )
            return
        yield from partitions(topic, found.partitions, len(metadata.brokers))
        yield permission(client, topic)
        try:
            settings = client.topic_settings(topic)
        except NoAnswer as error:
            yield skipped(
                "raw topic settings",
                f"cannot tell ({error.cause})",
                f"allow DESCRIBE_CONFIGS on {topic}, for this command; {CREATE} sets what is needed",
            )
            return
        replicas = min((len(each.replicas) for each in found.partitions.values()), default=0)
        yield from judge(topic, settings, replicas, largest(site))


def partitions(topic: str, found: Mapping[int, Any], brokers: int) -> Iterator[Finding]:
    """On partitions and their copies. `found`: confluent_kafka's PartitionMetadata by number."""
    name, count = "raw topic partitions", len(found)
    headless = sorted(number for number, each in found.items() if each.leader < 0)
    if headless:
        yield problem(name, f"{topic}: partitions {headless} have no leader", "bring their brokers back")
    elif count == 1:
        yield warning(name, f"{topic} has one partition: only one worker can read it", f"see {CREATE}")
    else:
        yield ok(name, f"{topic} has {count} partitions, each with a leader")
    name, copies = "raw topic copies", min((len(each.replicas) for each in found.values()), default=0)
    behind = sum(len(each.isrs) < len(each.replicas) for each in found.values())
    if copies < 2:
        more = "`kafka-reassign-partitions`" if brokers > 1 else "brokers"
        yield warning(
            name, f"one copy of each record, on {brokers} broker(s): a lost disk loses events", f"add {more}"
        )
    elif behind:
        yield warning(name, f"{behind} of {count} partitions have copies that lag", "see to the brokers")
    else:
        yield ok(name, f"{copies} copies of each record, all in step")


def permission(client: KafkaClient, topic: str) -> Finding:
    """Whether we may write."""
    name, remedy = "raw topic permission", f"allow WRITE and DESCRIBE on {topic} to this principal"
    try:
        allowed = client.allowed(topic)
    except NoAnswer as error:
        return skipped(name, f"cannot tell ({error.cause})", remedy)
    if allowed is None:
        return skipped(name, "cannot tell: the cluster does not say", remedy)
    if "WRITE" in allowed or "ALL" in allowed:
        return ok(name, f"we may write to {topic}")
    return problem(name, f"we may not write to {topic}", remedy)


def judge(topic: str, settings: Mapping[str, str], replicas: int, needed: int) -> Iterator[Finding]:
    """On a topic's settings. `needed`: bytes of the largest record a door may write."""
    yield _in_sync(int(settings.get("min.insync.replicas", 1)), replicas, topic)
    yield _size(int(settings.get("max.message.bytes", 0)), needed, topic)
    yield _kept(settings, topic)
    stamp = settings.get("message.timestamp.type", "CreateTime")
    if stamp == "CreateTime":
        yield ok("raw topic time", "a record bears the time the door received it at")
    else:
        yield warning(
            "raw topic time",
            f"message.timestamp.type={stamp}: the time of receipt is overwritten",
            _alter(topic, "message.timestamp.type=CreateTime"),
        )


def largest(site: Site) -> int:
    """Bytes of the largest record the configured doors may write."""
    bodies = [site.webhook.max_body_bytes] if site.webhook else []
    bodies += [SQS_MAX_BYTES] if site.sqs else []
    return max(bodies, default=0) + FRAMING_BYTES


def _in_sync(least: int, replicas: int, topic: str) -> Finding:
    name = "raw topic min.insync.replicas"
    if least > replicas:
        return problem(
            name,
            f"{least}, but a record has {replicas} copies: every write is refused",
            _alter(topic, f"min.insync.replicas={max(1, replicas - 1)}"),
        )
    if replicas > 1 and least == replicas:
        return warning(
            name,
            f"{least} of {replicas}: with one broker away every write is refused",
            _alter(topic, f"min.insync.replicas={replicas - 1}"),
        )
    if replicas > 2 and least < 2:
        return warning(
            name,
            f"{least} of {replicas}: a confirmed record may have but one copy",
            _alter(topic, "min.insync.replicas=2"),
        )
    return ok(name, f"{least} of {replicas} copies must confirm")


def _size(limit: int, needed: int, topic: str) -> Finding:
    name, remedy = "raw topic max.message.bytes", _alter(topic, f"max.message.bytes={needed}")
    if limit >= needed:
        return ok(name, f"{limit:,}, the largest delivery fits")
    if limit > CANVAS_MAX_BYTES:
        return warning(
            name,
            f"{limit:,}: the doors take deliveries that need up to {needed:,}, Kafka refuses them",
            remedy,
        )
    return problem(name, f"{limit:,}: Canvas sends events of up to {CANVAS_MAX_BYTES:,}", remedy)


def _kept(settings: Mapping[str, str], topic: str) -> Finding:
    name = "raw topic retention"
    if "compact" in settings.get("cleanup.policy", "delete"):
        return warning(
            name,
            "the topic is compacted: repeats vanish from the log that duplicates are found by",
            _alter(topic, "cleanup.policy=delete"),
        )
    time, size = int(settings.get("retention.ms", -1)), int(settings.get("retention.bytes", -1))
    if 0 <= time < KEPT_HOURS * HOUR_MS:
        return warning(
            name,
            f"{time / HOUR_MS:g} h: workers that are down longer than that lose events",
            _alter(topic, f"retention.ms={7 * 24 * HOUR_MS}"),
        )
    if size >= 0:
        return warning(
            name,
            f"at most {size:,} bytes a partition: a burst may push out what no worker has read",
            _alter(topic, "retention.bytes=-1"),
        )
    return ok(name, "records are kept for ever" if time < 0 else f"records are kept {time / HOUR_MS:g} h")


def _alter(topic: str, setting: str) -> str:
    return f"`kafka-configs --alter --topic {topic} --add-config {setting}`"
