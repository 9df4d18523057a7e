"""No upgrade or rollback takes a webhook away while its spool is not empty."""

from bridge.settings import BridgeAdminSettings
from bridge.spool.leaving import ADMIN_PORT
from tests.chart.programs import command_of
from tests.chart.release import MINIMUM, NETWORK, SPOOL, Release, Values, at, containers, merged, render

GUARDED = merged(MINIMUM, SPOOL)


def asked(release: Release) -> Values:
    """What the guard's command is told, as the program reads it."""
    (container,) = containers(release.one("Job", "guard"))
    program, *arguments = container["command"]
    return command_of(program, *arguments[:2]).make_context("leaving", arguments[2:]).params


def test_the_guard_asks_all_but_those_that_stay() -> None:
    release = render(GUARDED, {"webhook": {"replicas": 3, "spool": {"waitSeconds": 42.5}}})
    pods, webhook = release.one("Service", "webhook-pods"), release.one("StatefulSet", "webhook")
    service, name = pods["metadata"]["name"], webhook["metadata"]["name"]
    assert webhook["spec"]["serviceName"] == service
    assert asked(release) == {
        "service": service,
        # As Kubernetes names the pods of a StatefulSet.
        "stays": tuple(f"{name}-{ordinal}.{service}" for ordinal in range(3)),
        "wait": 42.5,
        "port": ADMIN_PORT,
    }
    assert release.one("Job", "guard")["spec"]["activeDeadlineSeconds"] > 42.5 + 30


def test_the_guard_asks_where_the_pods_answer() -> None:
    (port,) = render(GUARDED).one("Service", "webhook-pods")["spec"]["ports"]
    assert port["port"] == ADMIN_PORT == BridgeAdminSettings.model_fields["port"].default


def test_a_pod_that_takes_no_events_is_asked_too() -> None:
    assert render(GUARDED).one("Service", "webhook-pods")["spec"]["publishNotReadyAddresses"] is True


def test_nobody_stays_of_a_webhook_scaled_to_nothing() -> None:
    assert asked(render(GUARDED, at("webhook.replicas", 0)))["stays"] == ()


def test_the_guard_comes_before_the_setup_and_with_every_way_to_shrink() -> None:
    release = render(GUARDED, NETWORK)
    guard, setup = release.one("Job", "guard"), release.one("Job", "setup")
    hooks = {
        kind: release.one(kind, "guard")["metadata"]["annotations"]
        for kind in ("ServiceAccount", "NetworkPolicy", "Job")
    }
    assert {hook["helm.sh/hook"] for hook in hooks.values()} == {"pre-upgrade,pre-rollback"}
    weights = {kind: int(hook["helm.sh/hook-weight"]) for kind, hook in hooks.items()}
    assert weights["ServiceAccount"] == weights["NetworkPolicy"] < weights["Job"]
    assert weights["Job"] < int(setup["metadata"]["annotations"]["helm.sh/hook-weight"])
    assert guard["spec"]["backoffLimit"] == 0


def test_the_guard_reaches_the_pods_through_network_policies() -> None:
    prometheus: Values = {"namespaceSelector": {}}
    release = render(GUARDED, NETWORK, at("networkPolicy.metricsFrom", [prometheus]))
    labels = release.one("Job", "guard")["spec"]["template"]["metadata"]["labels"]
    rules = release.one("NetworkPolicy", "webhook")["spec"]["ingress"]
    (admin,) = (rule for rule in rules if rule["ports"][0]["port"] == ADMIN_PORT)
    (guard,) = (peer["podSelector"]["matchLabels"] for peer in admin["from"] if "podSelector" in peer)
    assert guard.items() <= labels.items()
    assert prometheus in admin["from"]
    (egress,) = release.one("NetworkPolicy", "guard")["spec"]["egress"]
    assert [port["port"] for port in egress["ports"]] == [53, 53, ADMIN_PORT]


def test_there_is_no_guard_where_there_is_nothing_to_guard() -> None:
    for layers in (
        [MINIMUM],
        [GUARDED, at("webhook.spool.guard", False)],
        [GUARDED, at("webhook.enabled", False)],
    ):
        assert not [name for _, name in render(*layers, NETWORK).kinds() if name.endswith("-guard")]
