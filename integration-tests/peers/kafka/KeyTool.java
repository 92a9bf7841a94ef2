import java.util.Properties;
import java.util.UUID;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.DoubleSerializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.serialization.UUIDSerializer;

/** Writes records whose keys are made from 0 to count, with Kafka's own producer, partitioner and serializers. */
public final class KeyTool {
    public static void main(String[] args) {
        String type = args[2];
        Serializer<?> serializer = switch (type) {
            case "string" -> new StringSerializer();
            case "integer" -> new IntegerSerializer();
            case "long" -> new LongSerializer();
            case "double" -> new DoubleSerializer();
            case "uuid" -> new UUIDSerializer();
            default -> throw new IllegalArgumentException(type);
        };
        write(args[0], args[1], type, serializer, Integer.parseInt(args[3]));
    }

    @SuppressWarnings("unchecked")
    private static <K> void write(String servers, String topic, String type, Serializer<K> keys, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.put("acks", "all");
        try (var producer = new KafkaProducer<K, String>(properties, keys, new StringSerializer())) {
            for (int n = 0; n < count; n++) {
                producer.send(new ProducerRecord<>(topic, (K) key(type, n), Integer.toString(n)), (metadata, failure) -> {
                    if (failure != null) {
                        failure.printStackTrace();
                        System.exit(1);
                    }
                });
            }
            producer.flush();
        }
    }

    private static Object key(String type, int n) {
        return switch (type) {
            case "string" -> "kéy-" + n;
            case "integer" -> n * 0x9E3779B1;
            case "long" -> n * 0x9E3779B97F4A7C15L;
            case "double" -> n / 7.0;
            default -> new UUID(n * 0x9E3779B97F4A7C15L, n);
        };
    }
}
