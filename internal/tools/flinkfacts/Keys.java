// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.FallbackKey;
import org.apache.flink.util.TimeUtils;

/**
 * Prints every configuration key of the jars in the folders that are its arguments: key, type, default, fallback keys, deprecated,
 * class. Internal facts are read by reflection: Flink's documentation is made the same way.
 */
public final class Keys {
  private Keys() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> rows = new TreeMap<>();
    for (String folder : args) {
      try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(folder), "flink-*.jar")) {
        for (Path jar : jars) {
          read(jar, rows);
        }
      }
    }
    rows.values().forEach(System.out::println);
  }

  private static void read(Path jar, Map<String, String> rows) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      for (JarEntry entry : Collections.list(file.entries())) {
        String name = entry.getName();
        if (name.startsWith("org/apache/flink/") && name.matches(".*Options[A-Za-z]*\\.class") && !name.contains("/shaded/")) {
          readClass(name.replace('/', '.').replaceAll("\\.class$", ""), rows);
        }
      }
    }
  }

  private static void readClass(String name, Map<String, String> rows) {
    try {
      Class<?> of = Class.forName(name);
      for (Field field : of.getDeclaredFields()) {
        if (Modifier.isStatic(field.getModifiers()) && ConfigOption.class.isAssignableFrom(field.getType())) {
          field.setAccessible(true);
          ConfigOption<?> option = (ConfigOption<?>) field.get(null);
          boolean deprecated = field.isAnnotationPresent(Deprecated.class) || of.isAnnotationPresent(Deprecated.class);
          rows.merge(option.key(), row(option, deprecated, of.getSimpleName()), Keys::better);
        }
      }
    } catch (ReflectiveOperationException | LinkageError e) {
      System.err.println(name + ": " + e);
    }
  }

  /** Of a key in two classes, that of the one which is not deprecated, then of the first by name. */
  private static String better(String a, String b) {
    String deprecated = "\tdeprecated\t";
    if (a.contains(deprecated) != b.contains(deprecated)) {
      return a.contains(deprecated) ? b : a;
    }
    return a.substring(a.lastIndexOf('\t')).compareTo(b.substring(b.lastIndexOf('\t'))) <= 0 ? a : b;
  }

  private static String row(ConfigOption<?> option, boolean deprecated, String from) throws ReflectiveOperationException {
    List<String> fallbacks = new ArrayList<>();
    for (FallbackKey f : option.fallbackKeys()) {
      fallbacks.add(f.getKey() + (f.isDeprecated() ? "(deprecated)" : ""));
    }
    return String.join("\t", option.key(), type(option), value(option.defaultValue()), String.join(" ", fallbacks),
        deprecated ? "deprecated" : "", from);
  }

  private static String type(ConfigOption<?> option) throws ReflectiveOperationException {
    Class<?> of = (Class<?>) hidden(option, "getClazz");
    String name = of.getSimpleName();
    if (of.isEnum()) {
      name += Arrays.stream(of.getEnumConstants()).map(Object::toString).collect(Collectors.joining(", ", "[", "]"));
    }
    return (Boolean) hidden(option, "isList") ? "List<" + name + ">" : name;
  }

  private static Object hidden(ConfigOption<?> option, String method) throws ReflectiveOperationException {
    Method m = ConfigOption.class.getDeclaredMethod(method);
    m.setAccessible(true);
    return m.invoke(option);
  }

  private static String value(Object v) {
    if (v == null) {
      return "";
    }
    if (v instanceof Duration) {
      return TimeUtils.formatWithHighestUnit((Duration) v);
    }
    if (v instanceof List) {
      return ((List<?>) v).stream().map(Keys::value).collect(Collectors.joining(";"));
    }
    return v.toString().replaceAll("\\s+", " ").trim();
  }
}
