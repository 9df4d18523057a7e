"""The raw topic is not there, or must not be written to."""

from typing import Final

from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from tests.faults.base import Fault, Setup, Site
from tests.integration.door_process import wait_for

# Rules count, and what no rule names is everybody's: so one rule takes one right away.
WITH_RULES: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
EVERYBODY: Final = "User:*"


class TopicMissing(Fault):
    """Nobody has made it yet."""

    name = "topic missing"
    setup: Final = Setup(topic=False)

    def begin(self, site: Site) -> None:
        site.wait_for_accepted(50)

    def mend(self, site: Site) -> None:
        site.make_topic()


class TopicDeleted(Fault):
    """It was there, was read, is deleted, and made anew."""

    name = "topic deleted"
    setup: Final = Setup()

    def begin(self, site: Site) -> None:
        with site.load.held():
            # What is on it goes with it, so it is read first; a spool may hold nothing but what is to come.
            wait_for(lambda: site.spooled() == 0, "an empty spool")
            site.read_raw()
            site.admin.delete_topics([site.topic])[site.topic].result(30)
            wait_for(lambda: site.topic not in site.admin.list_topics(timeout=30).topics, "its end")

    def mend(self, site: Site) -> None:
        site.make_topic()


class NoPermission(Fault):
    """A rule (ACL) forbids to write to it."""

    name = "no permission"
    setup: Final = Setup()

    def begin(self, site: Site) -> None:
        rule = AclBinding(*self._place(site), EVERYBODY, "*", AclOperation.WRITE, AclPermissionType.DENY)
        for done in site.admin.create_acls([rule]).values():
            done.result(30)

    def mend(self, site: Site) -> None:
        rules = AclBindingFilter(
            *self._place(site), EVERYBODY, "*", AclOperation.WRITE, AclPermissionType.DENY
        )
        for done in site.admin.delete_acls([rules]).values():
            assert done.result(30), "the rule was there"

    def _place(self, site: Site) -> tuple[ResourceType, str, ResourcePatternType]:
        return ResourceType.TOPIC, site.topic, ResourcePatternType.LITERAL
