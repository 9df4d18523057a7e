"""The worker's stages, as its settings make them."""

from dataclasses import dataclass
from typing import Any

import click

from bridge.command_line import read_settings
from bridge.settings import KafkaSettings, SchemaRegistrySettings
from processors.catalogue import Catalogue, load_catalogue
from processors.fan_out import FanOut
from processors.names import TopicNames
from processors.pipeline import Pipeline
from processors.privacy.configured import configured_protection
from processors.registry import RegistryError, schema_ids
from processors.settings import PrivacySettings


@dataclass(frozen=True, slots=True)
class Stages:
    """The catalogue, the names of the topics written to, and the pipeline over both."""

    catalogue: Catalogue
    names: TopicNames
    pipeline: Pipeline


def configured_stages(options: dict[str, Any], prefix: str | None = None) -> Stages:
    """Stages that write under `prefix`, or under KAFKA_TOPIC_PREFIX. Privacy policy as in the worker.

    Raises click.UsageError for a policy that cannot be applied, click.ClickException where the registry is
    away or has not the schemas.
    """
    names = TopicNames(read_settings(KafkaSettings, options).topic_prefix if prefix is None else prefix)
    catalogue = load_catalogue()
    try:
        protection = configured_protection(read_settings(PrivacySettings, options), catalogue)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    try:
        ids = schema_ids(catalogue, names, read_settings(SchemaRegistrySettings, options))
    except RegistryError as error:
        here = "" if prefix is None else f" Here it is KAFKA_TOPIC_PREFIX={prefix}"
        raise click.ClickException(f"{error}{here}") from None
    return Stages(catalogue, names, Pipeline(catalogue, FanOut(catalogue, names, ids), protection))
