"""Amazon's own client for Python gets a token and rotates."""

import os

from spapi import ApplicationsApi, SPAPIClient, SPAPIConfig

emulator = os.environ["EMULATOR"]
config = SPAPIConfig(
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    scope="sellingpartnerapi::client_credential:rotation",
)
client = SPAPIClient(config, oauth_endpoint=f"{emulator}/auth/o2/token", endpoint=emulator)
ApplicationsApi(client.api_client).rotate_application_client_secret()
