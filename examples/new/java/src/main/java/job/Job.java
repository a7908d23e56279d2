package job;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Counts numbers by their last digit: a source, state, and an output. */
public final class Job {
  private Job() {}

  public static void main(String[] args) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    DataStream<Long> numbers =
        env.fromSource(
                new NumberSequenceSource(0, Long.MAX_VALUE), WatermarkStrategy.noWatermarks(), "numbers")
            .uid("numbers")
            .map(Job::slowly)
            .uid("slowly");
    counts(numbers).print().uid("print");
    env.execute("${name}");
  }

  /** What the test tests: the part between source and output. */
  static DataStream<String> counts(DataStream<Long> numbers) {
    // A savepoint finds the state of an operator by its uid: give each one, and keep it.
    return numbers.keyBy(number -> number % 10).map(new Count()).uid("count");
  }

  private static Long slowly(Long number) throws InterruptedException {
    Thread.sleep(10);
    return number;
  }

  private static final class Count extends RichMapFunction<Long, String> {
    private static final long serialVersionUID = 1;
    private transient ValueState<Long> state;

    @Override
    public void open(OpenContext context) {
      state = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public String map(Long number) throws Exception {
      long count = state.value() == null ? 1 : state.value() + 1;
      state.update(count);
      return number % 10 + ": " + count;
    }
  }
}
