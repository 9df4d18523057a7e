"""Faust's Kafka clients, with guards where faust-streaming 0.15 would lose, double or hold back records.

- It reads uncommitted: aborted transactions would be rolled up. Here it reads committed.
- Its commit tracker stops at gaps that transaction markers leave, and may pass a message that is still open.
  Here the offset moves to the last acknowledged message below the first open one.
- After the recovery of a table it reads the sources, only then seeks to their committed offsets, and then
  empties the queues: what was read in between is lost where nothing was committed yet. Here the sources are
  read once all of that is over, and from the beginning where nothing was committed.
- Sending to a changelog only enqueues. Here the table tells what Kafka has not yet confirmed.
"""

import ssl
from asyncio import wait_for
from collections.abc import Iterable
from typing import Any, cast

import aiokafka
import faust
from aiokafka.structs import TopicPartition
from faust.auth import Credentials
from faust.exceptions import ConsumerNotStarted
from faust.tables import Table
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, FutureMessage
from faust.types.transports import TransportT

from bridge.settings import KafkaSettings


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        # The only way to its isolation level: what it does for its own transactions.
        self.consumer.in_transaction = True
        try:
            return super()._create_worker_consumer(transport)
        finally:
            self.consumer.in_transaction = False


class Consumer(driver.Consumer):
    """Faust's consumer, reading committed, committing what is done and nothing else."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._held: set[TP] = set()

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Reads them no more, and does not take them up with the next resume_flow."""
        paused = set(tps)
        self._held -= paused
        super().pause_partitions(paused)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Reads changelogs at once, and sources from the next resume_flow on: the last step of a recovery."""
        resumed = set(tps)
        sources = {tp for tp in resumed if not self._is_changelog_tp(tp)}
        self._held |= sources
        super().resume_partitions(resumed - sources)

    def resume_flow(self) -> None:
        """Reads on, now the sources too."""
        held, self._held = self._held, set()
        super().resume_partitions(held)
        super().resume_flow()

    def on_buffer_full(self, tp: TP) -> None:
        """A full queue is waited for: partitions leave and join only by the three methods above."""

    def on_buffer_drop(self, tp: TP) -> None:
        """See on_buffer_full."""

    async def perform_seek(self) -> None:
        """Goes to the committed offsets; where there is none, to the beginning."""
        await super().perform_seek()
        sources = (tp for tp in self.assignment() if not self._is_changelog_tp(tp))
        if unread := [tp for tp in sources if self._read_offset[tp] is None]:
            self._committed_offset.update(dict.fromkeys(unread))  # now they are known, see positions
            await self._thread.seek_to_beginning(*(TopicPartition(*tp) for tp in unread))

    def positions(self) -> dict[tuple[str, int], int]:
        """Per partition of the sources the offset up to which it is done; none before they are assigned."""
        committed = self._committed_offset
        try:
            held = [tp for tp in self.assignment() if tp in committed and not self._is_changelog_tp(tp)]
        except ConsumerNotStarted:
            return {}
        return {(tp.topic, tp.partition): committed[tp] or 0 for tp in held}

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps need not be known: see _new_offset."""

    def _new_offset(self, tp: TP) -> int | None:
        first_open = min((item.offset for item in self._unacked_messages if item.tp == tp), default=None)
        acked = self._acked[tp]
        done = [offset for offset in acked if first_open is None or offset < first_open]
        if not done:
            return None
        acked[:] = [offset for offset in acked if offset not in done]
        self._acked_index[tp].difference_update(done)
        return max(done) + 1


class Transport(driver.Transport):
    """Faust's transport with the consumer above."""

    Consumer = Consumer


class ConfirmedTable(Table[Any, Any]):
    """A table that can wait for its changelog."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._unconfirmed: list[FutureMessage] = []

    def send_changelog(self, *arguments: Any, **more: Any) -> FutureMessage:
        """Enqueues a change, and keeps the promise of its confirmation."""
        sent: FutureMessage = super().send_changelog(*arguments, **more)
        self._unconfirmed.append(sent)
        return sent

    async def confirmed(self, within: float) -> None:
        """Waits until Kafka has every change sent so far, or raises what became of it."""
        sent, self._unconfirmed = self._unconfirmed, []
        for message in sent:
            await wait_for(message, within)


class KafkaApp(faust.App):
    """A Faust app on these clients."""

    def positions(self) -> dict[tuple[str, int], int]:
        """See Consumer.positions."""
        return cast("Consumer", self.consumer).positions()

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return Transport(self.conf.broker_producer, self)


def broker_urls(kafka: KafkaSettings) -> list[str]:
    """The bootstrap servers as Faust wants them."""
    return [f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")]


def credentials(kafka: KafkaSettings) -> Credentials | None:
    """The same security as librdkafka's clients have; None for PLAINTEXT."""
    context = _ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        secret = kafka.sasl_password.get_secret_value() if kafka.sasl_password else None
        return faust.SASLCredentials(
            username=kafka.sasl_username, password=secret, mechanism=kafka.sasl_mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context else None


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=kafka.ssl_ca_location)
    if kafka.ssl_certificate_location:
        context.load_cert_chain(kafka.ssl_certificate_location, kafka.ssl_key_location)
    return context
