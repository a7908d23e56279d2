// SPDX-License-Identifier: Apache-2.0

package emrflink.examples;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
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
 * Copies orders, ID,DAY,CUSTOMER,CENTS, from the files of a folder to files of a folder for each day. Which files and lines have
 * been read is in the checkpoint, and so is what has been written: `emrflink sample-job verify` compares both.
 *
 * <p>Arguments: --input FOLDER, --output FOLDER, and --rate LINES a second for each task.
 */
public final class Copy {
  private Copy() {}

  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    FileSource<String> in =
        FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(options.getRequired("input")))
            .monitorContinuously(Duration.ofSeconds(5))
            .build();
    FileSink<Order> out =
        FileSink.forRowFormat(new Path(options.getRequired("output")), new SimpleStringEncoder<Order>())
            .withBucketAssigner(new ByDay())
            .withRollingPolicy(OnCheckpointRollingPolicy.build())
            .build();
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(in, WatermarkStrategy.noWatermarks(), "files in")
        .uid("files in")
        .filter(line -> !line.isBlank())
        .name("no empty lines")
        .uid("no empty lines")
        .map(new Read(options.getInt("rate", 100), Instant.now().toString().replace(':', '-')))
        .name("orders")
        .uid("orders")
        .sinkTo(out)
        .name("files out")
        .uid("files out");
    env.execute("s3");
  }

  /** A line, with the run that has read it. */
  public static class Order {
    public String run;
    public String id;
    public String day;
    public String rest;

    /** A line of the output. */
    @Override
    public String toString() {
      return id + "," + rest;
    }
  }

  /** Reads lines, so many a second, and marks them with the run: the time when the job began without any state. */
  private static final class Read extends RichMapFunction<String, Order> implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    private final int rate;
    private final String began;
    private transient ListState<String> state;
    private transient String run;

    Read(int rate, String began) {
      if (rate < 1) {
        throw new IllegalArgumentException("--rate is " + rate + ": it must be 1 or more");
      }
      this.rate = rate;
      this.began = began;
    }

    /** Each task sees the marks of all: those that a larger parallelism adds get the same one. */
    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      state = context.getOperatorStateStore().getUnionListState(new ListStateDescriptor<>("run", Types.STRING));
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
    public Order map(String line) throws InterruptedException {
      Thread.sleep(1000 / rate);
      String[] parts = line.split(",", 3);
      if (parts.length < 3) {
        throw new IllegalArgumentException("no order: " + line);
      }
      Order order = new Order();
      order.run = run;
      order.id = parts[0];
      order.day = parts[1];
      order.rest = parts[2];
      return order;
    }
  }

  /** Keeps the files of each run in a folder of their own, and in that those of each day. */
  private static final class ByDay implements BucketAssigner<Order, String> {
    private static final long serialVersionUID = 1;

    @Override
    public String getBucketId(Order order, Context context) {
      return order.run + "/day=" + order.day;
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
      return SimpleVersionedStringSerializer.INSTANCE;
    }
  }
}
