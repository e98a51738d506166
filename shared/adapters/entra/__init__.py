"""Microsoft Entra: access tokens, and the callers that their claims name."""
