// SPDX-License-Identifier: Apache-2.0

package emrflink.examples;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.api.java.utils.ParameterTool;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Events whose number a second grows and falls, and an operator that computes a few milliseconds for each: the autoscaler gives
 * it more tasks while the load grows, and takes them away again.
 *
 * <p>Arguments: --least and --most EVENTS a second, --period MINUTES from least over most to least, --work MICROSECONDS an event.
 */
public final class Load {
  private Load() {}

  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    Wave wave =
        new Wave(
            options.getDouble("least", 20), options.getDouble("most", 600), Duration.ofMinutes(options.getLong("period", 60)));
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.fromSource(
            new DataGeneratorSource<>(number -> number, Long.MAX_VALUE, wave, Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "load")
        .setParallelism(1)
        .uid("load")
        .rebalance()
        .map(new Work(options.getLong("work", 5000)))
        .name("work")
        .uid("work")
        .sinkTo(new DiscardingSink<>())
        .name("nowhere")
        .uid("nowhere");
    env.execute("autoscaler");
  }

  /** A rate that goes up and down in straight lines. A source that waits for it is idle, not busy: the autoscaler sees that. */
  private static final class Wave implements RateLimiterStrategy {
    private static final long serialVersionUID = 1;
    private final double least;
    private final double most;
    private final long period;

    Wave(double least, double most, Duration period) {
      if (least <= 0 || most < least || period.isZero() || period.isNegative()) {
        throw new IllegalArgumentException("--least must be more than 0, --most no less, --period 1 or more");
      }
      this.least = least;
      this.most = most;
      this.period = period.toNanos();
    }

    /** The wave is that of the clock, so that a restart goes on in it. */
    private double rate() {
      double at = (TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) % period) / (double) period;
      return least + (most - least) * (1 - Math.abs(2 * at - 1));
    }

    @Override
    public RateLimiter createRateLimiter(int parallelism) {
      return new RateLimiter() {
        private long next = System.nanoTime();

        @Override
        public CompletionStage<Void> acquire() {
          long now = System.nanoTime();
          next = Math.max(now, next + (long) (parallelism * TimeUnit.SECONDS.toNanos(1) / rate()));
          if (next == now) {
            return CompletableFuture.completedFuture(null);
          }
          return CompletableFuture.runAsync(() -> {}, CompletableFuture.delayedExecutor(next - now, TimeUnit.NANOSECONDS));
        }
      };
    }
  }

  /** Computes for some time. */
  private static final class Work implements MapFunction<Long, Long> {
    private static final long serialVersionUID = 1;
    private final long nanoseconds;

    Work(long microseconds) {
      this.nanoseconds = TimeUnit.MICROSECONDS.toNanos(microseconds);
    }

    @Override
    public Long map(Long number) {
      long end = System.nanoTime() + nanoseconds;
      long mixed = number;
      while (System.nanoTime() < end) {
        mixed = mixed * 6364136223846793005L + 1442695040888963407L;
      }
      return mixed;
    }
  }
}
