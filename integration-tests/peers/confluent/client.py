"""Confluent's own serializers for a schema registry, which know nothing of this project.

Reads one JSON array per line from standard input and answers each with one line, {"ok": …} or {"error": "…"}:

["write", FORMAT, TOPIC, [[KEY, VALUE], …]]   null, once all are acknowledged: orders, with the schemas below
["read", FORMAT, TOPIC, COUNT]                [[KEY, VALUE], …] sorted by keys, which are text; in Protobuf purchases

FORMAT is avro, json or protobuf. Values are what JSON can say; what it cannot, is answered as its text. The arguments
of the program are the address of the broker and that of the registry.
"""

import json
import sys
from datetime import datetime, timezone

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, timestamp_pb2
from google.protobuf.message_factory import GetMessageClass
from google.type import date_pb2

AVRO = {
    "type": "record",
    "name": "shop.Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "points", "type": {"type": "map", "values": "double"}},
        {
            "name": "customer",
            "type": {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}]},
        },
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
JSON = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "note": {"oneOf": [{"type": "null"}, {"type": "string"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "points": {"type": "object", "additionalProperties": {"type": "number"}, "connect.type": "map"},
        "customer": {"title": "Customer", "type": "object", "properties": {"name": {"type": "string"}}},
        "status": {"enum": ["NEW", "PAID"]},
        "at": {"title": "org.apache.kafka.connect.data.Timestamp", "type": "integer", "connect.type": "int64"},
    },
}
FIELD = descriptor_pb2.FieldDescriptorProto


def message(owner, name, fields):
    """Adds a message: (name, type) for each field, the type in capitals or the name of a message; * is repeated."""
    added = owner.add(name=name)
    for number, (field, kind) in enumerate(fields, 1):
        label = FIELD.LABEL_REPEATED if kind.startswith("*") else FIELD.LABEL_OPTIONAL
        kind = kind.lstrip("*")
        if kind.isupper() or kind[-1].isdigit():
            added.field.add(name=field, number=number, label=label, type=FIELD.Type.Value(f"TYPE_{kind}"))
        else:
            kind, of = (FIELD.TYPE_ENUM, kind[5:]) if kind.startswith("enum ") else (FIELD.TYPE_MESSAGE, kind)
            added.field.add(name=field, number=number, label=label, type=kind, type_name=of)
    return added


def entry(owner, name, value):
    message(owner.nested_type, name, [("key", "STRING"), ("value", value)]).options.map_entry = True


def orders():
    """The order is the third message of its file, and a message that it needs is of another one."""
    file = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    file.dependency.extend(["google/protobuf/timestamp.proto", "shop/customer.proto"])
    message(file.message_type, "Unused", [("x", "INT32")])
    message(file.message_type, "Unused2", [("x", "INT32")])
    order = message(
        file.message_type,
        "Order",
        [
            ("id", "INT64"),
            ("note", "STRING"),
            ("tags", "*STRING"),
            ("points", "*.shop.Order.PointsEntry"),
            ("customer", ".shop.Customer"),
            ("status", "enum .shop.Order.Status"),
            ("at", ".google.protobuf.Timestamp"),
        ],
    )
    entry(order, "PointsEntry", "DOUBLE")
    status = order.enum_type.add(name="Status")
    status.value.add(name="NEW", number=0)
    status.value.add(name="PAID", number=1)
    customer = descriptor_pb2.FileDescriptorProto(name="shop/customer.proto", package="shop", syntax="proto3")
    message(customer.message_type, "Customer", [("name", "STRING")])
    return [customer, file]


def purchases():
    """The purchase of the tests' Java classes: what an application knows that reads the topic of a source."""
    file = descriptor_pb2.FileDescriptorProto(name="purchase.proto", package="acme", syntax="proto3")
    file.dependency.extend(["google/type/date.proto", "confluent/type/decimal.proto"])
    purchase = message(
        file.message_type,
        "Purchase",
        [
            ("customer", ".acme.Purchase.Customer"),
            ("status", "STRING"),
            ("lines", "*.acme.Purchase.Line"),
            ("due", ".google.type.Date"),
            ("rating", "INT32"),
            ("express", "BOOL"),
            ("points", "*.acme.Purchase.PointsEntry"),
            ("total", ".confluent.type.Decimal"),
            ("codes", "*INT32"),
        ],
    )
    message(purchase.nested_type, "Customer", [("name", "STRING")])
    message(purchase.nested_type, "Line", [("article", "STRING"), ("count", "INT32"), ("price", "DOUBLE")])
    entry(purchase, "PointsEntry", "INT64")
    return [file]


# Which has the files of the modules that are imported.
POOL = descriptor_pool.Default()
for added in orders() + purchases():
    POOL.AddSerializedFile(added.SerializeToString())
ORDER, PURCHASE = (GetMessageClass(POOL.FindMessageTypeByName(name)) for name in ("shop.Order", "acme.Purchase"))


def answer(line):
    print(json.dumps(line, default=str), flush=True)


def serializer(kind):
    match kind:
        case "avro":
            return AvroSerializer(registry, json.dumps(AVRO))
        case "json":
            return JSONSerializer(json.dumps(JSON), registry)
        case "protobuf":
            write = ProtobufSerializer(ORDER, registry, {"use.deprecated.format": False})
            return lambda value, context: write(to_message(value), context)


def to_message(value):
    at = datetime.fromtimestamp(value["at"] / 1000, timezone.utc).isoformat().replace("+00:00", "Z")
    return json_format.ParseDict({**value, "at": at}, ORDER())


def deserializer(kind):
    match kind:
        case "avro":
            return AvroDeserializer(registry)
        case "json":
            return JSONDeserializer(None, schema_registry_client=registry)
        case "protobuf":
            # The class knows the fields; without the registry the library does not compare them with the schema there.
            read = ProtobufDeserializer(PURCHASE, {"use.deprecated.format": False})
            return lambda data, context: json_format.MessageToDict(
                read(data, context), preserving_proto_field_name=True
            )


def write(kind, topic, records):
    serialize, failures = serializer(kind), []
    context = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({"bootstrap.servers": bootstrap})
    for key, value in records:
        data = serialize(value, context)
        producer.produce(topic, data, key, on_delivery=lambda error, _: error and failures.append(error))
    producer.flush(60)
    if failures:
        raise RuntimeError(failures[0])


def read(kind, topic, count):
    deserialize, records = deserializer(kind), []
    context = SerializationContext(topic, MessageField.VALUE)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, 60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    while len(records) < count:
        record = consumer.poll(60)
        if record is None or record.error():
            raise RuntimeError(f"{len(records)} records, then {record and record.error()}")
        value = record.value()
        records.append([record.key().decode(), None if value is None else deserialize(value, context)])
    consumer.close()
    return sorted(records, key=lambda record: record[0])


bootstrap, url = sys.argv[1:]
registry = SchemaRegistryClient({"url": url})
answer({"ok": "ready"})
for line in sys.stdin:
    command, *arguments = json.loads(line)
    try:
        answer({"ok": {"write": write, "read": read}[command](*arguments)})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
