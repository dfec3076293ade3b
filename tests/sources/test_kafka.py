"""The source on a real broker, in processes that are killed, stopped, refused and restarted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    ResourcePatternType,
    ResourceType,
)

from tests.services import Kafka, SecureKafka, free_port
from tests.sources.running import Tiny, send, until

Topic = Callable[..., str]


def distinct(tiny: Tiny) -> set[tuple[str, str]]:
    """Return what came out, what came again after a kill once."""
    return {(item["shard"], value) for item in tiny.items() for value in item.get("values", [])}


def exact(tiny: Tiny) -> dict[str, list[int]]:
    """Return each shard's offsets as its state saw them: an item that comes again after a crash replaces what it repeats."""
    seen: dict[str, list[int]] = {}
    for item in tiny.items():
        if item.get("offsets"):
            shard = seen.setdefault(item["shard"], [])
            del shard[item["before"] :]
            shard += item["offsets"]
    return seen


def test_state_and_offsets_are_exact_after_kills_and_stops(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(4)
    with Tiny(tmp_path, kafka, name) as tiny:
        for round_ in range(4):
            process = tiny.start()
            for partition in range(4):
                send(kafka, name, range(100 * round_, 100 * (round_ + 1)), partition)
            until(lambda: len(distinct(tiny)) == 400 * (round_ + 1))  # noqa: B023
            if round_ % 2:
                assert tiny.stop() == 0
            else:
                process.kill()
                process.wait()
        assert exact(tiny) == {f"{name}-{p}": list(range(400)) for p in range(4)}


def test_a_stop_is_exact_and_tells_lag_tools(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(2)
    send(kafka, name, range(50), 1)
    with Tiny(tmp_path, kafka, name) as tiny:
        tiny.start("-r", str(tiny.store), "-s", "600", "-b", "0")
        until(lambda: len(tiny.values()) == 50)
        assert tiny.stop() == 0
        consumer = Consumer({"bootstrap.servers": kafka, "group.id": "alluse-learning"})
        assert consumer.committed([TopicPartition(name, 1)], timeout=20)[0].offset == 50
        consumer.close()
        tiny.start()
        send(kafka, name, range(50, 60), 1)
        until(lambda: len(tiny.values()) >= 60)
        assert tiny.stop() == 0
        assert tiny.values() == [str(n) for n in range(60)]


def test_a_silent_partition_says_so(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(2)
    with Tiny(tmp_path, kafka, name) as tiny:
        tiny.start()
        until(lambda: len([i for i in tiny.items() if i["shard"] == f"{name}-1"]) >= 2)
        send(kafka, name, range(1), 1)
        until(lambda: len([i for i in tiny.items() if i["shard"] == f"{name}-1"]) >= 5)
        idle = [item["idle"] for item in tiny.items() if item["shard"] == f"{name}-1"]
        heard = idle.index(0)
        assert idle[:heard] == sorted(idle[:heard])
        assert idle[heard + 1] < idle[heard - 1] + 1e9  # counted anew since the message
        assert all(item["reasons"] == {} for item in tiny.items())


def test_keys_and_the_brokers_stamps_arrive(tmp_path: Path, kafka: str, topic: Topic) -> None:
    by_broker, by_producer = topic(1, message_timestamp_type="LogAppendTime"), topic(1)
    for name, clock in ((by_broker, False), (by_producer, True)):
        send(kafka, name, range(3))
        with Tiny(tmp_path / name, kafka, name) as tiny:
            tiny.start()
            until(lambda: len(tiny.values()) == 3)
            assert [item["clock"] for item in tiny.items() if item["values"]] == [clock]
            assert [key for item in tiny.items() for key in item["keys"]] == ["0", "1", "2"]
            assert ("CreateTime" in tiny.said()) == clock


def test_starts_at_the_end_and_loses_nothing_from_then_on(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(1)
    send(kafka, name, range(10))
    with Tiny(tmp_path, kafka, name, ALLUSE_KAFKA__START="end") as tiny:
        tiny.start()
        until(lambda: len(tiny.items()) >= 3)  # idle polls, over two snapshots
        tiny.processes[-1].kill()
        send(kafka, name, range(10, 20))
        tiny.start()
        until(tiny.values)
        assert tiny.stop() == 0
        assert tiny.values() == [str(n) for n in range(10, 20)]


def test_a_topic_that_does_not_exist_is_waited_for(tmp_path: Path, broker: Kafka) -> None:
    with Tiny(tmp_path, broker.bootstrap, "later", ALLUSE_KAFKA__START="end") as tiny:
        tiny.start()
        until(lambda: "topic later does not exist" in tiny.said())
        broker.create("later", 1)
        send(broker.bootstrap, "later", range(5))
        until(lambda: len(tiny.values()) == 5)


def test_a_stop_while_waiting_is_a_stop(tmp_path: Path, kafka: str) -> None:
    with Tiny(tmp_path, kafka, "never") as tiny:
        tiny.start()
        until(lambda: "topic never does not exist" in tiny.said())
        assert tiny.stop() == 0


def test_lanes_share_the_partitions(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(5)
    for partition in range(5):
        send(kafka, name, range(partition, partition + 1), partition)
    read: list[set[str]] = []
    for index in "01":
        lane = {"ALLUSE_LANES__COUNT": "2", "ALLUSE_LANES__INDEX": index}
        with Tiny(tmp_path / index, kafka, name, **lane) as tiny:
            tiny.start()
            until(lambda: len(tiny.values()) >= 3 - int(index))  # noqa: B023
            assert tiny.stop() == 0
            read.append(set(tiny.values()))
    assert read == [{"0", "2", "4"}, {"1", "3"}]


def test_state_of_other_partitions_is_refused_in_plain_words(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(4)
    with Tiny(tmp_path, kafka, name) as tiny:
        tiny.start()
        until(tiny.items)
        assert tiny.stop() == 0
        tiny.start(ALLUSE_LANES__COUNT="2")
        assert tiny.processes[-1].wait(60) == 2
        assert "holds state of partitions [1, 3]" in tiny.said()
        assert "lanes.count was changed" in tiny.said()


def test_two_processes_of_a_cluster_read_each_partition_once(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(4)
    for partition in range(4):
        send(kafka, name, range(10 * partition, 10 * partition + 10), partition)
    addresses = ";".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    with Tiny(tmp_path, kafka, name) as tiny:
        for process in "01":
            tiny.start(
                "-r", str(tiny.store), "-s", "1", "-b", "0", "-i", process, "-a", addresses, BYTEWAX_PROCESS_ID=process
            )
        until(lambda: len(tiny.values()) >= 40)
        for running in tiny.processes:
            running.terminate()
        assert [running.wait(60) for running in tiny.processes] == [0, 0]
        assert sorted(map(int, tiny.values())) == list(range(40))


def test_what_retention_deleted_is_an_event(tmp_path: Path, kafka: str, topic: Topic) -> None:
    name = topic(2, retention_bytes="2097152", segment_bytes="1048576")
    for partition in range(2):
        send(kafka, name, range(10), partition)
    with Tiny(tmp_path, kafka, name) as tiny:
        tiny.start()
        until(lambda: len(tiny.values()) == 20)
        assert tiny.stop() == 0
        send(kafka, name, range(10, 6010), 0, size=1000)
        send(kafka, name, range(10, 15), 1)
        consumer = Consumer({"bootstrap.servers": kafka, "group.id": "x"})
        until(lambda: consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=20)[0] > 10)
        tiny.start()
        until(lambda: exact(tiny)[f"{name}-0"][-1] == 6009 and exact(tiny)[f"{name}-1"][-1] == 14)
        low = exact(tiny)[f"{name}-0"][10]
        assert exact(tiny) == {f"{name}-0": [*range(10), *range(low, 6010)], f"{name}-1": list(range(15))}
        assert [(e["event"], e["value"]) for e in tiny.events()] == [("offsets-lost", low - 10)]
        assert f"offsets 10 to {low - 1}; reading goes on at {low}" in tiny.said()


def test_a_topic_made_anew_is_an_event_and_read_from_its_beginning(tmp_path: Path, broker: Kafka) -> None:
    name = broker.create("anew", 1)
    send(broker.bootstrap, name, range(10))
    with Tiny(tmp_path, broker.bootstrap, name) as tiny:
        tiny.start()
        until(lambda: len(tiny.values()) == 10)
        assert tiny.stop() == 0
        admin = AdminClient(broker.client)
        admin.delete_topics([name])[name].result(30)
        until(lambda: name not in admin.list_topics(timeout=20).topics)
        broker.create(name, 1)
        send(broker.bootstrap, name, range(100, 105))
        tiny.start()
        until(lambda: len(tiny.values()) == 15)
        assert tiny.values()[10:] == [str(n) for n in range(100, 105)]
        assert [e["event"] for e in tiny.events()] == ["offsets-lost"]
        assert "was made anew or cut short" in tiny.said()


def test_added_partitions_are_read_without_a_person(tmp_path: Path, broker: Kafka, topic: Topic) -> None:
    name = topic(1)
    soon = '{"topic.metadata.refresh.interval.ms":1000,"statistics.interval.ms":500}'
    with Tiny(tmp_path, broker.bootstrap, name, ALLUSE_KAFKA__CLIENT=soon, ALLUSE_KAFKA__START="end") as tiny:
        tiny.start()
        until(lambda: len(tiny.items()) >= 2)
        admin = AdminClient(broker.client)
        for future in admin.create_partitions([NewPartitions(name, 2)]).values():
            future.result(20)
        send(broker.bootstrap, name, range(5), 1)
        assert tiny.processes[-1].wait(60) == 1  # for its supervisor to start it again
        assert [e["event"] for e in tiny.events()] == ["partitions-added"]
        assert f"partitions [1] were added to topic {name}" in tiny.said()
        tiny.start()
        until(lambda: len(tiny.values()) == 5)


def test_a_broker_that_goes_away_is_waited_for(tmp_path: Path, own_broker: Kafka) -> None:
    name = own_broker.create("metrics", 2)
    with Tiny(tmp_path, own_broker.bootstrap, name) as tiny:
        tiny.start()
        send(own_broker.bootstrap, name, range(10))
        until(lambda: len(tiny.values()) == 10)
        own_broker.stop()
        until(lambda: any("no broker answers" in str(item["reasons"]) for item in tiny.items()))
        own_broker.start()
        send(own_broker.bootstrap, name, range(10, 20))
        until(lambda: len(tiny.values()) == 20)
        until(lambda: tiny.items()[-1]["reasons"] == {})
        own_broker.stop()
        assert tiny.stop() == 0


def login(secure_kafka: SecureKafka, user: str, password: str = "") -> dict[str, str]:
    properties = secure_kafka.login(user, password)
    return {"ALLUSE_KAFKA__CLIENT": json.dumps({k: v for k, v in properties.items() if k != "bootstrap.servers"})}


def test_a_refused_login_is_said_in_plain_words(tmp_path: Path, secure_kafka: SecureKafka) -> None:
    with Tiny(tmp_path, secure_kafka.bootstrap, "metrics", **login(secure_kafka, "pipeline", "mistyped")) as tiny:
        tiny.start()
        until(lambda: "login of user pipeline refused" in tiny.said())
        assert tiny.stop() == 0
        assert "mistyped" not in tiny.said()


def test_a_missing_right_is_said_and_seen_when_it_comes(tmp_path: Path, secure_kafka: SecureKafka) -> None:
    name = secure_kafka.create("guarded", 2)
    admin = AdminClient(secure_kafka.client)

    def rule(operation: AclOperation) -> AclBinding:
        exact_name, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        return AclBinding(ResourceType.TOPIC, name, exact_name, "User:pipeline", "*", operation, allow)

    def grant(operation: AclOperation) -> None:
        for future in admin.create_acls([rule(operation)]).values():
            future.result(30)

    def revoke(operation: AclOperation) -> None:
        r = rule(operation)
        found = AclBindingFilter(
            r.restype, r.name, r.resource_pattern_type, r.principal, r.host, r.operation, r.permission_type
        )
        for future in admin.delete_acls([found]).values():
            future.result(30)

    with Tiny(tmp_path, secure_kafka.bootstrap, name, **login(secure_kafka, "pipeline")) as tiny:
        tiny.start()
        until(lambda: f"user pipeline may not read or see topic {name}" in tiny.said())
        for operation in (AclOperation.READ, AclOperation.DESCRIBE):
            grant(operation)
        send(secure_kafka.client, name, range(5))
        until(lambda: len(tiny.values()) == 5)
        revoke(AclOperation.READ)
        until(lambda: f"user pipeline may not read or see topic {name}" in str(tiny.items()[-1]["reasons"]))
        send(secure_kafka.client, name, range(5, 10))
        grant(AclOperation.READ)
        until(lambda: len(tiny.values()) == 10 and tiny.items()[-1]["reasons"] == {})
        assert tiny.stop() == 0


@pytest.mark.parametrize("name", ["fetch.min.byte", "auto.offset.reset"])
def test_a_wrong_property_is_named(tmp_path: Path, name: str) -> None:
    with Tiny(tmp_path, "127.0.0.1:1", "metrics", ALLUSE_KAFKA__CLIENT=f'{{"{name}":"earliest"}}') as tiny:
        tiny.start()
        assert tiny.processes[-1].wait(60) == 2
        assert name in tiny.said()
