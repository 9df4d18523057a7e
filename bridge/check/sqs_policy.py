"""Reads a queue's policy (IAM JSON) for one question: whether Canvas's account may send."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson

from bridge.check.base import Finding, ok, problem, warning

CANVAS_ACCOUNT: Final = "636161780776"  # where Instructure sends from, as Canvas's set-up guide has it
SEND: Final = "sqs:sendmessage"
NAME: Final = "sqs policy"
REMEDY: Final = (
    f"add a statement: Effect Allow, Principal AWS {CANVAS_ACCOUNT}, Action sqs:*, Resource the queue's ARN; "
    "not needed where Canvas was given keys of your own account"
)


def judge_policy(text: str | None, arn: str) -> Finding:
    """On the queue attribute `Policy`; None where there is none, or the server keeps none."""
    if not text:
        return warning(NAME, "the queue has no policy: Canvas's account may not send", REMEDY)
    try:
        statements = list(_statements(orjson.loads(text)))
    except ValueError as error:
        return problem(NAME, f"the policy cannot be read: {error}", REMEDY)
    return _judge([each for each in statements if _is_about(each, arn)])


def _judge(ours: list[dict[str, Any]]) -> Finding:
    denied = [each for each in ours if each.get("Effect") == "Deny" and not each.get("Condition")]
    if denied:
        return problem(
            NAME, f"{_sid(denied[0])} denies sqs:SendMessage to Canvas's account", "take it out of the policy"
        )
    allowed = [each for each in ours if each.get("Effect") == "Allow"]
    free = [each for each in allowed if not each.get("Condition")]
    if not allowed:
        return warning(NAME, "no statement allows sqs:SendMessage to Canvas's account", REMEDY)
    if not free:
        return warning(
            NAME,
            f"{_sid(allowed[0])} allows it to Canvas's account under a condition, not judged here",
            "see that Canvas meets it, or leave it out",
        )
    if all(_is_for_anybody(each) for each in free):
        return warning(NAME, f"{_sid(free[0])} lets anybody send", f"let Principal be AWS {CANVAS_ACCOUNT}")
    return ok(NAME, f"Canvas's account {CANVAS_ACCOUNT} may send")


def _statements(policy: Any) -> Iterator[dict[str, Any]]:
    found = policy.get("Statement", []) if isinstance(policy, dict) else None
    for each in _listed(found):
        if not isinstance(each, dict):
            raise ValueError("a statement is no object")
        yield each


def _is_about(statement: dict[str, Any], arn: str) -> bool:
    return (
        _names(statement.get("Principal"), statement.get("NotPrincipal"))
        and _matches(statement, "Action", SEND)
        and (not arn or "Resource" not in statement or _matches(statement, "Resource", arn.lower()))
    )


def _names(principal: Any, others: Any) -> bool:
    if others is not None:
        return not _names(others, None)
    return _is_anybody(principal) or any(
        value == CANVAS_ACCOUNT or value.startswith(f"arn:aws:iam::{CANVAS_ACCOUNT}:")
        for value in _principals(principal)
    )


def _is_for_anybody(statement: dict[str, Any]) -> bool:
    return _is_anybody(statement.get("Principal"))


def _is_anybody(principal: Any) -> bool:
    return "*" in _principals(principal)


def _principals(principal: Any) -> list[str]:
    return [str(each) for each in _listed(principal.get("AWS") if isinstance(principal, dict) else principal)]


def _matches(statement: dict[str, Any], field: str, value: str) -> bool:
    patterns = [str(each).lower() for each in _listed(statement.get(field))]
    others = [str(each).lower() for each in _listed(statement.get(f"Not{field}"))]
    if others:
        return not any(fnmatchcase(value, pattern) for pattern in others)
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _sid(statement: dict[str, Any]) -> str:
    return f"statement {statement['Sid']!r}" if statement.get("Sid") else "a statement"
