"""The SQS door: long polls, and a message is deleted only after Kafka has confirmed its event."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any, Final

import click

from bridge.command_line import read_settings, settings_options
from bridge.contract import EVENT_NAME, EVENT_TIME, SQS_MESSAGE_ID
from bridge.ingress.backoff import Backoff, pause
from bridge.ingress.base import Delivery, DoorBroken, DoorName, Overloaded, now
from bridge.ingress.process import run_door
from bridge.ingress.pulse import Pulse
from bridge.ingress.queue import BATCH, Message, Queue, QueueTrouble
from bridge.kafka import NotStored
from bridge.metrics import RECEIVED, REFUSED, SQS_ERRORS, STORED
from bridge.rate_limit import RateLimit
from bridge.relay import Relay
from bridge.settings import BridgeAdminSettings, KafkaSettings, LogSettings, SqsSettings
