package job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

class JobTest {
  @Test
  void numbersAreCountedByTheirLastDigit() throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
    List<String> counts = new ArrayList<>();
    Job.counts(env.fromSequence(0, 19)).executeAndCollect().forEachRemaining(counts::add);
    assertEquals(20, counts.size());
    assertEquals("9: 2", counts.get(19));
  }
}
