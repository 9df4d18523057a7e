"""The protection that the settings ask for."""

from processors.catalogue import Catalogue
from processors.privacy.decisions import load_policy
from processors.privacy.protect import Protection
from processors.privacy.pseudonyms import Pseudonyms
from processors.settings import PrivacySettings


def configured_protection(settings: PrivacySettings, catalogue: Catalogue) -> Protection | None:
    """None where no policy is set. Raises ValueError and OSError for what cannot be applied as it is said."""
    key = settings.key.get_secret_value() if settings.key else None
    if settings.policy is None:
        if key is not None:
            raise ValueError(
                "PROCESSORS_PRIVACY__KEY is set and no privacy policy is. "
                "Name the file in PROCESSORS_PRIVACY__POLICY, or take the key away"
            )
        return None
    if not settings.policy.is_file():
        raise ValueError(
            f"PROCESSORS_PRIVACY__POLICY: there is no file {settings.policy}. "
            "Mount it, or take the variable away to write personal data as it is sent"
        )
    pseudonyms = None if key is None else Pseudonyms(key)
    return Protection(load_policy(settings.policy, catalogue), catalogue, pseudonyms)
