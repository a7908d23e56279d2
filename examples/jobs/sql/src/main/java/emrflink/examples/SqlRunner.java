// SPDX-License-Identifier: Apache-2.0

package emrflink.examples;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.core.fs.Path;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs a SQL script as one job: what is no INSERT is executed in its order, and all INSERTs together at the end.
 *
 * <p>Arguments: --file URI, such as s3://BUCKET/job.sql; classpath:/job.sql is a file in the jar. --set NAME=VALUE puts a value in
 * the place of ${NAME} in the script.
 */
public final class SqlRunner {
  private static final Pattern SETTING = Pattern.compile("(?is)SET\\s+'([^']*)'\\s*=\\s*'([^']*)'");
  private static final Pattern INSERT = Pattern.compile("(?is)INSERT\\s.*");

  private SqlRunner() {}

  public static void main(String[] args) throws Exception {
    if (args.length < 2 || args.length % 2 != 0 || !args[0].equals("--file")) {
      throw new IllegalArgumentException("the arguments are --file URI, and --set NAME=VALUE as often as needed");
    }
    String script = read(args[1]);
    for (int i = 2; i < args.length; i += 2) {
      int equals = args[i + 1].indexOf('=');
      if (!args[i].equals("--set") || equals < 1) {
        throw new IllegalArgumentException("the arguments after --file URI are --set NAME=VALUE, not " + args[i] + " " + args[i + 1]);
      }
      script = script.replace("${" + args[i + 1].substring(0, equals) + "}", args[i + 1].substring(equals + 1));
    }
    TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    StatementSet inserts = tables.createStatementSet();
    int count = 0;
    for (String statement : statements(script)) {
      Matcher setting = SETTING.matcher(statement);
      if (setting.matches()) {
        tables.getConfig().set(setting.group(1), setting.group(2));
      } else if (INSERT.matcher(statement).matches()) {
        inserts.addInsertSql(statement);
        count++;
      } else {
        tables.executeSql(statement);
      }
    }
    if (count == 0) {
      throw new IllegalArgumentException("the script has no INSERT: there is nothing that a job could run");
    }
    inserts.execute();
  }

  /** The statements of a script, without the semicolons and comments between them. */
  static List<String> statements(String script) {
    List<String> out = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    for (int i = 0; i < script.length(); i++) {
      char c = script.charAt(i);
      if (c == '\'' || c == '`') { // a text, or a name: a quote in it is written twice, and is two of them here
        int end = script.indexOf(c, i + 1);
        end = end < 0 ? script.length() - 1 : end;
        one.append(script, i, end + 1);
        i = end;
      } else if (script.startsWith("--", i)) {
        int end = script.indexOf('\n', i);
        i = end < 0 ? script.length() : end - 1;
      } else if (script.startsWith("/*", i)) {
        int end = script.indexOf("*/", i + 2);
        i = end < 0 ? script.length() : end + 1;
      } else if (c == ';') {
        add(out, one);
      } else {
        one.append(c);
      }
    }
    add(out, one);
    return out;
  }

  private static void add(List<String> out, StringBuilder one) {
    String statement = one.toString().trim();
    if (!statement.isEmpty()) {
      out.add(statement);
    }
    one.setLength(0);
  }

  private static String read(String uri) throws IOException {
    try (InputStream in = open(uri)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static InputStream open(String uri) throws IOException {
    String inJar = "classpath:";
    if (!uri.startsWith(inJar)) {
      Path path = new Path(uri);
      return path.getFileSystem().open(path);
    }
    InputStream in = SqlRunner.class.getResourceAsStream(uri.substring(inJar.length()));
    if (in == null) {
      throw new FileNotFoundException(uri);
    }
    return in;
  }
}
