// SPDX-License-Identifier: Apache-2.0

package emrflink.examples;

import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/**
 * Counts the numbers 0, 1, 2, ... by key, and writes each number with the count of its key to files that appear with the
 * checkpoint that covers them. What must be in the files is known beforehand, so that what is lost or counted twice shows:
 * `emrflink sample-job verify` reads them.
 *
 * <p>Arguments: --output FOLDER, and --rate EVENTS a second.
 */
public final class Counting {
  /** The key of a number is its remainder by this; `sample-job verify` knows it too. */
  private static final int KEYS = 100;

  private Counting() {}

  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    FileSink<Event> files =
        FileSink.forRowFormat(new Path(options.getRequired("output")), new SimpleStringEncoder<Event>())
            .withBucketAssigner(new ByRun())
            .withRollingPolicy(OnCheckpointRollingPolicy.build())
            .build();
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    // One reader: the numbers come in their order, whatever the parallelism of the rest.
    env.fromSource(new NumberSequenceSource(0, Long.MAX_VALUE), WatermarkStrategy.noWatermarks(), "numbers")
        .setParallelism(1)
        .uid("numbers")
        .map(new Pace(options.getInt("rate", 200)))
        .setParallelism(1)
        .name("pace")
        .uid("pace")
        .keyBy(event -> event.number % KEYS)
        .map(new Count())
        .name("count")
        .uid("count")
        .sinkTo(files)
        .name("files")
        .uid("files");
    env.execute("counting");
  }

  /** A number, with the run that it is of. */
  public static class Event {
    public String run;
    public long number;
    public long count;

    /** A line of the files. */
    @Override
    public String toString() {
      return number + " " + count;
    }
  }

  /** Lets so many numbers a second through, and marks them with the run: the time when the job began without any state. */
  private static final class Pace extends RichMapFunction<Long, Event> implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    private final int rate;
    private transient ListState<String> state;
    private transient String run;

    Pace(int rate) {
      if (rate < 1) {
        throw new IllegalArgumentException("--rate is " + rate + ": it must be 1 or more");
      }
      this.rate = rate;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      state = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("run", Types.STRING));
      run = Instant.now().toString().replace(':', '-');
      for (String restored : state.get()) {
        run = restored;
      }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      state.update(List.of(run));
    }

    @Override
    public Event map(Long number) throws InterruptedException {
      Thread.sleep(1000 / rate);
      Event event = new Event();
      event.run = run;
      event.number = number;
      return event;
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
