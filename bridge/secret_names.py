"""The parameters of URLs whose values are secret: who has the value may act for somebody, or read a file.

Compared without case, `_` and `-`: `access_token` is `accessToken` and `ACCESS-TOKEN` too. A setting adds to
them (BRIDGE_REDACT__QUERY_KEYS) and none takes away.

Left out, though they look like it: `key`, `state` (by which Canvas's own API sorts and filters), `nonce` (of
no use without the token it is in), `login_hint`, `client_id`, `oauth_consumer_key`, `Key-Pair-Id` (they name
somebody), `Policy`, `Expires` (what was signed, not the signature).
"""

from typing import Final

SECRET_NAMES: Final = frozenset(
    {
        # Tokens that whoever bears them may use: Canvas's API and its file service, OAuth 2, OpenID Connect.
        "access_token",
        "refresh_token",
        "id_token",
        "id_token_hint",
        "token",
        "auth_token",
        "api_token",
        "bearer_token",
        "jwt",
        # Canvas: the right to read one file, to go on with a session, to accept an enrollment.
        "verifier",
        "sf_verifier",
        "session_token",
        "invitation",
        # OAuth 2: what is exchanged for a token, and what proves the client.
        "code",
        "code_verifier",
        "device_code",
        "user_code",
        "client_secret",
        "client_assertion",
        "assertion",
        # LTI 1.3: a token of Canvas's about the launch. LTI 1.1: OAuth 1.
        "lti_message_hint",
        "oauth_token",
        "oauth_token_secret",
        "oauth_verifier",
        "oauth_signature",
        # Signed URLs of S3, CloudFront, Google and Azure: the signature, and the key or session it is of.
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "X-Goog-Signature",
        "X-Goog-Credential",
        "signature",
        "sig",
        "hmac",
        # Passwords, their resets, and second factors.
        "password",
        "password_confirmation",
        "passwd",
        "passphrase",
        "pwd",
        "reset_password_token",
        "confirmation_token",
        "confirmation_code",
        "verification_code",
        "otp",
        # Keys of services, as embedded maps, videos and tools carry them.
        "api_key",
        "access_key",
        "secret_key",
        "private_key",
        "subscription_key",
        "secret",
        "shared_secret",
        # Single sign-on: CAS's ticket, SAML's messages.
        "ticket",
        "SAMLRequest",
        "SAMLResponse",
        "SAMLart",
        # A session, and what proves that a form is of it.
        "session_id",
        "sess_id",
        "jsessionid",
        "phpsessid",
        "authenticity_token",
        "csrf_token",
        "xsrf_token",
    }
)
