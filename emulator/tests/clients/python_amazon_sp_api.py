"""python-amazon-sp-api gets a token and rotates. It knows Amazon's hosts alone, so it is led to the emulator."""

import os

from sp_api.api import ApplicationManagement
from sp_api.auth import AccessTokenClient

emulator = os.environ["EMULATOR"]
AccessTokenClient.scheme, AccessTokenClient.host = "http://", emulator.removeprefix("http://")
client = ApplicationManagement(
    credentials={"lwa_app_id": os.environ["CLIENT_ID"], "lwa_client_secret": os.environ["CLIENT_SECRET"]}
)
client.endpoint = emulator
client.rotate_application_client_secret()
