"""Kafka with TLS, logins and rights."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.services.kafka import Kafka
from tests.services.process import need


class SecureKafka(Kafka):
    """A broker that wants TLS and a login by SCRAM; nobody may do anything without an ACL, except the user ``admin``."""

    protocol = "SASL_SSL"

    @property
    def client(self) -> dict[str, Any]:
        """Properties of the user ``admin``, who may do everything."""
        return self.login("admin")

    def login(self, user: str, password: str = "") -> dict[str, Any]:
        """Return a client's properties for a user: ``admin``, or ``pipeline``, who begins without any right."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password or f"{user}-secret",
            "ssl.ca.location": str(self.folder / "ca.crt"),
        }

    def properties(self) -> dict[str, Any]:
        """Return what stands in the broker's configuration."""
        certificate(self.folder)
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return super().properties() | {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f'{login} username="admin" password="admin-secret";',
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.folder / "server.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.folder / "ca.crt",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS",  # anonymous is the broker itself, on the controller's listener
        }

    def users(self) -> list[str]:
        """Return the arguments that make the users."""
        pairs = [f"SCRAM-SHA-512=[name={u},password={u}-secret]" for u in ("admin", "pipeline")]
        return [word for pair in pairs for word in ("--add-scram", pair)]


def certificate(folder: Path) -> None:
    """Make a private authority, ``ca.crt``, and ``server.pem`` for localhost signed by it."""
    need("openssl")
    extensions = folder / "server.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    new = "openssl req -newkey rsa:2048 -nodes"
    for command in (
        f"{new} -x509 -days 3650 -subj /CN=test-ca -keyout ca.key -out ca.crt -addext keyUsage=critical,keyCertSign,cRLSign",
        f"{new} -subj /CN=localhost -keyout server.key -out server.csr",
        "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.crt",
    ):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    parts = [(folder / name).read_text() for name in ("server.key", "server.crt", "ca.crt")]
    (folder / "server.pem").write_text("".join(parts))
