"""Whether a topic may be read again after a refusal: librdkafka goes on by itself, but does not say so."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, TopicDescription

from config.kafka import build


class Rights:
    """Asks the broker what this client may do with a topic, without ever waiting for the answer.

    Parameters
    ----------
    topic
        Its name.
    wanted
        Properties of the client that was refused.
    """

    def __init__(self, topic: str, wanted: Mapping[str, Any]) -> None:
        self._topic = topic
        self._admin = build(AdminClient, wanted)
        self._answer: Future[TopicDescription] | None = None

    def allowed(self) -> bool:
        """Say whether the answer to the question of an earlier call was yes; ask again where it was not."""
        if self._answer is not None and not self._answer.done():
            return False
        if self._answer is not None and self._yes(self._answer):
            return True
        topics = TopicCollection([self._topic])
        self._answer = self._admin.describe_topics(topics, include_authorized_operations=True)[self._topic]
        return False

    @staticmethod
    def _yes(answer: Future[TopicDescription]) -> bool:
        try:
            return AclOperation.READ in (answer.result().authorized_operations or ())
        except KafkaException:
            return False
