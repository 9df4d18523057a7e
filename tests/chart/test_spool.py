"""A webhook with a spool keeps what it has accepted, and fits its disk and its time to stop."""

from pathlib import Path

import helm_python
import pytest

from tests.chart.programs import command_of
from tests.chart.release import MINIMUM, SPOOL, at, containers, pod_template, render, variables

GIB = 1024**3


def test_a_webhook_with_a_spool_keeps_what_it_has_accepted() -> None:
    release = render(MINIMUM, SPOOL, at("webhook.spool.storageClassName", "fast"))
    spec = release.one("StatefulSet", "webhook")["spec"]
    assert [name for kind, name in release.kinds() if kind == "Deployment"] == []
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    pods = release.one("Service", "webhook-pods")
    assert spec["serviceName"] == pods["metadata"]["name"]
    assert pods["spec"]["clusterIP"] == "None"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"] == {"requests": {"storage": "2Gi"}}
    (container,) = spec["template"]["spec"]["containers"]
    found = {item["name"]: item.get("value") for item in container["env"]}
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == claim["metadata"]["name"])
    for directory in (found["BRIDGE_SPOOL__DIRECTORY"], found["BRIDGE_STATE_DIRECTORY"]):
        assert Path(directory).parent == Path(mount["mountPath"])


def test_with_and_without_a_spool_the_pods_are_the_same_service() -> None:
    without, having = render(MINIMUM), render(MINIMUM, SPOOL)
    labels = [
        pod_template(release.one(kind, "webhook"))["metadata"]["labels"]
        for release, kind in ((without, "Deployment"), (having, "StatefulSet"))
    ]
    assert labels[0] == labels[1]
    assert without.one("Service", "webhook") == having.one("Service", "webhook")
    (container,) = containers(without.one("Deployment", "webhook"))
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}


def test_a_pod_that_is_to_end_waits_with_a_command_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = at("webhook.spool.waitSeconds", 7.5)
    (container,) = containers(render(MINIMUM, SPOOL, values).one("StatefulSet", "webhook"))
    program, *arguments = container["lifecycle"]["preStop"]["exec"]["command"]
    # Kubernetes runs it with the container's environment.
    monkeypatch.setenv("BRIDGE_SPOOL__DIRECTORY", str(tmp_path))
    assert "BRIDGE_SPOOL__DIRECTORY" in variables(container)
    command = command_of(program, *arguments[:2])
    context = command.make_context("status", arguments[2:])
    assert context.params == {"directory": tmp_path, "after": 5.0, "wait": 7.5}


@pytest.mark.parametrize(
    ("size", "most"),
    [
        ("2Gi", 2 * GIB - 33_554_433),
        ("1.5Gi", 1_610_612_736 - 33_554_433),
        ("0.5Ti", 512 * GIB - 33_554_433),
        ("2000Mi", 2000 * 1024**2 - 33_554_433),
        ("2000000Ki", 2_000_000 * 1024 - 33_554_433),
        ("1T", 10**12 - 33_554_433),
        ("2G", 2_000_000_000 - 33_554_433),
        ("1600M", 1_600_000_000 - 33_554_433),
        ("1600000k", 1_600_000_000 - 33_554_433),
        ("2000000000", 2_000_000_000 - 33_554_433),
    ],
)
def test_a_spool_fits_its_disk_or_is_refused(size: str, most: int) -> None:
    assert render(MINIMUM, SPOOL, at("webhook.spool", {"size": size, "maxBytes": most})).workloads()
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render(MINIMUM, SPOOL, at("webhook.spool", {"size": size, "maxBytes": most + 1}))
    assert f"webhook.spool.size is {size}: the disk would be full" in str(refused.value)
    assert f"Set it to more than {most + 1 + 32 * 1024**2} bytes" in str(refused.value)


def test_what_is_kept_for_ever_is_never_too_short_for_the_spool() -> None:
    assert render(MINIMUM, SPOOL, at("webhook.spool.maxAgeHours", 999), at("setup.rawRetentionHours", -1))
    # Nobody knows the retention of topics that others make.
    assert render(MINIMUM, SPOOL, at("webhook.spool.maxAgeHours", 999), at("setup.enabled", False))


def test_the_longest_stop_is_accepted() -> None:
    just = {"webhook": {"spool": {"enabled": True}, "terminationGracePeriodSeconds": 106}}
    assert render(MINIMUM, just).workloads()
