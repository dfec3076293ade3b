"""The servers that tests run against behave as the real ones they are."""

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS


def send(client, topic, values):
    producer = Producer(client)
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def receive(client, topic, count):
    consumer = Consumer({**client, "group.id": "pipeline", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        return sorted(m.value() for m in consumer.consume(count, 30))
    finally:
        consumer.close()


def write(influx, line):
    with InfluxDBClient(influx.url, influx.token, org=influx.org) as client:
        client.write_api(write_options=SYNCHRONOUS).write(influx.bucket, influx.org, line)


def test_kafka_keeps_what_it_acknowledged_when_it_is_killed(own_broker):
    name = own_broker.create("metrics", 2)
    send(own_broker.client, name, [b"1", b"2"])
    own_broker.kill()
    assert not own_broker.ready()
    own_broker.start()
    assert receive(own_broker.client, name, 2) == [b"1", b"2"]


def test_topics_are_made_with_their_properties(broker, topic):
    name = topic(3, message_timestamp_type="LogAppendTime")
    assert len(AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(name).topics[name].partitions) == 3


def test_influx_answers_flux_and_keeps_points_when_it_is_killed(own_influx):
    write(own_influx, "cpu,host=a x=1.5 1000000000")
    own_influx.kill()
    own_influx.start()
    rows = own_influx.flux(f'from(bucket:"{own_influx.bucket}") |> range(start: 0) |> filter(fn: (r) => r.host == "a")')
    assert [(r["_measurement"], r["_field"], r["_value"], r["_time"].timestamp()) for r in rows] == [
        ("cpu", "x", 1.5, 1.0)
    ]


def test_secure_kafka_lets_a_user_do_what_it_may(secure_kafka):
    admin = AdminClient(secure_kafka.client)
    name = secure_kafka.create("secure")
    anywhere, allow = ("User:pipeline", "*"), AclPermissionType.ALLOW
    grants = [
        AclBinding(ResourceType.TOPIC, name, ResourcePatternType.LITERAL, *anywhere, AclOperation.READ, allow),
        AclBinding(ResourceType.GROUP, "pipeline", ResourcePatternType.LITERAL, *anywhere, AclOperation.READ, allow),
    ]
    for future in admin.create_acls(grants).values():
        future.result(30)
    send(secure_kafka.client, name, [b"1"])
    assert receive(secure_kafka.login("pipeline"), name, 1) == [b"1"]
