"""The plan of the topics, what of it is missing on a cluster, and how a found topic differs."""

from collections.abc import Iterator, Sequence

import pytest

from bridge.kafka import producer_config
from bridge.settings import KafkaSettings
from processors.catalogue import Catalogue, EventType, load_catalogue
from processors.names import TopicNames
from processors.settings import TopicSettings
from processors.topics.cluster import Cluster, ClusterError
from processors.topics.command import State, create_all
from processors.topics.topic_plan import MAX_MESSAGE_BYTES, FoundTopic, PlannedTopic, differences, plan_topics

CATALOGUE = Catalogue(
    {"one": EventType("one", {}), "raw": EventType("raw", {})},
    EventType("unknown", {}),
    {"progress": EventType("progress", {})},
)
SETTINGS = TopicSettings(partitions=6, replication_factor=3)
PLAN = plan_topics(CATALOGUE, TopicNames("x."), SETTINGS, "workers")
BY_NAME = {topic.name: topic for topic in PLAN}
HOUR_MS = 3_600_000


class FakeCluster(Cluster):
    """A cluster of this process: remembers what was created, refuses the names it is told to refuse."""

    def __init__(self, found: dict[str, FoundTopic], *, brokers: int = 3, mock: bool = False) -> None:
        self.brokers = brokers
        self.makes_topics_when_asked_for = mock
        self.there = dict(found)
        self.checked: list[str] = []
        self.refused: dict[str, str] = {}
        self.hidden: dict[str, FoundTopic] = {}

    def found(self, names: object) -> dict[str, FoundTopic]:
        return {name: self.there[name] for name in BY_NAME if name in self.there}

    def create(self, topics: Sequence[PlannedTopic], *, dry_run: bool) -> Iterator[str | None]:
        for topic in topics:
            self.checked.append(topic.name)
            if topic.name in self.hidden:
                self.there[topic.name] = self.hidden[topic.name]
                yield None
                continue
            if not dry_run and topic.name not in self.refused:
                self.there[topic.name] = as_planned(topic)
            yield self.refused.get(topic.name, "")

    def wait_for(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        return {name: self.there[name] for name in names}

    def ask_for(self, name: str) -> str:
        self.there[name] = FoundTopic(4, 1, None)
        return ""


def as_planned(topic: PlannedTopic) -> FoundTopic:
    return FoundTopic(topic.partitions, topic.replication_factor, topic.settings)


def states(cluster: Cluster, *, dry_run: bool = False) -> dict[str, str]:
    return {result.topic.name: result.state for result in create_all(cluster, PLAN, dry_run=dry_run)}


def test_the_plan_has_every_topic() -> None:
    assert list(BY_NAME) == [
        "x.raw",
        "x.one",
        "x.-72aw",
        "x.unknown",
        "x.dead_letter",
        "x.rollup.progress",
        "workers-rollups-progress-changelog",
    ]


def test_every_event_of_the_catalogue_has_its_topic() -> None:
    catalogue = load_catalogue()
    plan = plan_topics(catalogue, TopicNames(), SETTINGS, "workers")
    assert {TopicNames().typed(name) for name in catalogue.events} < {topic.name for topic in plan}


@pytest.mark.parametrize("topic", PLAN, ids=lambda topic: topic.name)
def test_all_topics_share_what_keys_and_acks_rest_on(topic: PlannedTopic) -> None:
    assert (topic.partitions, topic.replication_factor) == (6, 3)
    assert int(topic.settings["max.message.bytes"]) >= 2 * 1_048_576
    assert topic.settings["message.timestamp.type"] == "CreateTime"
    assert topic.settings["min.insync.replicas"] == "2"


@pytest.mark.parametrize(("replicas", "confirmed"), [(1, "1"), (2, "1"), (3, "2"), (5, "4")])
def test_one_broker_may_be_down(replicas: int, confirmed: str) -> None:
    (raw, *_) = plan_topics(CATALOGUE, TopicNames(), TopicSettings(replication_factor=replicas), "g")
    assert raw.settings["min.insync.replicas"] == confirmed


def test_every_kind_of_topic_is_kept_as_its_setting_says() -> None:
    settings = TopicSettings(raw_retention_hours=1, typed_retention_hours=2, dead_letter_retention_hours=-1)
    kept = {
        topic.name: topic.settings.get("retention.ms")
        for topic in plan_topics(CATALOGUE, TopicNames("x."), settings, "g")
    }
    assert kept["x.raw"] == str(HOUR_MS)
    assert kept["x.one"] == kept["x.unknown"] == str(2 * HOUR_MS)
    assert kept["x.dead_letter"] == "-1"
    assert kept["x.rollup.progress"] is None


@pytest.mark.parametrize("topic", PLAN, ids=lambda topic: topic.name)
def test_rollups_and_changelogs_are_compacted_and_nothing_else_is(topic: PlannedTopic) -> None:
    compacted = topic.name in ("x.rollup.progress", "workers-rollups-progress-changelog")
    assert topic.settings["cleanup.policy"] == ("compact" if compacted else "delete")


def test_missing_topics_are_created_and_a_second_run_does_nothing() -> None:
    cluster = FakeCluster({"x.raw": as_planned(BY_NAME["x.raw"])})
    first = states(cluster)
    assert first.pop("x.raw") == State.AS_PLANNED
    assert set(first.values()) == {State.CREATED}
    cluster.checked.clear()
    assert set(states(cluster).values()) == {State.AS_PLANNED}
    assert cluster.checked == []


def test_a_dry_run_lets_the_cluster_check_and_creates_nothing() -> None:
    cluster = FakeCluster({})
    cluster.refused = {"x.one": "not allowed"}
    found = states(cluster, dry_run=True)
    assert found.pop("x.one") == State.REFUSED
    assert set(found.values()) == {State.MISSING}
    assert cluster.checked == list(BY_NAME)
    assert cluster.there == {}


def test_a_refused_topic_does_not_hide_the_others() -> None:
    cluster = FakeCluster({})
    cluster.refused = {"x.one": "not allowed"}
    results = {result.topic.name: result for result in create_all(cluster, PLAN)}
    assert (results["x.one"].state, results["x.one"].remarks) == (State.REFUSED, ("not allowed",))
    assert results["x.unknown"].state == State.CREATED


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_topic_that_came_to_light_late_is_compared_not_called_created(*, dry_run: bool) -> None:
    cluster = FakeCluster({})
    cluster.hidden = {"x.raw": as_planned(BY_NAME["x.raw"]), "x.one": FoundTopic(1, 1, None)}
    found = states(cluster, dry_run=dry_run)
    assert (found["x.raw"], found["x.one"]) == (State.AS_PLANNED, State.DIFFERS)


@pytest.mark.parametrize("dry_run", [False, True])
def test_more_replicas_than_brokers_are_refused_before_anything_is_created(*, dry_run: bool) -> None:
    cluster = FakeCluster({"x.raw": as_planned(BY_NAME["x.raw"])}, brokers=2)
    with pytest.raises(ClusterError, match=r"REPLICATION_FACTOR is 3, but the cluster has 2 .* Set it to 2"):
        create_all(cluster, PLAN, dry_run=dry_run)
    assert cluster.checked == []


def test_where_no_topic_is_missing_brokers_that_are_down_do_not_matter() -> None:
    cluster = FakeCluster({topic.name: as_planned(topic) for topic in PLAN}, brokers=2)
    assert set(states(cluster).values()) == {State.AS_PLANNED}


def test_a_mock_cluster_is_asked_and_its_own_partitions_are_said() -> None:
    cluster = FakeCluster({}, brokers=1, mock=True)
    results = create_all(cluster, PLAN)
    assert {result.state for result in results} == {State.CREATED}
    assert all("has 4 partitions, planned are 6" in result.remarks[0] for result in results)
    assert set(states(cluster).values()) == {State.DIFFERS}


def test_a_dry_run_asks_a_mock_cluster_for_nothing() -> None:
    cluster = FakeCluster({}, brokers=1, mock=True)
    assert set(states(cluster, dry_run=True).values()) == {State.MISSING}
    assert cluster.there == {}


def test_each_difference_is_said_with_its_remedy() -> None:
    raw = BY_NAME["x.raw"]
    found = FoundTopic(8, 1, {**raw.settings, "retention.ms": "1000", "min.insync.replicas": "1"})
    partitions, replicas, retention, in_sync = differences(raw, found)
    assert partitions.startswith("has 8 partitions, planned are 6: set PROCESSORS_TOPICS__PARTITIONS")
    assert replicas.startswith("has 1 replicas, planned are 3: set PROCESSORS_TOPICS__REPLICATION_FACTOR")
    assert retention == (
        "has retention.ms=1000, planned is 604800000: set PROCESSORS_TOPICS__RAW_RETENTION_HOURS, "
        "or use `kafka-configs --alter --topic NAME --add-config retention.ms=604800000`"
    )
    assert in_sync.startswith("has min.insync.replicas=1, planned is 2: use `kafka-configs")


def test_what_the_cluster_does_not_show_is_not_called_different() -> None:
    assert differences(BY_NAME["x.raw"], FoundTopic(6, 3, None)) == []
    assert differences(BY_NAME["x.raw"], FoundTopic(6, 3, {}))[0].startswith("has cleanup.policy=unset")


def test_a_topic_takes_what_the_producers_may_send() -> None:
    assert producer_config(KafkaSettings())["message.max.bytes"] <= MAX_MESSAGE_BYTES


def test_a_cluster_that_is_away_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("processors.topics.cluster._TIMEOUT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1 cannot be reached: .*Connection refused"):
        Cluster(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    assert capfd.readouterr().err == ""


def test_settings_that_cannot_work_are_said() -> None:
    settings = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="NONSENSE")
    with pytest.raises(ClusterError, match=r"KAFKA_\*: .*NONSENSE"):
        Cluster(settings)
