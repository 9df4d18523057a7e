"""Invented names and prose for the small university: nobody in it exists."""

from typing import Final

from bridge.sandbox.dice import Dice

GIVEN_NAMES: Final = (
    "Adelin", "Bexa", "Corvin", "Dunya", "Ebelle", "Fenrik", "Gisou", "Hadrian", "Ilvy", "Jorunn", "Kestra",
    "Lumi", "Maëlys", "Nkechi", "Orsolya", "Pirro", "Quillon", "Rúna", "Søren", "Tavita", "Ulla", "Venn",
    "Wanjiru", "Xanthe", "Yorick", "Zofia",
)  # fmt: skip
FAMILY_NAMES: Final = (
    "Tarrowby", "Velskaar", "Ondurie", "Mbareke", "Hoshikubo", "Castellune", "Wrenfold", "Iskandrel",
    "Pöltmark", "Dravenhus", "Ó Feardal", "Łaskovin", "Quistgarth", "Abernazze", "Solmarin", "Thistlecombe",
    "Zúbarreta",
)  # fmt: skip
FIELDS: Final = (
    "Tidal Mechanics", "Lantern Physics", "Comparative Map-Making", "Moss Ecology", "Algebra of Knots",
    "Harbour Law", "Narrative Statistics", "Glass Chemistry", "Polyphony", "Compiler Gardening",
    "Café Economics", "Early Clockwork",
)  # fmt: skip
LEVELS: Final = ("Foundations of", "Introduction to", "Topics in", "Advanced", "Workshop in", "History of")
BODIES: Final = ("Department of", "School of", "Institute for", "Centre for")
TASKS: Final = (
    "Essay",
    "Problem set",
    "Field notes",
    "Reading response",
    "Lab report",
    "Draft",
    "Peer review",
    "Quiz",
)
USER_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2",
    "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "CanvasStudent/7.24 (Android 15)",
    "campus-sync/2.3",
)
TIME_ZONES: Final = ("America/Denver", "America/Chicago", "Europe/Lisbon", "Asia/Tokyo", None)

_WORDS: Final = (
    "the", "tide", "lantern", "moves", "under", "a", "quiet", "harbour", "while", "every", "student",
    "measures", "glass", "and", "moss", "before", "noon", "because", "second", "map", "shows", "another",
    "island", "whose", "bells", "ring", "twice", "—", "compare", "your", "notes", "with", "those", "of",
    "last", "week", "&", "explain", "why", "x", "<", "y", "holds", "naïve", "readers", "often", "forget",
    "margin", "潮汐", "☂", "then", "cite", "one", "source",
)  # fmt: skip


def sentence(dice: Dice) -> str:
    """Five to sixteen words that mean nothing, some beyond ASCII."""
    return " ".join(dice.choices(_WORDS, k=dice.randint(5, 16))).capitalize() + "."


def prose(dice: Dice) -> str:
    """A paragraph of HTML; one in fifty so long that Canvas cuts it."""
    characters = 9000 if dice.chance(0.02) else dice.randint(20, 400)
    text = ""
    while len(text) < characters:
        text += sentence(dice) + " "
    return truncate(f"<p>{text.strip()}</p>")


def name(dice: Dice) -> str:
    """A person's name."""
    return f"{dice.choice(GIVEN_NAMES)} {dice.choice(FAMILY_NAMES)}"


def title(dice: Dice, word: str | None = None) -> str:
    """The title of a piece of work, or of what the word says: `Module 3: Harbour Law`."""
    return f"{word or dice.choice(TASKS)} {dice.randint(1, 40)}: {dice.choice(FIELDS)}"


def department(dice: Dice) -> str:
    """The name of a sub-account."""
    return f"{dice.choice(BODIES)} {dice.choice(FIELDS)}"


def truncate(text: str, limit: int = 8192) -> str:
    """Cuts as Canvas does: at the last space that leaves room for `...`; at most `limit` characters.

    Source: Canvas's live events shorten texts to 8,192 characters, separator a space; HTML breaks.
    """
    if len(text) <= limit:
        return text
    room = limit - 3
    end = text.rfind(" ", 0, room + 1)
    return text[: end if end >= 0 else room] + "..."
