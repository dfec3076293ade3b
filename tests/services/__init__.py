"""Real servers as processes on loopback: Kafka and InfluxDB, for tests and for ``scripts/up``.

What they need is fetched once into ``.services/``: Kafka's jars by Maven, InfluxDB by Go.  Each server has a folder with its
configuration, data, log and process id, and is stopped by that id.
"""

from tests.services.influx import Influx
from tests.services.kafka import Kafka
from tests.services.process import HOME, MissingToolError, Service, free_port
from tests.services.secure import SecureKafka

__all__ = ["HOME", "Influx", "Kafka", "MissingToolError", "SecureKafka", "Service", "free_port"]
