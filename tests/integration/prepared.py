"""Topics and schemas for a test that is not about the commands that make them: in a tenth of their time."""

import json
import os
from collections.abc import Mapping
from unittest.mock import patch

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.names import TopicNames, subject
from processors.registry import schemas_by_topic
from processors.settings import GroupSettings, TopicSettings
from processors.topics.cluster import Cluster
from processors.topics.command import State, create_all
from processors.topics.topic_plan import plan_topics
from tests.samples import CATALOGUE


def prepare(environment: Mapping[str, str]) -> None:
    """Makes what `topics create` and `schemas register` make under these variables, and nothing else.

    The subjects have the registry's own level, which every engine sets to that of the command.
    """
    with patch.dict(os.environ, environment):
        kafka, registry = KafkaSettings(), SchemaRegistrySettings()
        topics, group = TopicSettings(), GroupSettings()
    names = TopicNames(kafka.topic_prefix)
    results = create_all(Cluster(kafka), plan_topics(CATALOGUE, names, topics, group.group_id))
    assert [result for result in results if result.state is State.REFUSED] == []
    with SchemaRegistryClient({"url": registry.url, "timeout": 30}) as client:
        for topic, schema in schemas_by_topic(CATALOGUE, names).items():
            client.register_schema(subject(topic), Schema(json.dumps(schema), "AVRO"))
