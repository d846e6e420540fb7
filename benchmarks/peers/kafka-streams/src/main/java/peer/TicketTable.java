package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The reduced job in Kafka Streams: parse an event, keep its ticket's state in RocksDB with a
 * changelog, and tell of a first response that came later than an hour after the ticket. No business
 * hours, no pauses, no warnings, no retractions, no late events.
 *
 * <p>Arguments: bootstrap servers, threads, directory of the state.
 */
public final class TicketTable {
  static final String INPUT = "support.tickets.v1";
  static final String OUTPUT = "support.sla-breaches.v1";
  static final String STORE = "tickets";
  static final long TARGET_MS = 3_600_000;

  private TicketTable() {}

  static final class Keep implements Processor<String, byte[], String, byte[]> {
    private final ObjectMapper json = new ObjectMapper();
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> tickets;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.tickets = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      try {
        step(record);
      } catch (java.io.IOException error) {
        throw new java.io.UncheckedIOException(error);
      }
    }

    private void step(Record<String, byte[]> record) throws java.io.IOException {
      if (record.value() == null) {
        return; // a control record of the benchmark
      }
      JsonNode event = json.readTree(record.value());
      if (!event.has("type")) {
        return;
      }
      String type = event.get("type").asText();
      long at = Instant.parse(event.get("time").asText()).toEpochMilli();
      byte[] stored = tickets.get(record.key());
      ObjectNode ticket =
          stored == null ? json.createObjectNode() : (ObjectNode) json.readTree(stored);
      JsonNode data = event.path("data");
      ticket.put("last", event.get("id").asText());
      ticket.put("events", ticket.path("events").asInt() + 1);
      switch (type) {
        case "ticket.created" -> {
          JsonNode told = data.path("communicated_at");
          long begun = told.isTextual() ? Instant.parse(told.asText()).toEpochMilli() : at;
          ticket.put("state", "open").put("created", begun);
          ticket.put("severity", data.path("severity").asText());
          ticket.put("client", data.path("client_id").asText());
        }
        case "ticket.assigned" -> {
          ticket.put("state", "open").put("analyst", data.path("analyst_id").asText());
          ticket.put("assigned", at);
        }
        case "ticket.waiting_on_client" -> ticket.put("state", "waiting").put("waiting", at);
        case "ticket.client_responded" -> {
          ticket.put("state", "open");
          ticket.put("waited", ticket.path("waited").asLong() + at - ticket.path("waiting").asLong());
        }
        case "ticket.resolved" -> ticket.put("state", "resolved").put("closed", at);
        default -> {}
      }
      boolean late = record.timestamp() - ticket.path("created").asLong(at) > TARGET_MS
          && "blocker".equals(ticket.path("severity").asText());
      if (late && !ticket.has("breached")) {
        ticket.put("breached", at);
        ObjectNode alert = json.createObjectNode();
        alert.put("ticket_id", record.key()).put("at", at).put("caused_by", event.get("id").asText());
        context.forward(record.withValue(json.writeValueAsBytes(alert)));
      }
      tickets.put(record.key(), json.writeValueAsBytes(ticket));
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(arguments[2]).toString());
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    Topology topology = new Topology();
    topology.addSource("events", INPUT);
    topology.addProcessor("keep", Keep::new, "events");
    // With the cache a ticket changed twice within a commit interval is written once, as ours is.
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), Serdes.ByteArray())
            .withCachingEnabled(),
        "keep");
    topology.addSink("alerts", OUTPUT, "keep");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close(Duration.ofSeconds(10));
                  ended.countDown();
                }));
    streams.start();
    ended.await();
  }
}
