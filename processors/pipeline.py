"""READ ME FIRST: what happens to one delivery of Canvas, from the raw topic to the typed ones.

    canvas.raw -> validate -> canonicalise -> fan_out -> canvas.<event_name>   a schema knows the event
                     |             |             |-----> canvas.unknown        none does
                     '-------------'-------------'-----> canvas.dead_letter    a Failure: kept, explained

With a privacy policy there is one stage more, protect, between canonicalise and fan_out: personal data that
the policy takes is in no record of the typed topics. The dead letter topic keeps deliveries as they came.

The stages are pure: no Kafka, no registry, no clock. The worker runs them inside a transaction,
`canvas-processors convert` runs them on files.
"""

from bridge.contract import RawEvent
from processors.canonicalise import canonicalise
from processors.catalogue import Catalogue
from processors.failures import Failure
from processors.fan_out import FanOut
from processors.privacy.protect import Protection
from processors.records import Outcome, ValidEvent
from processors.validate import validate


class Pipeline:
    """Runs the stages over one delivery at a time. Loses nothing: every delivery has at least one outcome."""

    def __init__(self, catalogue: Catalogue, fan_out: FanOut, protection: Protection | None = None) -> None:
        self._catalogue = catalogue
        self._fan_out = fan_out
        self._protection = protection

    def run(self, raw: RawEvent) -> list[Outcome]:
        """One outcome per event of the delivery: a typed or unknown record, or a dead letter."""
        return [self.outcome(raw, item) for item in validate(raw, self._catalogue)]

    def outcome(self, raw: RawEvent, item: ValidEvent | Failure) -> Outcome:
        """What becomes of one event that `validate` gave."""
        try:
            if isinstance(item, Failure):
                raise item
            event = canonicalise(item, self._catalogue)
            if self._protection:
                event = self._protection.protect(event)
            return Outcome(raw, self._fan_out.typed(raw, event), event)
        except Failure as failure:
            return Outcome(raw, self._fan_out.dead_letter(raw, failure), failure=failure)
