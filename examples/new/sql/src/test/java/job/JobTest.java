package job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.junit.jupiter.api.Test;

class JobTest {
  @Test
  void flinkUnderstandsEveryStatement() throws Exception {
    TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    int inserts = 0;
    try (InputStream in = JobTest.class.getResourceAsStream("/job.sql")) {
      for (String statement : SqlRunner.statements(new String(in.readAllBytes(), StandardCharsets.UTF_8))) {
        if (statement.startsWith("INSERT")) {
          assertTrue(tables.explainSql(statement).contains("Sink"), statement);
          inserts++;
        } else {
          tables.executeSql(statement);
        }
      }
    }
    assertTrue(inserts > 0);
  }

  @Test
  void aSemicolonInATextOrACommentEndsNothing() {
    List<String> statements = SqlRunner.statements("SELECT ';'; -- one;\nSELECT `a;b` /* ; */ FROM t;");
    assertEquals(List.of("SELECT ';'", "SELECT `a;b`  FROM t"), statements);
  }
}
