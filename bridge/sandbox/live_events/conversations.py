"""Messages in the inbox: conversations, and who adds what. All ids are local, and no text is told."""

from typing import Final

from bridge.sandbox.institution import Item, User
from bridge.sandbox.live_events.base import Body, Happening, LiveEvent, Moment, Where, act
from bridge.sandbox.university import University


def created(campus: University) -> Happening:
    """Somebody begins a conversation."""
    author = campus.anybody()
    conversation = campus.item(campus.conversations, "Conversation", new=True, owner=author)
    call = "POST /conversations"
    return act(campus, "conversation_created", Where(author), call, _conversation(campus, conversation))


def forwarded(campus: University) -> Happening:
    """Somebody forwards a conversation to others."""
    conversation, author = _known(campus)
    call = f"POST /conversations/{conversation.id}/add_message"
    return act(campus, "conversation_forwarded", Where(author), call, _conversation(campus, conversation))


def message_created(campus: University) -> Happening:
    """Who began a conversation or somebody else in it writes."""
    conversation, author = _known(campus)
    writer = author if campus.dice.chance(0.5) else campus.dice.choice(campus.teachers)
    body = {
        "author_id": str(writer.id),
        "conversation_id": str(conversation.id),
        "created_at": Moment(campus.now),
        "message_id": str(campus.new_id()),
    }
    call = f"POST /conversations/{conversation.id}/add_message"
    return act(campus, "conversation_message_created", Where(writer), call, body)


def _known(campus: University) -> tuple[Item, User]:
    author = campus.anybody()
    conversation = campus.item(campus.conversations, "Conversation", new=False, owner=author)
    return conversation, conversation.owner or author


def _conversation(campus: University, conversation: Item) -> Body:
    return {"conversation_id": str(conversation.id), "updated_at": Moment(campus.now)}


EVENTS: Final = {
    "conversation_created": LiveEvent(1, created),
    "conversation_forwarded": LiveEvent(1, forwarded),
    "conversation_message_created": LiveEvent(1, message_created),
}
