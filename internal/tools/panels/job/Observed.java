// SPDX-License-Identifier: Apache-2.0

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job that gets into one trouble on request, so that the metrics of the trouble can be looked at.
 *
 * <p>Arguments: --rate EVENTS a second, --slow MILLISECONDS for each event, --late SECONDS that event time is behind,
 * --fail SECONDS until the job fails, --refuse 1 to refuse every checkpoint.
 */
public final class Observed {
  private Observed() {}

  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    long late = options.getLong("late", 0) * 1000;
    GeneratorFunction<Long, Long> time = n -> System.currentTimeMillis() - late;
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(
            new DataGeneratorSource<>(time, Long.MAX_VALUE,
                RateLimiterStrategy.perSecond(options.getInt("rate", 50)), Types.LONG),
            WatermarkStrategy.<Long>forBoundedOutOfOrderness(Duration.ofSeconds(1)).withTimestampAssigner((t, x) -> t),
            "events")
        .uid("events")
        .keyBy(t -> t % 10)
        .map(new Work(options.getLong("slow", 0), options.getLong("fail", 0), options.has("refuse")))
        .returns(Types.LONG)
        .name("work")
        .uid("work")
        .sinkTo(new DiscardingSink<>())
        .name("nowhere")
        .uid("nowhere");
    env.execute("observed");
  }

  /** Keeps the last event of a key, and gets into trouble. */
  private static final class Work extends RichMapFunction<Long, Long> implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    private final long slow;
    private final long fail;
    private final boolean refuse;
    private transient long began;
    private transient ValueState<Long> last;

    Work(long slow, long fail, boolean refuse) {
      this.slow = slow;
      this.fail = fail;
      this.refuse = refuse;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      began = System.currentTimeMillis();
      last = context.getKeyedStateStore().getState(new ValueStateDescriptor<>("last", Types.LONG));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      if (refuse) {
        throw new IllegalStateException("asked to refuse checkpoints");
      }
    }

    @Override
    public Long map(Long event) throws Exception {
      if (fail > 0 && System.currentTimeMillis() - began > fail * 1000) {
        throw new IllegalStateException("asked to fail");
      }
      Thread.sleep(slow);
      last.update(event);
      return event;
    }
  }
}
