"""Series of a sound installation, and for each alert those of its fault: what promtool is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MINUTES: Final = 90  # of every series, one sample a minute; a fault begins at minute 60
BEGIN: Final = 60
DAY: Final = 86400

WEBHOOK: Final = 'job="pods",instance="webhook:9090",namespace="data"'
SQS: Final = 'job="pods",instance="sqs:9090",namespace="data"'
WORKER: Final = 'job="pods",instance="worker:9091",namespace="data"'

Series = dict[str, str]  # series -> values, as promtool writes them


def steady(value: float) -> str:
    """The same all the time."""
    return f"{value}x{MINUTES}"


def growing(step: float) -> str:
    """A counter that grows by so much a minute."""
    return f"0+{step}x{MINUTES}"


def standing(step: float) -> str:
    """A counter that grows no more."""
    return then(f"+{step}", f"{step * (BEGIN - 1)}")


def then(before: str, after: str) -> str:
    """One thing until the fault begins, then another. `before`: a value, or a step of a counter with `+`."""
    first = f"0{before}x{BEGIN - 1}" if before.startswith("+") else f"{before}x{BEGIN - 1}"
    return f"{first} {after}x{MINUTES - BEGIN}"


SOUND: Final[Series] = {
    f"up{{{WEBHOOK}}}": steady(1),
    f"canvas_bridge_in_flight_bytes{{{WEBHOOK}}}": steady(4096),
    f'canvas_bridge_received_total{{{WEBHOOK},door="webhook"}}': growing(600),
    f'canvas_bridge_stored_total{{{WEBHOOK},door="webhook"}}': growing(599),
    f'canvas_bridge_refused_total{{{WEBHOOK},door="webhook",reason="signature"}}': growing(1),
    f'canvas_bridge_refused_total{{{WEBHOOK},door="webhook",reason="not_stored"}}': steady(7),
    f'canvas_bridge_delivery_budget_used{{{WEBHOOK},kind="timeout"}}': steady(40),
    f'canvas_bridge_delivery_budget_used{{{WEBHOOK},kind="failure"}}': steady(1440),
    f'canvas_bridge_delivery_budget_limit{{{WEBHOOK},kind="timeout"}}': steady(9500),
    f'canvas_bridge_delivery_budget_limit{{{WEBHOOK},kind="failure"}}': steady(28000),
    f"canvas_bridge_spool_oldest_seconds{{{WEBHOOK}}}": steady(2),
    f"canvas_bridge_spool_limit_seconds{{{WEBHOOK}}}": steady(3 * DAY),
    f"canvas_bridge_spool_bytes{{{WEBHOOK}}}": steady(4096),
    f"canvas_bridge_spool_limit_bytes{{{WEBHOOK}}}": steady(1 << 30),
    f"canvas_bridge_spool_refused_records{{{WEBHOOK}}}": steady(0),
    f'canvas_bridge_spool_errors_total{{{WEBHOOK},call="write"}}': steady(2),
    f'canvas_bridge_jwks_fetches_total{{{WEBHOOK},outcome="success"}}': then("1", "2"),
    f'canvas_bridge_jwks_fetches_total{{{WEBHOOK},outcome="failure"}}': then("0", "1"),
    f"canvas_bridge_certificate_expires_timestamp_seconds{{{WEBHOOK}}}": steady(80 * DAY),
    f"up{{{SQS}}}": steady(1),
    f"canvas_bridge_in_flight_bytes{{{SQS}}}": steady(0),
    # What every door serves, without a meaning here.
    f"canvas_bridge_spool_oldest_seconds{{{SQS}}}": steady(0),
    f"canvas_bridge_spool_limit_seconds{{{SQS}}}": steady(0),
    f"canvas_bridge_spool_bytes{{{SQS}}}": steady(0),
    f"canvas_bridge_spool_limit_bytes{{{SQS}}}": steady(0),
    f"canvas_bridge_certificate_expires_timestamp_seconds{{{SQS}}}": steady(0),
    f'canvas_bridge_received_total{{{SQS},door="sqs"}}': growing(60),
    f'canvas_bridge_sqs_errors_total{{{SQS},call="receive"}}': f"3x{BEGIN} 5x{MINUTES - BEGIN}",
    f"up{{{WORKER}}}": steady(1),
    f"canvas_processors_batches_total{{{WORKER}}}": growing(10),
    f"canvas_processors_raw_records_total{{{WORKER}}}": growing(660),
    f'canvas_processors_raw_lag_records{{{WORKER},partition="0"}}': steady(20),
    f'canvas_processors_raw_oldest_seconds{{{WORKER},partition="0"}}': steady(1.5),
    f"canvas_processors_dead_letter_limit_reached{{{WORKER}}}": steady(0),
    f'canvas_processors_dead_lettered_total{{{WORKER},reason="invalid_json"}}': growing(1),
    f"canvas_processors_unaccounted_records{{{WORKER}}}": steady(0),
    f'canvas_processors_aborted_batches_total{{{WORKER},cause="not_delivered"}}': growing(1),
    f"canvas_processors_rollup_restarts_total{{{WORKER}}}": then("1", "3"),
    f'canvas_processors_rollup_oldest_seconds{{{WORKER},rollup="course_progress"}}': steady(3),
}


@dataclass(frozen=True)
class Case:
    """What becomes of the sound series, and which alerts must fire `after` minutes, and no others."""

    series: Mapping[str, str]
    after: int
    firing: frozenset[str]


def _case(after: int, *firing: str, **changed: str) -> Case:
    """`changed`: metric, with `__label_value` for one label, to its values."""
    series: Series = {}
    for name, values in changed.items():
        found = [key for key in SOUND if _matches(key, name)]
        assert found, f"{name} is not among the sound series"
        series |= dict.fromkeys(found, values)
    return Case(series, after, frozenset(firing))


def _matches(key: str, name: str) -> bool:
    metric, *label = name.split("__")
    return key.split("{", maxsplit=1)[0] == metric and all(f'"{value}' in key for value in label)


GONE: Final = then("1", "_")
DEAD: Final = "canvas_processors_dead_lettered_total"
BUDGET: Final = "canvas_bridge_delivery_budget_used__failure"
BUDGET_ALERTS: Final = ("CanvasBridgeDeliveryBudgetHalfUsed", "CanvasBridgeDeliveryBudgetNearlyUsed")

# By the alert it is about.
FAULTS: Final[dict[str, Case]] = {
    "CanvasBridgeTargetDown": _case(7, "CanvasBridgeTargetDown", up__webhook=then("1", "0")),
    "CanvasBridgeNotStoring": _case(
        9, "CanvasBridgeNotStoring", canvas_bridge_refused_total__webhook__not_stored=then("7", "8+5")
    ),
    "CanvasBridgeWebhookDown": _case(
        13, "CanvasBridgeWebhookDown", canvas_bridge_delivery_budget_limit=then("9500", "_")
    ),
    "CanvasBridgeDeliveryBudgetHalfUsed": _case(3, BUDGET_ALERTS[0], **{BUDGET: then("100", "14001")}),
    "CanvasBridgeDeliveryBudgetNearlyUsed": _case(3, *BUDGET_ALERTS, **{BUDGET: then("100", "21001")}),
    "CanvasBridgeSpoolHolding": _case(
        9, "CanvasBridgeSpoolHolding", canvas_bridge_spool_oldest_seconds__webhook=then("0", "0+60")
    ),
    "CanvasBridgeSpoolNearLimit": _case(
        3, "CanvasBridgeSpoolNearLimit", canvas_bridge_spool_bytes__webhook=then("0", f"{0.71 * (1 << 30)}")
    ),
    "CanvasBridgeSpoolDiskFailing": _case(
        3, "CanvasBridgeSpoolDiskFailing", canvas_bridge_spool_errors_total=then("2", "3")
    ),
    "CanvasBridgeSpoolRecordsRefused": _case(
        7, "CanvasBridgeSpoolRecordsRefused", canvas_bridge_spool_refused_records=then("0", "1")
    ),
    "CanvasBridgeKeysNotFetched": _case(
        25,
        "CanvasBridgeKeysNotFetched",
        canvas_bridge_jwks_fetches_total__success=steady(1),
        canvas_bridge_jwks_fetches_total__failure=then("0", "0+1"),
    ),
    "CanvasBridgeCertificateExpires": _case(
        12,
        "CanvasBridgeCertificateExpires",
        canvas_bridge_certificate_expires_timestamp_seconds__webhook=then(f"{80 * DAY}", f"{6 * DAY}"),
    ),
    "CanvasBridgeSqsDown": _case(18, "CanvasBridgeSqsDown", canvas_bridge_received_total__sqs=GONE),
    "CanvasBridgeSqsErrors": _case(
        20, "CanvasBridgeSqsErrors", canvas_bridge_sqs_errors_total=then("3", "3+2")
    ),
    "CanvasProcessorsWorkerDown": _case(
        18,
        "CanvasProcessorsWorkerDown",
        canvas_processors_batches_total=GONE,
        canvas_processors_aborted_batches_total=GONE,
    ),
    "CanvasProcessorsStuck": _case(
        20, "CanvasProcessorsStuck", canvas_processors_raw_records_total=standing(660), **{DEAD: standing(1)}
    ),
    "CanvasProcessorsBehind": _case(
        12, "CanvasProcessorsBehind", canvas_processors_raw_oldest_seconds=then("1", "901")
    ),
    "CanvasProcessorsDeadLetterLimitReached": _case(
        4,
        "CanvasProcessorsDeadLetterLimitReached",
        canvas_processors_dead_letter_limit_reached=then("0", "1"),
    ),
    "CanvasProcessorsDeadLetters": _case(
        25, "CanvasProcessorsDeadLetters", canvas_processors_dead_lettered_total=then("+1", "60+20")
    ),
    "CanvasProcessorsUnaccounted": _case(
        3, "CanvasProcessorsUnaccounted", canvas_processors_unaccounted_records=then("0", "-1")
    ),
    "CanvasProcessorsBatchesAborted": _case(
        20, "CanvasProcessorsBatchesAborted", canvas_processors_batches_total=standing(10)
    ),
    "CanvasProcessorsRollupsRestarting": _case(
        12, "CanvasProcessorsRollupsRestarting", canvas_processors_rollup_restarts_total=then("1", "1+1")
    ),
    "CanvasProcessorsRollupBehind": _case(
        12, "CanvasProcessorsRollupBehind", canvas_processors_rollup_oldest_seconds=then("1", "901")
    ),
}
# The second half of an alert, or a label that is not there.
MORE: Final[dict[str, Case]] = {
    "the age of a spool": _case(
        3,
        "CanvasBridgeSpoolHolding",
        "CanvasBridgeSpoolNearLimit",
        canvas_bridge_spool_oldest_seconds__webhook=then("0", f"{2.2 * DAY}"),
    ),
    "an outage of seconds": _case(
        20,
        canvas_bridge_spool_oldest_seconds__webhook=f"0x{BEGIN} 240 0x{MINUTES}",
        canvas_bridge_refused_total__webhook__not_stored=f"7x{BEGIN} 8x{MINUTES}",
    ),
    "an idle night": _case(
        25,
        canvas_processors_raw_records_total=standing(660),
        canvas_processors_dead_lettered_total=standing(1),
        canvas_processors_raw_lag_records=then("9", "0"),
        canvas_bridge_stored_total=standing(599),
    ),
    "a worker that waits at its start": _case(
        20,
        "CanvasProcessorsStuck",
        canvas_processors_raw_records_total=standing(660),
        canvas_processors_dead_lettered_total=standing(1),
        canvas_processors_raw_lag_records=GONE,
    ),
}
