"""A real Kubernetes API server on this machine, with its controllers, and nobody who runs a container.

KUBE names a folder with kube-apiserver and kube-controller-manager, as the server archive of a Kubernetes
release has them; where it is not set they are looked for on the PATH, as etcd is.
"""

import json
import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import yaml

from bridge.sandbox.engines.ports import free_ports
from tests.integration.door_process import PATIENCE, wait_for

MERGE: Final = "application/merge-patch+json"
# Their nodes have no kubelet that would report.
WITHOUT: Final = "*,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller"

Object = dict[str, Any]


@dataclass(frozen=True)
class ApiServer:
    """One that answers. `kubeconfig`: a file for Helm and kubectl."""

    url: str
    token: str
    kubeconfig: Path

    def ask(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Any:
        """The answer to one request. Raises Refused with what the server says."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=30, context=_any_certificate()) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise Refused(f"{error.code}: {error.read().decode(errors='replace')}") from None

    def items(self, path: str) -> list[Object]:
        """The objects of a list."""
        found: list[Object] = self.ask("GET", path)["items"]
        return found

    def namespace(self, name: str) -> None:
        """Makes one in which Pod Security admits only what is restricted; waits until it can have pods."""
        label = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": label}})
        wait_for(lambda: self.items(f"/api/v1/namespaces/{name}/serviceaccounts"), "its service account")


class Refused(Exception):
    """The API server does not do it."""


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Starts all of it and ends it."""
    etcd, peers, port, controllers = free_ports(4)
    token, url = secrets.token_hex(16), f"https://127.0.0.1:{port}"
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    server = ApiServer(url, token, folder / "kubeconfig")
    server.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(url, token)))
    store = f"http://127.0.0.1:{etcd}"
    with ExitStack() as stack:
        stack.enter_context(_running(folder, "etcd", _etcd(folder / "etcd-data", store, peers)))
        stack.enter_context(_running(folder, "kube-apiserver", _api_server(folder, store, port, key)))
        wait_for(lambda: _is_ready(server), f"the API server: see {folder}")
        manager = {
            "kubeconfig": server.kubeconfig,
            "service-account-private-key-file": key,
            "root-ca-file": folder / "certificates" / "apiserver.crt",
            "leader-elect": "false",
            "bind-address": "127.0.0.1",
            "secure-port": controllers,
            "cert-dir": folder / "certificates",
            "controllers": WITHOUT,
        }
        stack.enter_context(_running(folder, "kube-controller-manager", manager))
        yield server


def _etcd(data: Path, store: str, peers: int) -> dict[str, Any]:
    peer = f"http://127.0.0.1:{peers}"
    return {
        "data-dir": data,
        "listen-client-urls": store,
        "advertise-client-urls": store,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }


def _api_server(folder: Path, store: str, port: int, key: Path) -> dict[str, Any]:
    return {
        "etcd-servers": store,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "cert-dir": folder / "certificates",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.0.0.0/16",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "disable-admission-plugins": "TaintNodesByCondition",
    }


@contextmanager
def _running(folder: Path, name: str, options: dict[str, Any]) -> Iterator[None]:
    program = shutil.which(name, path=f"{os.environ.get('KUBE', '')}:{os.environ['PATH']}")
    assert program, f"there is no program {name}: set KUBE to the folder that has it"
    with (folder / f"{name}.log").open("wb") as log:
        command = [program, *(f"--{option}={value}" for option, value in options.items())]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _is_ready(server: ApiServer) -> bool:
    try:
        return server.ask("GET", "/version") is not None and bool(server.items("/api/v1/namespaces"))
    except (Refused, URLError, ConnectionError):
        return False


def _kubeconfig(url: str, token: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
