// SPDX-License-Identifier: Apache-2.0

package emrflink.examples;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Writes the numbers 0, 1, 2, ... to a topic of Kafka in transactions, reads what was committed, counts it by key, and writes each
 * number with its count to files: what is lost or doubled on the way shows, and `emrflink sample-job verify` reads the files.
 *
 * <p>Arguments: --brokers HOST:PORT,..., --topic NAME, --output FOLDER, --iam true|false, and --rate EVENTS a second.
 */
public final class ThroughKafka {
  /** The key of a number is its remainder by this; `sample-job verify` knows it too. */
  private static final int KEYS = 100;

  private static final int PARTITIONS = 4;

  private ThroughKafka() {}

  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    String brokers = options.getRequired("brokers");
    String topic = options.getRequired("topic");
    Properties client = client(options.getBoolean("iam", true));
    createTopic(brokers, topic, client);
    Instant now = Instant.now();

    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(new NumberSequenceSource(0, Long.MAX_VALUE), WatermarkStrategy.noWatermarks(), "numbers")
        .setParallelism(1)
        .uid("numbers")
        .map(new Pace(options.getInt("rate", 200), now.toString().replace(':', '-')))
        .setParallelism(1)
        .name("pace")
        .uid("pace")
        .sinkTo(sink(brokers, topic, client))
        .setParallelism(1) // the numbers of a key come in their order
        .name("to kafka")
        .uid("to kafka");
    env.fromSource(source(brokers, topic, client, now), WatermarkStrategy.noWatermarks(), "from kafka")
        .uid("from kafka")
        .map(Event::parse)
        .name("event")
        .uid("event")
        .keyBy(event -> event.number % KEYS)
        .map(new Count())
        .name("count")
        .uid("count")
        .sinkTo(
            FileSink.forRowFormat(new Path(options.getRequired("output")), new SimpleStringEncoder<Event>())
                .withBucketAssigner(new ByRun())
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .build())
        .name("files")
        .uid("files");
    env.execute("kafka");
  }

  /** What every client of the cluster is configured with: the login of MSK by the role of the job, or none. */
  private static Properties client(boolean iam) {
    Properties p = new Properties();
    if (iam) {
      p.setProperty("security.protocol", "SASL_SSL");
      p.setProperty("sasl.mechanism", "AWS_MSK_IAM");
      p.setProperty("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;");
      p.setProperty("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler");
    }
    return p;
  }

  private static void createTopic(String brokers, String topic, Properties client) throws Exception {
    Properties p = new Properties();
    p.putAll(client);
    p.setProperty("bootstrap.servers", brokers);
    try (AdminClient admin = AdminClient.create(p)) {
      admin.createTopics(List.of(new NewTopic(topic, Optional.of(PARTITIONS), Optional.empty()))).all().get();
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof TopicExistsException)) {
        throw e;
      }
    }
  }

  private static KafkaSink<String> sink(String brokers, String topic, Properties client) {
    return KafkaSink.<String>builder()
        .setBootstrapServers(brokers)
        .setKafkaProducerConfig(client)
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(topic)
        // At most what brokers allow by default, and longer than a restart takes: what times out is lost.
        .setProperty("transaction.timeout.ms", "900000")
        .setRecordSerializer(
            KafkaRecordSerializationSchema.<String>builder()
                .setTopic(topic)
                .setKeySerializationSchema(
                    text -> String.valueOf(Event.parse(text).number % KEYS).getBytes(StandardCharsets.UTF_8))
                .setValueSerializationSchema(new SimpleStringSchema())
                .build())
        .build();
  }

  /** Reads what is written from now on: with a state, it goes on where that was taken. */
  private static KafkaSource<String> source(String brokers, String topic, Properties client, Instant now) {
    return KafkaSource.<String>builder()
        .setBootstrapServers(brokers)
        .setTopics(topic)
        .setGroupId(topic)
        .setStartingOffsets(OffsetsInitializer.timestamp(now.toEpochMilli()))
        .setValueOnlyDeserializer(new SimpleStringSchema())
        .setProperties(client)
        .setProperty("isolation.level", "read_committed")
        .build();
  }

  /** A number, with the run that it is of. */
  public static class Event {
    public String run;
    public long number;
    public long count;

    static Event parse(String text) {
      int space = text.indexOf(' ');
      Event event = new Event();
      event.run = text.substring(0, space);
      event.number = Long.parseLong(text.substring(space + 1));
      return event;
    }

    /** A line of the files. */
    @Override
    public String toString() {
      return number + " " + count;
    }
  }

  /** Lets so many numbers a second through, and marks them with the run: the time when the job began without any state. */
  private static final class Pace extends RichMapFunction<Long, String> implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    private final int rate;
    private final String began;
    private transient ListState<String> state;
    private transient String run;

    Pace(int rate, String began) {
      if (rate < 1) {
        throw new IllegalArgumentException("--rate is " + rate + ": it must be 1 or more");
      }
      this.rate = rate;
      this.began = began;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      state = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("run", Types.STRING));
      run = began;
      for (String restored : state.get()) {
        run = restored;
      }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      state.update(List.of(run));
    }

    @Override
    public String map(Long number) throws InterruptedException {
      Thread.sleep(1000 / rate);
      return run + " " + number;
    }
  }

  /** Counts the events of a key. */
  private static final class Count extends RichMapFunction<Event, Event> {
    private static final long serialVersionUID = 1;
    private transient ValueState<Long> state;

    @Override
    public void open(OpenContext context) {
      state = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public Event map(Event event) throws Exception {
      Long before = state.value();
      event.count = before == null ? 1 : before + 1;
      state.update(event.count);
      return event;
    }
  }

  /** Keeps the files of each run in a folder of their own. */
  private static final class ByRun implements BucketAssigner<Event, String> {
    private static final long serialVersionUID = 1;

    @Override
    public String getBucketId(Event event, Context context) {
      return event.run;
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
      return SimpleVersionedStringSerializer.INSTANCE;
    }
  }
}
